package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.audit.TagIndex;
import io.ppiofs.node.swarm.FakePeers.FakePeer;
import io.ppiofs.overlay.identity.IdentityKey;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Holders of tag blocks die or lose them: the writer's drainer with peers in memory, and a verifier that reads from these alone. */
@Tag("long")
class TagRepairTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final int GROUP = 8;

    @TempDir
    private Path directory;

    private final IdentityKey tenant = IdentityKey.generate(new SecureRandom());
    private final FakePeers peers = new FakePeers();
    private final MemoryBlockStore local = new MemoryBlockStore();
    private final Backlog backlog = new Backlog();
    private final AtomicLong later = new AtomicLong();
    private final List<Cid> data = new ArrayList<>();
    private final Set<Cid> tagCids = new HashSet<>();
    private FakePeer first;
    private FakePeer second;
    private GroupBook book;
    private Drainer drainer;
    private TagBlocks tags;
    private TagBlocks verifier;
    private Group tagged;

    @BeforeEach
    void aTaggedGroupWhoseTagsAreOnTwoPeers() {
        first = peers.add();
        second = peers.add();
        book = GroupBook.open(directory, NetworkId.LOCAL);
        SwarmBlockStore.Remote remote = new SwarmBlockStore.Remote() {
            @Override
            public Map<Cid, ByteBuffer> fetch(List<Cid> cids) {
                return onPeers(cids);
            }

            @Override
            public boolean isPlaced(Cid cid) {
                return book.contains(cid);
            }
        };
        SwarmBlockStore store = new SwarmBlockStore("test", local, remote, backlog);
        DrainOptions options = DrainOptions.of(Scheme.copies(2))
                .withGroups(1 << 20, GROUP)
                .withTimes(Duration.ofMillis(20), Duration.ofMillis(20), Duration.ofMillis(200));
        drainer = new Drainer(
                "test", store, local, book, backlog, peers, new HolderTrust(), tenant, NetworkId.LOCAL, options);
        store.sweptBy(drainer.sweeper());
        tags = new TagBlocks(
                "test",
                NetworkId.LOCAL,
                book,
                new OwnerRole.Blocks(store),
                bytes -> bytes,
                bytes -> bytes,
                () -> System.nanoTime() + later.get());
        drainer.tellsLost(tags::cannotBeFound);
        drainer.sweeper().keeps(tags::needed);
        drainer.start(() -> drainer.published(book.read()));
        verifier = verifier();

        write(GROUP);
        await("the group is closed")
                .atMost(SOON)
                .until(() -> book.groups().stream().anyMatch(group -> !group.isOpen()));
        tagged = book.groups().get(0);
        share();
        await("tags are on peers").atMost(SOON).until(() -> tags.areShared(tagged) && tagged.tagIndex() != null);
        await().atMost(SOON).until(() -> second.blocks.keySet().containsAll(tagCids));
    }

    @AfterEach
    void close() {
        drainer.close();
        book.close();
    }

    /** One that was given the capability just now. */
    private TagBlocks verifier() {
        TagBlocks.Blocks reader = new TagBlocks.Blocks() {
            @Override
            public Map<Cid, ByteBuffer> get(List<Cid> cids) {
                return onPeers(cids);
            }

            @Override
            public void put(List<StoredBlock> blocks) {
                // as VerifiedVolume does: a call would be a fault that must not pass
                throw new UnsupportedOperationException("a verifier writes nothing");
            }
        };
        return new TagBlocks("test", NetworkId.LOCAL, book, reader, bytes -> bytes, bytes -> bytes, System::nanoTime);
    }

    private void share() {
        TagIndex index = TagBlocksTest.index(tenant, NetworkId.LOCAL);
        tags.share(tagged.table(), index, List.of(TagBlocksTest.block(), TagBlocksTest.key()));
        tagCids.addAll(index.cids());
        tagCids.add(SwarmReader.asBlock(index.encode()).cid());
    }

    private void write(int count) {
        List<Cid> cids = RandomBlocks.put(local, count, i -> 2_000 + i);
        data.addAll(cids);
        backlog.add(cids);
        await().atMost(SOON).until(() -> backlog.size() == 0);
    }

    private Map<Cid, ByteBuffer> onPeers(List<Cid> cids) {
        Map<Cid, ByteBuffer> found = new HashMap<>(peers.reachable());
        found.keySet().retainAll(cids);
        found.replaceAll((cid, block) -> block.duplicate());
        return found;
    }

    private boolean canAudit() {
        TagIndex index = verifier.index(tagged);
        return index != null && verifier.get(index).keySet().containsAll(index.cids());
    }

    private Group groupOfTags() {
        return book.locate(tagged.tagIndex()).group();
    }

    /** Tags, and as much more as fills their group. */
    private void closeGroupOfTags() {
        write(GROUP - tagCids.size());
        await("it is closed").atMost(SOON).until(() -> !groupOfTags().isOpen());
    }

    /** No peer has the tags any more, nor has this machine. */
    private void loseTags() {
        first.loseEverything();
        second.loseEverything();
        local.delete(List.copyOf(tagCids));
        verifier = verifier();
        assertThat(canAudit()).isFalse();
    }

    @Test
    void when_a_holder_of_tags_dies_they_can_be_had_from_others_and_another_peer_gets_them() {
        closeGroupOfTags();
        local.delete(List.copyOf(tagCids));
        first.down = true;
        assertThat(canAudit()).as("one of two holders is left").isTrue();
        FakePeer third = peers.add();
        await("the slot goes to somebody else")
                .atMost(SOON)
                .until(() -> third.blocks.keySet().containsAll(tagCids));
        assertThat(third.restored).as("from its co-holder").isGreaterThanOrEqualTo(tagCids.size());
        assertThat(groupOfTags().holders()).containsExactlyInAnyOrder(second.id(), third.id());
        second.down = true;
        verifier = verifier();
        assertThat(canAudit()).isTrue();
        assertThat(tags.areShared(tagged)).as("nothing had to be made anew").isTrue();
    }

    @Test
    void tags_that_no_peer_has_any_more_are_given_to_them_once_more() {
        lostAndMadeAnew();
    }

    @Test
    void so_are_those_in_a_closed_group() {
        closeGroupOfTags();
        lostAndMadeAnew();
    }

    private void lostAndMadeAnew() {
        loseTags();
        await("that is noticed").atMost(SOON).until(() -> !tags.areShared(tagged));
        share(); // as the auditor does, by the same tags
        await("a verifier can audit again").atMost(SOON).until(this::canAudit);
        assertThat(tags.areShared(tagged)).isTrue();
        assertThat(tags.needed()).isEqualTo(tagCids);
        await("the second copy").atMost(SOON).until(() -> second.blocks.keySet().containsAll(tagCids));
    }

    @Test
    void an_index_that_cannot_be_read_is_made_anew_and_its_tags_are_given_up_when_that_does_not_come_about() {
        closeGroupOfTags();
        tags = new TagBlocks(
                "test",
                NetworkId.LOCAL,
                book,
                new OwnerRole.Blocks(new MemoryBlockStore()),
                bytes -> bytes,
                bytes -> bytes,
                () -> System.nanoTime() + later.get());
        drainer.sweeper().keeps(tags::needed);
        assertThat(tags.areShared(tagged)).isTrue();
        assertThat(tags.needed()).isNull();
        assertThat(tags.areShared(tagged)).as("they shall be made anew").isFalse();
        later.addAndGet(Duration.ofHours(23).toNanos());
        assertThat(tags.needed()).isNull();
        assertThat(tagged.tagIndex()).isNotNull();
        later.addAndGet(Duration.ofHours(2).toNanos());
        Group group = groupOfTags();
        data.removeAll(data.subList(GROUP, data.size())); // what else is in the group of the tags
        local.delete(List.copyOf(tagCids));
        drainer.sweeper().markBegins();
        drainer.sweeper().marked(data::contains);
        assertThat(tagged.tagIndex()).as("it is given up").isNull();
        await("nobody keeps the group any more").atMost(SOON).until(() -> book.find(group.id()) == null);
        await().atMost(SOON)
                .until(() -> !first.tables.containsKey(group.id()) && !second.tables.containsKey(group.id()));
    }
}
