package io.ppiofs.node.audit;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.file.DurableFile;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.audit.SlotUnits;
import io.ppiofs.proofs.podr2.MacKey;
import io.ppiofs.proofs.podr2.TagKey;
import io.ppiofs.proofs.podr2.UnitName;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.LongFunction;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The tags of a closed group, those of parity blocks among them, in the order of the inventory. Immutable.
 *
 * <p>The file, big-endian: {@code "PPIT"}, version 1, form, 2 zero bytes, digest of the inventory (32), units (8), the tags, CRC-32C of
 * all before (4).
 */
final class GroupTags {
    private static final int MAGIC = 0x50504954;
    private static final int HEADER = 16 + Cid.DIGEST_LENGTH;
    private static final int CRC = 4;

    /** Most bytes of a file: a group of 2^17 entries and 512 MiB in the public form, with room. */
    private static final int MAX_FILE = 64 << 20;

    private static final String READ = "read tags";

    private final AuditForm form;
    private final SlotUnits units;
    private final byte[] tags;

    private GroupTags(AuditForm form, SlotUnits units, byte[] tags) {
        this.form = form;
        this.units = units;
        this.tags = tags;
    }

    static int tagBytes(AuditForm form) {
        return form == AuditForm.PUBLIC ? TagKey.TAG_BYTES : MacKey.TAG_BYTES;
    }

    /** The tags of a slot's units, by their number. */
    LongFunction<byte[]> ofSlot(AuditedGroup group, int slot) {
        SlotUnits mine = group.units(slot);
        int[] places = group.placesOf(slot);
        int length = tagBytes(form);
        return unit -> {
            int block = mine.blockOf(unit);
            long at = units.firstOf(places[block]) + mine.within(unit);
            return Arrays.copyOfRange(tags, (int) at * length, (int) (at + 1) * length);
        };
    }

    /** The tags as blocks, {@link TagIndex#TAGS} to each. */
    List<byte[]> cut() {
        List<byte[]> blocks = new ArrayList<>();
        int most = TagIndex.TAGS * tagBytes(form);
        for (int from = 0; from < tags.length; from += most) {
            blocks.add(Arrays.copyOfRange(tags, from, Math.min(tags.length, from + most)));
        }
        return blocks;
    }

    /** Whether a file has room for the tags of a group. */
    static boolean fit(AuditedGroup group, AuditForm form) {
        return group.allUnits().total() <= (MAX_FILE - HEADER - CRC) / tagBytes(form);
    }

    /** The opposite. @return null if these are not as many tags as the group has units */
    static @Nullable GroupTags joined(AuditedGroup group, AuditForm form, List<byte[]> blocks) {
        SlotUnits units = group.allUnits();
        long length = units.total() * tagBytes(form);
        if (!fit(group, form)
                || blocks.stream().mapToLong(block -> block.length).sum() != length) {
            return null;
        }
        ByteBuffer all = ByteBuffer.allocate((int) length);
        blocks.forEach(all::put);
        return new GroupTags(form, units, all.array());
    }

    /** Bytes of all tags. */
    int bytes() {
        return tags.length;
    }

    /**
     * Tags a group. Every block is hashed before: a tag for other bytes than its name says would give the key away.
     *
     * @param blocks where they are read; parity is computed
     * @param stop asked now and then
     * @return null if a block is not there or damaged, or it was stopped
     */
    static @Nullable GroupTags make(
            AuditedGroup group, AuditForm form, AuditKeys keys, BlockStore blocks, BooleanSupplier stop) {
        SlotUnits units = group.allUnits();
        byte[] tags = new byte[Math.toIntExact(units.total() * tagBytes(form))];
        Tagging tagging = new Tagging(form, keys, units, tags);
        return GroupBlocks.read(group, blocks, stop, (entry, bytes) -> tagging.next(bytes))
                ? new GroupTags(form, units, tags)
                : null;
    }

    /** Tags blocks one after another, in the order of the inventory. */
    private static final class Tagging {
        private final AuditForm form;
        private final AuditKeys keys;
        private final SlotUnits units;
        private final byte[] tags;
        private final byte[] unit = new byte[UnitName.UNIT_BYTES];
        private int block;

        Tagging(AuditForm form, AuditKeys keys, SlotUnits units, byte[] tags) {
            this.form = form;
            this.keys = keys;
            this.units = units;
            this.tags = tags;
        }

        void next(ByteBuffer bytes) {
            ByteBuffer in = bytes.duplicate();
            long first = units.firstOf(block);
            for (int i = 0; in.hasRemaining(); i++) {
                int n = Math.min(UnitName.UNIT_BYTES, in.remaining());
                in.get(unit, 0, n);
                Arrays.fill(unit, n, UnitName.UNIT_BYTES, (byte) 0);
                UnitName name = new UnitName(units.blocks().get(block).cid(), i);
                byte[] tag = form == AuditForm.PUBLIC
                        ? keys.tagKey().tag(name, unit)
                        : keys.mac().tag(name, unit);
                System.arraycopy(tag, 0, tags, (int) (first + i) * tag.length, tag.length);
            }
            block++;
        }
    }

    /** Writes the file, durably. */
    void save(Path file, Cid inventory) {
        ByteBuffer out = ByteBuffer.allocate(HEADER + tags.length + CRC)
                .putInt(MAGIC)
                .put((byte) 1)
                .put((byte) form.ordinal())
                .putShort((short) 0)
                .put(inventory.digest())
                .putLong(units.total())
                .put(tags);
        CRC32C crc = new CRC32C();
        crc.update(out.array(), 0, out.position());
        DurableFile.replace(file, out.putInt((int) crc.getValue()).array(), "write tags");
    }

    /** @return null if there is no file, or it is of another inventory or form, or damaged: then tags are made anew */
    static @Nullable GroupTags load(Path file, AuditedGroup group, AuditForm form) {
        byte[] bytes = DurableFile.read(file, MAX_FILE, READ);
        SlotUnits units = group.allUnits();
        long length = units.total() * tagBytes(form);
        if (bytes == null || bytes.length != HEADER + length + CRC) {
            return null;
        }
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length - CRC);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        boolean fits = in.getInt(bytes.length - CRC) == (int) crc.getValue()
                && in.getInt() == MAGIC
                && in.get() == 1
                && in.get() == form.ordinal()
                && in.getShort() == 0
                && Cid.readDigest(in).equals(group.digest())
                && in.getLong() == units.total();
        return fits ? new GroupTags(form, units, Arrays.copyOfRange(bytes, HEADER, bytes.length - CRC)) : null;
    }
}
