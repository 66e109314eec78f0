package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.audit.TagIndex;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.network.RecordType;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.proofs.podr2.TagPublicKey;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("quick")
class TagBlocksTest {
    private static final NetworkId NETWORK = NetworkId.LOCAL;
    private static final IdentityKey TENANT = IdentityKey.ofSeed(new byte[32]);

    @TempDir
    private Path directory;

    private final MemoryBlockStore store = new MemoryBlockStore();
    private GroupBook book;
    private TagBlocks tags;
    private Group tagged;
    private Group other;

    /** The index of a group of which the tags are one block, made here without the class. */
    static TagIndex index(IdentityKey tenant, NetworkId network) {
        byte[] subject = new RecordType("audit-tags", 1)
                .seal(
                        tenant,
                        network,
                        CborMap.builder()
                                .put(2, new byte[GroupId.LENGTH])
                                .put(3, inventory().digest())
                                .put(4, new byte[32]));
        return TagIndex.decode(
                CborEncoder.encode(CborMap.builder()
                        .put(1, 1)
                        .put(2, subject)
                        .put(3, item(key()))
                        .put(4, new CborArray(List.of(item(block()))))
                        .build()),
                network);
    }

    private static CborArray item(StoredBlock block) {
        return new CborArray(List.of(
                CborBytes.of(block.cid().digest()), new CborInt(block.bytes().remaining())));
    }

    static StoredBlock key() {
        return SwarmReader.asBlock(new byte[TagPublicKey.BYTES]);
    }

    static StoredBlock block() {
        return SwarmReader.asBlock(new byte[480]);
    }

    private static Cid inventory() {
        return Cid.of(ByteBuffer.wrap(new Inventory(Scheme.copies(1), List.of()).encode()));
    }

    @BeforeEach
    void open() {
        book = GroupBook.open(directory, NETWORK);
        tags = tags();
        tagged = book.begin(table(GroupId.of(new byte[GroupId.LENGTH]), 1, inventory()));
        other = book.begin(table(GroupId.random(new SecureRandom()), 1, null));
    }

    @AfterEach
    void close() {
        book.close();
    }

    private TagBlocks tags() {
        return tags(store, bytes -> bytes);
    }

    private TagBlocks tags(BlockStore from, UnaryOperator<byte[]> open) {
        return new TagBlocks(
                "tagged", NETWORK, book, new OwnerRole.Blocks(from), bytes -> bytes, open, System::nanoTime);
    }

    private static SlotTable.Signed table(GroupId id, long generation, @Nullable Cid inventory) {
        return new SlotTable(
                        TENANT.peerId(),
                        id,
                        generation,
                        Scheme.copies(1),
                        inventory == null ? SlotTable.State.OPEN : SlotTable.State.CLOSED,
                        List.of(TENANT.peerId()),
                        inventory)
                .sign(TENANT, NETWORK);
    }

    private void place(Cid... cids) {
        List<Inventory.Entry> entries = new ArrayList<>();
        for (Cid cid : cids) {
            entries.add(new Inventory.Entry(cid, 480));
        }
        book.append(other, entries);
    }

    private TagIndex share() {
        TagIndex index = index(TENANT, NETWORK);
        tags.share(tagged.table(), index, List.of(block(), key()));
        return index;
    }

    private static Cid sealed(TagIndex index) {
        return SwarmReader.asBlock(index.encode()).cid();
    }

    @Test
    void tags_are_named_once_all_their_blocks_are_on_peers_and_still_after_a_restart() {
        assertThat(tags.areShared(tagged)).isFalse();
        TagIndex index = share();
        assertThat(store.has(List.of(block().cid(), key().cid(), sealed(index))).cardinality())
                .isEqualTo(3);
        assertThat(tags.areShared(tagged)).as("on their way").isTrue();
        place(block().cid(), key().cid());
        assertThat(tags.areShared(tagged)).isTrue();
        assertThat(tagged.tagIndex()).as("the index itself is not there").isNull();
        place(sealed(index));
        assertThat(tags.areShared(tagged)).isTrue();
        assertThat(tagged.tagIndex()).isEqualTo(sealed(index));
        assertThat(book.hasTags()).isTrue();

        book.close();
        book = GroupBook.open(directory, NETWORK);
        tags = tags();
        Group again = book.find(tagged.id());
        assertThat(again).isNotNull();
        assertThat(again.tagIndex()).isEqualTo(sealed(index));
        assertThat(tags.areShared(again)).isTrue();
        assertThat(tags.index(again)).isEqualTo(index);
        assertThat(tags.get(index).keySet()).isEqualTo(index.cids());
    }

    @Test
    void tags_of_an_inventory_that_a_group_had_before_are_none() {
        TagIndex index = share();
        place(block().cid(), key().cid(), sealed(index));
        assertThat(tags.areShared(tagged)).isTrue();
        Cid another = Cid.of(ByteBuffer.allocate(5));
        assertThat(book.replace(table(tagged.id(), 2, another))).isTrue();
        assertThat(tagged.tagIndex()).isNull();
        assertThat(tags.index(tagged)).isNull();
        assertThat(tags.areShared(tagged)).isFalse();
    }

    @Test
    void tags_are_no_garbage_as_long_as_their_group_stands_and_are_given_up_when_their_index_is_lost() {
        assertThat(tags.needed()).isEmpty();
        TagIndex index = share();
        Set<Cid> all = Set.of(block().cid(), key().cid(), sealed(index));
        assertThat(tags.needed()).as("on their way").isEqualTo(all);
        place(block().cid(), key().cid(), sealed(index));
        assertThat(tags.areShared(tagged)).isTrue();
        assertThat(tags.needed()).isEqualTo(all);

        // all holders are away
        tags = tags(new MemoryBlockStore(), bytes -> bytes);
        assertThat(tags.needed()).as("it cannot be known").isNull();
        assertThat(tagged.tagIndex()).isEqualTo(sealed(index));
        tags = tags();
        assertThat(tags.needed()).isEqualTo(all);

        // the index is there, and is none
        tags = tags(store, bytes -> new byte[] {1});
        assertThat(tags.needed()).isEmpty();
        assertThat(tagged.tagIndex()).isNull();
        assertThat(book.hasTags()).isFalse();

        tags = tags();
        share();
        assertThat(tags.areShared(tagged)).isTrue();
        // it is nowhere
        book.emptied(other);
        tags = tags(new MemoryBlockStore(), bytes -> bytes);
        assertThat(tags.needed()).isEmpty();
        assertThat(tagged.tagIndex()).isNull();
        assertThat(tags.areShared(tagged)).as("they are made anew").isFalse();

        other = book.begin(table(GroupId.random(new SecureRandom()), 1, null));
        place(block().cid(), key().cid(), sealed(index));
        tags = tags();
        share();
        assertThat(tags.areShared(tagged)).isTrue();
        assertThat(tags.needed()).isEqualTo(all);
        book.emptied(tagged);
        assertThat(tags.needed()).isEmpty();
    }
}
