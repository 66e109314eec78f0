package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.swarm.FakePeers.FakePeer;
import io.ppiofs.overlay.identity.IdentityKey;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Garbage goes from peers and nothing else does: a volume that is a set of blocks, over a swarm store and peers in memory, which delete
 * at once what is retired. A head is the set at some time; when one is published every block of it must be on peers.
 */
@Tag("long")
class GroupSweeperTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final int GROUP = 12;

    @TempDir
    Path directory;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final IdentityKey tenant = IdentityKey.generate(new SecureRandom());
    private final FakePeers peers = new FakePeers();
    private final MemoryBlockStore local = new MemoryBlockStore();

    /** What the volume reaches. Written under the shared lock together with the put, so that a mark misses nothing. */
    private final Set<Cid> live = ConcurrentHashMap.newKeySet();

    private final Map<Cid, ByteBuffer> everWritten = new ConcurrentHashMap<>();
    private final ReentrantReadWriteLock quiet = new ReentrantReadWriteLock();
    private final Collection<String> problems = new ConcurrentLinkedQueue<>();

    private record Due(long position, Set<Cid> reached) {}

    private volatile Due due;
    private Backlog backlog;
    private GroupBook book;
    private Drainer drainer;
    private SwarmBlockStore store;

    @BeforeEach
    void peers() {
        for (int i = 0; i < 4; i++) {
            peers.add();
        }
    }

    @AfterEach
    void close() {
        if (drainer != null) {
            drainer.close();
            book.close();
        }
    }

    private void start(String scheme) {
        book = GroupBook.open(directory.resolve("groups"), NetworkId.LOCAL);
        backlog = new Backlog();
        GroupBook opened = book;
        store = new SwarmBlockStore(
                "test",
                local,
                new SwarmBlockStore.Remote() {
                    @Override
                    public Map<Cid, ByteBuffer> fetch(List<Cid> cids) {
                        Map<Cid, ByteBuffer> found = new HashMap<>();
                        cids.forEach(cid -> {
                            ByteBuffer block = onPeers(cid);
                            if (block != null) {
                                found.put(cid, block);
                            }
                        });
                        return found;
                    }

                    @Override
                    public boolean isPlaced(Cid cid) {
                        return opened.contains(cid);
                    }
                },
                backlog);
        DrainOptions options = DrainOptions.of(Scheme.parse(scheme))
                .withGroups(64 << 10, GROUP)
                .withTimes(Duration.ofMillis(5), Duration.ofMillis(20), Duration.ofMinutes(10));
        drainer = new Drainer(
                "test", store, local, book, backlog, peers, new HolderTrust(), tenant, NetworkId.LOCAL, options);
        store.sweptBy(drainer.sweeper());
        Set<Cid> missing = new HashSet<>(live);
        missing.removeIf(book::contains);
        backlog.add(missing);
        checkpoint();
        drainer.start(this::publish);
    }

    private void crash(String scheme) {
        drainer.close();
        book.close();
        start(scheme);
    }

    /** A copy, or the data block of a stripe, as a machine finds it that has nothing but the book. */
    private ByteBuffer onPeers(Cid cid) {
        return held(cid, false);
    }

    private ByteBuffer held(Cid cid, boolean alsoWhereDown) {
        GroupBook.Located at = book.locate(cid);
        if (at == null) {
            return null;
        }
        return at.holders().stream()
                .map(peers::get)
                .filter(peer -> alsoWhereDown || !peer.down)
                .map(peer -> peer.blocks.get(cid))
                .filter(block -> block != null)
                .findFirst()
                .orElse(null);
    }

    private void put(ByteBuffer bytes) {
        Cid cid = Cid.of(bytes.duplicate());
        quiet.readLock().lock();
        try {
            store.put(List.of(new StoredBlock(cid, bytes.duplicate())));
            live.add(cid);
            everWritten.put(cid, bytes);
        } finally {
            quiet.readLock().unlock();
        }
    }

    private List<Cid> write(int count) {
        List<Cid> cids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] bytes = new byte[1 + random.nextInt(9000)];
            random.nextBytes(bytes);
            put(ByteBuffer.wrap(bytes));
            cids.add(Cid.of(ByteBuffer.wrap(bytes)));
        }
        return cids;
    }

    /** Full groups; the last one is open until somebody looks. */
    private List<Cid> writeGroups(int count) {
        List<Cid> cids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            cids.addAll(write(GROUP));
            awaitQuiet();
        }
        return cids;
    }

    private void checkpoint() {
        quiet.writeLock().lock();
        try {
            due = new Due(backlog.position(), Set.copyOf(live));
        } finally {
            quiet.writeLock().unlock();
        }
        backlog.wake();
    }

    /** As the publisher does, on the drainer's thread. */
    private void publish() {
        Due head = due;
        if (backlog.isDoneUpTo(head.position()) && !book.read().isEmpty()) {
            for (Cid cid : head.reached()) {
                if (held(cid, true) == null && problems.size() < 5) {
                    problems.add("a head was to be published of which block " + cid + " is not on peers, seed " + seed);
                }
            }
            drainer.published(book.read());
        }
    }

    private void collect() {
        checkpoint();
        quiet.writeLock().lock();
        try {
            drainer.sweeper().markBegins();
        } finally {
            quiet.writeLock().unlock();
        }
        Set<Cid> marked = new HashSet<>(live);
        checkpoint();
        drainer.sweeper().marked(marked::contains);
    }

    /** As the local cache does: only what has its copies, and in a group in which it stays. */
    private void evict() {
        for (Group group : book.current()) {
            for (var entry : book.entries(group)) {
                if (!entry.isEmpty() && random.nextBoolean() && onPeers(entry.cid()) != null) {
                    local.delete(List.of(entry.cid()));
                }
            }
        }
    }

    private void awaitQuiet() {
        await("quiet, seed " + seed)
                .atMost(SOON)
                .until(() -> backlog.size() == 0
                        && !drainer.sweeper().isBusy()
                        && drainer.sweeper().facts().leaving() == 0
                        && book.groups().stream().allMatch(Group::isCurrent));
    }

    private void assertNothingIsLost() {
        assertThat(problems).isEmpty();
        for (Cid cid : live) {
            assertThat(onPeers(cid)).as("block %s, seed %d", cid, seed).isEqualTo(everWritten.get(cid));
        }
    }

    private Set<Cid> onSomePeer() {
        Set<Cid> all = new HashSet<>();
        for (FakePeer peer : peers.all()) {
            all.addAll(peer.blocks.keySet());
        }
        return all;
    }

    @Test
    void what_is_deleted_goes_from_peers_and_what_is_not_moves() {
        start("3");
        List<Cid> cids = writeGroups(5);
        // of each group every third block stays
        Set<Cid> deleted = new HashSet<>();
        for (int i = 0; i < cids.size(); i++) {
            if (i % 3 != 0) {
                deleted.add(cids.get(i));
            }
        }
        live.removeAll(deleted);
        local.delete(cids);
        collect();
        await("deleted, seed " + seed)
                .atMost(SOON)
                .until(() -> drainer.sweeper().facts().emptied() >= 4);
        awaitQuiet();
        assertNothingIsLost();
        Set<Cid> there = onSomePeer();
        there.retainAll(deleted);
        // less than a megabyte is not worth closing the open group
        assertThat(there).hasSizeLessThanOrEqualTo(GROUP);
        assertThat(drainer.sweeper().facts().freedBytes()).isPositive();
    }

    @Test
    void what_no_file_needs_and_is_needed_all_the_same_moves_too() {
        start("2");
        List<Cid> cids = writeGroups(2);
        Set<Cid> tags = Set.of(cids.get(2), cids.get(7));
        drainer.sweeper().keeps(() -> tags);
        live.removeAll(cids);
        local.delete(cids);
        collect();
        await().atMost(SOON).until(() -> drainer.sweeper().facts().emptied() >= 1);
        awaitQuiet();
        assertThat(tags).allSatisfy(cid -> assertThat(onPeers(cid)).isEqualTo(everWritten.get(cid)));
        assertThat(onSomePeer()).doesNotContain(cids.get(3));
    }

    @Test
    void a_mark_of_which_it_is_not_known_what_else_is_needed_empties_nothing() {
        start("2");
        List<Cid> cids = writeGroups(2);
        drainer.sweeper().keeps(() -> null);
        live.removeAll(cids);
        local.delete(cids);
        collect();
        assertThat(drainer.sweeper().isBusy()).isFalse();
        drainer.sweeper().keeps(Set::of);
        collect();
        await().atMost(SOON).until(() -> drainer.sweeper().facts().emptied() >= 1);
        assertThat(drainer.sweeper().facts().freedBytes()).isPositive();
    }

    @Test
    void a_block_that_is_written_again_while_its_group_is_emptied_stays() {
        start("2");
        List<Cid> cids = writeGroups(2);
        live.removeAll(cids);
        drainer.sweeper().markBegins();
        Cid again = cids.get(3);
        put(everWritten.get(again));
        assertThat(backlog.size()).as("it is placed, so nothing waits").isZero();
        local.delete(cids);
        checkpoint();
        drainer.sweeper().marked(cid -> false);
        await().atMost(SOON).until(() -> drainer.sweeper().facts().emptied() >= 1);
        awaitQuiet();
        assertThat(onPeers(again)).isEqualTo(everWritten.get(again));
        assertNothingIsLost();
    }

    @Test
    void a_group_whose_blocks_cannot_be_had_stays() {
        start("2");
        List<Cid> cids = writeGroups(3);
        Set<Cid> kept = new HashSet<>();
        for (int i = 0; i < cids.size(); i += 6) {
            kept.add(cids.get(i));
        }
        live.retainAll(kept);
        local.delete(cids);
        peers.all().forEach(peer -> peer.down = true);
        collect();
        await().atMost(SOON).until(() -> !drainer.sweeper().isBusy() && backlog.size() == 0);
        peers.all().forEach(peer -> peer.down = false);
        awaitQuiet();
        assertNothingIsLost();
        collect();
        await().atMost(SOON).until(() -> drainer.sweeper().facts().emptied() >= 2);
        awaitQuiet();
        assertNothingIsLost();
    }

    @Test
    void a_group_stays_until_what_is_needed_of_it_is_on_enough_peers_elsewhere() {
        start("3");
        List<Cid> cids = writeGroups(3);
        Set<Cid> kept = new HashSet<>();
        for (int i = 0; i < cids.size(); i += 6) {
            kept.add(cids.get(i));
        }
        live.retainAll(kept);
        collect();
        peers.all().stream().skip(1).forEach(peer -> peer.full = true);
        write(1);
        await().atMost(SOON)
                .until(() -> backlog.size() == 0 && drainer.sweeper().facts().leaving() > 0);
        assertThat(drainer.sweeper().facts().emptied())
                .as("there is one copy elsewhere")
                .isZero();
        assertThat(onSomePeer()).containsAll(kept);
        peers.all().forEach(peer -> peer.full = false);
        await().atMost(SOON).until(() -> drainer.sweeper().facts().emptied() >= 2);
        awaitQuiet();
        assertNothingIsLost();
    }

    @Test
    void nothing_is_given_up_while_another_machine_may_need_it() {
        start("2");
        List<Cid> cids = writeGroups(2);
        live.removeAll(cids);
        drainer.sweeper().onlyWhile(() -> false);
        collect();
        write(1);
        awaitPlaced();
        assertThat(drainer.sweeper().facts().emptied()).isZero();
        assertThat(onSomePeer()).containsAll(cids);
    }

    private void awaitPlaced() {
        await().atMost(SOON).until(() -> backlog.size() == 0);
    }

    @Test
    void a_mark_that_failed_frees_nothing() {
        start("2");
        List<Cid> cids = writeGroups(3);
        live.removeAll(cids);
        drainer.sweeper().markBegins();
        drainer.sweeper().endMark();
        drainer.sweeper().marked(cid -> false);
        backlog.wake();
        write(1);
        awaitQuiet();
        assertThat(drainer.sweeper().facts().emptied()).isZero();
        assertThat(onSomePeer()).containsAll(cids);
    }

    @Test
    void writers_deletions_evictions_and_crashes_lose_nothing() {
        everythingAtOnce("3");
    }

    @Test
    void nor_do_they_with_a_code() {
        everythingAtOnce("2+1");
    }

    private void everythingAtOnce(String scheme) {
        start(scheme);
        for (int round = 0; round < 60; round++) {
            List<Cid> mine = new ArrayList<>(write(1 + random.nextInt(2 * GROUP)));
            List<Cid> all = new ArrayList<>(live);
            for (Cid cid : all) {
                if (random.nextInt(4) == 0) {
                    live.remove(cid);
                }
            }
            int what = random.nextInt(6);
            if (what < 3) {
                collect();
            }
            // old content once more, dead or not, while groups are emptied
            List<Cid> old = new ArrayList<>(everWritten.keySet());
            for (int i = 0; i < 10; i++) {
                put(everWritten.get(old.get(random.nextInt(old.size()))));
            }
            if (what == 4) {
                evict();
            }
            if (what == 5) {
                crash(scheme);
            }
            checkpoint();
            assertThat(mine).isNotEmpty();
        }
        awaitQuiet();
        assertNothingIsLost();
        collect();
        awaitQuiet();
        assertNothingIsLost();
    }
}
