package io.ppiofs.node.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.audit.SlotUnits;
import io.ppiofs.proofs.podr2.UnitName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GroupTagsTest {
    @TempDir
    private Path directory;

    private static GroupTags made(TaggedVolume volume, AuditForm form) {
        GroupTags tags = GroupTags.make(volume.group, form, volume.keys, volume.local, () -> false);
        assertThat(tags).isNotNull();
        return tags;
    }

    /** The tag of each unit of each slot is the one that its name and bytes have. */
    private static void assertTagged(TaggedVolume volume, GroupTags tags) {
        for (int slot : volume.group.slots()) {
            SlotUnits units = volume.group.units(slot);
            for (long unit = 0; unit < units.total(); unit++) {
                UnitName name = units.name(unit);
                byte[] bytes = new byte[UnitName.UNIT_BYTES];
                volume.everything.read(
                        Cid.fromBytes(name.cid()), (long) name.unit() * bytes.length, ByteBuffer.wrap(bytes));
                assertThat(tags.ofSlot(volume.group, slot).apply(unit))
                        .isEqualTo(volume.keys.mac().tag(name, bytes));
            }
        }
    }

    @Test
    void every_unit_of_copies_is_tagged() {
        TaggedVolume volume = new TaggedVolume(Scheme.copies(3), 9, 100_000, 1);
        assertTagged(volume, made(volume, AuditForm.PRIVATE));
    }

    @Test
    void so_is_every_unit_of_stripes_and_parity_that_is_on_this_machine_nowhere() {
        TaggedVolume volume = new TaggedVolume(Scheme.parse("3+2"), 10, 70_000, 2); // with empty places
        assertThat(volume.group.slots()).hasSize(5);
        assertTagged(volume, made(volume, AuditForm.PRIVATE));
    }

    @Test
    void tags_take_six_thousandths_in_the_public_form_and_two_in_the_private_one() {
        TaggedVolume volume = new TaggedVolume(Scheme.copies(1), 4, 1 << 20, 3);
        double bytes = volume.group.inventory().bytes();
        assertThat(made(volume, AuditForm.PUBLIC).bytes() / bytes).isLessThan(0.006);
        assertThat(made(volume, AuditForm.PRIVATE).bytes() / bytes).isLessThan(0.002);
    }

    @Test
    void a_group_with_a_missing_or_damaged_block_is_not_tagged() {
        TaggedVolume volume = new TaggedVolume(Scheme.copies(2), 3, 50_000, 4);
        Cid first = volume.group.inventory().entries().get(0).cid();
        MemoryBlockStore damaged = new MemoryBlockStore();
        volume.group.inventory().entries().forEach(entry -> {
            byte[] bytes = new byte[entry.length()];
            volume.local.read(entry.cid(), 0, ByteBuffer.wrap(bytes));
            bytes[7] ^= entry.cid().equals(first) ? 1 : 0;
            damaged.put(List.of(new StoredBlock(entry.cid(), ByteBuffer.wrap(bytes))));
        });
        assertThat(GroupTags.make(volume.group, AuditForm.PRIVATE, volume.keys, damaged, () -> false))
                .isNull();
        volume.local.delete(List.of(first));
        assertThat(GroupTags.make(volume.group, AuditForm.PRIVATE, volume.keys, volume.local, () -> false))
                .isNull();
    }

    @Test
    void a_file_is_read_back_and_one_that_is_damaged_or_of_another_group_is_not() throws IOException {
        TaggedVolume volume = new TaggedVolume(Scheme.copies(2), 3, 50_000, 5);
        GroupTags tags = made(volume, AuditForm.PRIVATE);
        Path file = directory.resolve("tags");
        assertThat(GroupTags.load(file, volume.group, AuditForm.PRIVATE)).isNull();
        tags.save(file, volume.group.digest());
        GroupTags read = GroupTags.load(file, volume.group, AuditForm.PRIVATE);
        assertThat(read).isNotNull();
        assertTagged(volume, read);
        assertThat(GroupTags.load(file, volume.group, AuditForm.PUBLIC)).isNull();
        TaggedVolume other = new TaggedVolume(Scheme.copies(2), 3, 50_000, 6);
        assertThat(GroupTags.load(file, other.group, AuditForm.PRIVATE)).isNull();
        byte[] bytes = Files.readAllBytes(file);
        for (int at = 0; at < bytes.length; at += 11) {
            byte[] flipped = bytes.clone();
            flipped[at] ^= 1;
            Files.write(file, flipped);
            assertThat(GroupTags.load(file, volume.group, AuditForm.PRIVATE))
                    .as("byte %d", at)
                    .isNull();
        }
        Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
        assertThat(GroupTags.load(file, volume.group, AuditForm.PRIVATE)).isNull();
    }
}
