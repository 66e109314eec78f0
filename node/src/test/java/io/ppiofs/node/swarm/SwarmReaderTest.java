package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.blocks.BlockClient;
import io.ppiofs.overlay.blocks.BlockRange;
import io.ppiofs.overlay.blocks.BlockSink;
import io.ppiofs.overlay.blocks.Fetch;
import io.ppiofs.overlay.blocks.FetchRest;
import io.ppiofs.overlay.blocks.PeerStatistics;
import io.ppiofs.overlay.blocks.Priority;
import io.ppiofs.overlay.blocks.RangeSink;
import io.ppiofs.overlay.blocks.Verdict;
import io.ppiofs.overlay.fetch.Fetcher;
import io.ppiofs.overlay.fetch.StreamTransfer;
import io.ppiofs.overlay.fetch.Transfer;
import io.ppiofs.overlay.fetch.Want;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Looking for a block of which only the name is known, among peers that have it, lack it, or are frozen. */
@Tag("long")
class SwarmReaderTest {
    private static final SecureRandom RANDOM = new SecureRandom();

    @TempDir
    Path directory;

    private final StoredBlock block = SwarmReader.asBlock(new byte[] {1, 2, 3});
    private final Peers peers = new Peers(block);
    private GroupBook book;

    /** Peers in memory; one that is neither in {@code have} nor in {@code lack} never answers. */
    private static final class Peers implements BlockClient {
        final StoredBlock block;

        /** By name; others are asked for {@link #block}. */
        final Map<Cid, StoredBlock> more = new HashMap<>();

        final Set<PeerId> have = new HashSet<>();
        final Set<PeerId> lack = new HashSet<>();
        final List<PeerId> asked = Collections.synchronizedList(new ArrayList<>());
        final List<PeerId> cancelled = Collections.synchronizedList(new ArrayList<>());

        Peers(StoredBlock block) {
            this.block = block;
        }

        @Override
        public Fetch get(PeerId peer, List<Cid> cids, Priority priority, BlockSink sink) {
            asked.add(peer);
            CompletableFuture<Void> done = new CompletableFuture<>();
            StoredBlock wanted = more.getOrDefault(cids.get(0), block);
            if (have.contains(peer)) {
                sink.onBlock(0, wanted.cid(), wanted.bytes().duplicate());
            }
            if (have.contains(peer) || lack.contains(peer)) {
                done.complete(null);
            }
            return new Fetch() {
                @Override
                public PeerId peer() {
                    return peer;
                }

                @Override
                public CompletableFuture<Void> done() {
                    return done;
                }

                @Override
                public void cancel() {
                    if (done.cancel(false)) {
                        cancelled.add(peer);
                    }
                }

                @Override
                public FetchRest rest() {
                    throw new AssertionError("not needed");
                }
            };
        }

        @Override
        public CompletableFuture<BitSet> have(PeerId peer, List<Cid> cids) {
            throw new AssertionError("not needed");
        }

        @Override
        public Fetch resume(PeerId peer, FetchRest rest, Priority priority, BlockSink sink) {
            throw new AssertionError("not needed");
        }

        @Override
        public Fetch ranges(PeerId peer, List<BlockRange> ranges, Priority priority, RangeSink sink) {
            throw new AssertionError("not needed");
        }

        @Override
        public CompletableFuture<List<Verdict>> put(
                PeerId peer, PeerId tenant, SlotAddress slot, List<StoredBlock> blocks, Priority priority) {
            throw new AssertionError("not needed");
        }

        @Override
        public PeerStatistics statistics(PeerId peer) {
            return PeerStatistics.NONE;
        }

        @Override
        public Map<PeerId, PeerStatistics> statistics() {
            return Map.of();
        }

        @Override
        public void close() {}
    }

    @BeforeEach
    void open() {
        book = GroupBook.open(directory, NetworkId.LOCAL);
    }

    @AfterEach
    void close() {
        book.close();
    }

    /** Delivers all of one block after a time, or never. */
    private final class Delivery implements Fetcher {
        @Override
        public StreamTransfer stream(Priority priority, BlockSink sink) {
            // only BlocksAhead streams, and it is not under test here: a call would be a fault that must not pass
            throw new UnsupportedOperationException("nothing is read ahead here");
        }

        volatile @Nullable Duration after;

        /** Delivered at once. */
        final Map<Cid, StoredBlock> more = new HashMap<>();

        final List<Cid> wanted = Collections.synchronizedList(new ArrayList<>());

        /** So many transfers end at once with nothing. */
        int ending;

        /** What those say of themselves. */
        boolean doubtful;

        @Override
        public Transfer fetch(List<Want> wants, Priority priority, BlockSink sink) {
            CompletableFuture<Void> done = new CompletableFuture<>();
            wants.forEach(want -> wanted.add(want.cid()));
            if (wants.stream().allMatch(want -> more.containsKey(want.cid()))) {
                for (int i = 0; i < wants.size(); i++) {
                    StoredBlock one = more.get(wants.get(i).cid());
                    sink.onBlock(i, one.cid(), one.bytes().duplicate());
                }
                done.complete(null);
            }
            boolean ends = ending-- > 0;
            if (ends) {
                done.complete(null);
            }
            Duration wait = after;
            if (wait != null && !ends) {
                CompletableFuture.delayedExecutor(wait.toMillis(), TimeUnit.MILLISECONDS)
                        .execute(() -> {
                            if (!done.isDone()) {
                                sink.onBlock(0, block.cid(), block.bytes().duplicate());
                                done.complete(null);
                            }
                        });
            }
            return new Transfer() {
                @Override
                public CompletableFuture<Void> done() {
                    return done;
                }

                @Override
                public boolean isDoubtful() {
                    return doubtful;
                }

                @Override
                public void cancel() {
                    done.cancel(false);
                }
            };
        }

        @Override
        public CompletableFuture<List<ByteBuffer>> fetch(List<Want> wants, Priority priority) {
            throw new AssertionError("not needed");
        }
    }

    private final Delivery delivery = new Delivery();

    private SwarmReader reader() {
        return reader(SwarmReader.Times.DEFAULT);
    }

    private SwarmReader reader(SwarmReader.Times times) {
        StripeReader stripes = new StripeReader(book, delivery, new MemoryBlockStore(), StripeReader.Times.DEFAULT);
        TableRefresh tables = new TableRefresh(book, (holder, tenant, group) -> new CompletableFuture<>());
        return new SwarmReader(
                book, delivery, peers, stripes, tables, List::of, new Regions(List.of(), List::of), times);
    }

    private void place(StoredBlock... more) {
        Scheme one = Scheme.copies(1);
        List<Inventory.Entry> entries = new ArrayList<>();
        entries.add(new Inventory.Entry(block.cid(), block.bytes().remaining()));
        for (StoredBlock other : more) {
            entries.add(new Inventory.Entry(other.cid(), other.bytes().remaining()));
        }
        Inventory inventory = new Inventory(one, entries);
        IdentityKey tenant = IdentityKey.generate(RANDOM);
        SlotTable table = new SlotTable(
                tenant.peerId(),
                GroupId.random(RANDOM),
                1,
                one,
                SlotTable.State.CLOSED,
                ids(1),
                SwarmReader.asBlock(inventory.encode()).cid());
        book.learn(table.sign(tenant, NetworkId.LOCAL), inventory);
    }

    @Test
    void after_a_read_that_nobody_answered_the_next_ones_wait_for_less_until_somebody_does() {
        place();
        Duration patience = Duration.ofSeconds(2);
        SwarmReader reader = reader(new SwarmReader.Times(patience, Duration.ofMillis(20)));
        List<Cid> wanted = List.of(block.cid());
        long begin = System.nanoTime();
        assertThat(reader.fetch(wanted)).isEmpty();
        long first = System.nanoTime();
        assertThat(Duration.ofNanos(first - begin)).isGreaterThanOrEqualTo(patience);
        for (int i = 0; i < 10; i++) {
            assertThat(reader.fetch(wanted)).isEmpty();
        }
        assertThat(Duration.ofNanos(System.nanoTime() - first)).isLessThan(patience.multipliedBy(5));

        // slower than anybody is let wait now, and heard all the same
        delivery.after = Duration.ofMillis(500);
        await("the outage is over").until(() -> !reader.fetch(wanted).isEmpty());
        assertThat(reader.fetch(wanted)).containsOnlyKeys(block.cid());
    }

    @Test
    void holders_that_failed_are_asked_again_while_there_is_patience() {
        place();
        delivery.ending = 3;
        delivery.doubtful = true;
        delivery.after = Duration.ZERO;
        assertThat(reader().fetch(List.of(block.cid()))).containsOnlyKeys(block.cid());
        assertThat(delivery.wanted).hasSize(4);
    }

    @Test
    void a_block_that_nobody_gives_is_no_outage_while_others_of_its_group_come() throws Exception {
        StoredBlock comes = SwarmReader.asBlock(new byte[] {4, 5, 6});
        StoredBlock third = SwarmReader.asBlock(new byte[] {7, 8, 9});
        place(comes, third);
        delivery.more.put(comes.cid(), comes);
        Duration patience = Duration.ofSeconds(1);
        SwarmReader reader = reader(new SwarmReader.Times(patience, Duration.ofMillis(20)));
        CompletableFuture<Map<Cid, ByteBuffer>> read =
                CompletableFuture.supplyAsync(() -> reader.fetch(List.of(block.cid())));
        await("it is asked for").until(() -> !delivery.wanted.isEmpty());
        assertThat(reader.fetch(List.of(comes.cid()))).containsOnlyKeys(comes.cid());
        assertThat(read.get(20, TimeUnit.SECONDS)).isEmpty();

        long begin = System.nanoTime();
        assertThat(reader.fetch(List.of(third.cid()))).isEmpty();
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThanOrEqualTo(patience);

        // the one that was waited for is not waited for as long again
        long again = System.nanoTime();
        for (int i = 0; i < 5; i++) {
            assertThat(reader.fetch(List.of(block.cid()))).isEmpty();
        }
        assertThat(Duration.ofNanos(System.nanoTime() - again)).isLessThan(patience.multipliedBy(3));
    }

    @Test
    void what_all_holders_lack_is_missing_at_once() {
        place();
        delivery.ending = Integer.MAX_VALUE;
        assertThat(reader().fetch(List.of(block.cid()))).isEmpty();
        assertThat(delivery.wanted).hasSize(1);
    }

    private static List<PeerId> ids(int count) {
        List<PeerId> ids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ids.add(IdentityKey.generate(RANDOM).peerId());
        }
        return ids;
    }

    /** One after the other this would take 16 s for each frozen peer, two minutes. */
    @Test
    @Timeout(25)
    void frozen_peers_hold_up_nobody() {
        List<PeerId> all = ids(8);
        PeerId last = all.get(7);
        peers.have.add(last);
        assertThat(reader().find(block.cid(), all)).isEqualTo(block.bytes());
        assertThat(peers.asked).containsExactlyElementsOf(all);
        assertThat(peers.cancelled).containsExactlyInAnyOrderElementsOf(all.subList(0, 7));
    }

    @Test
    void few_are_asked_while_they_answer() {
        List<PeerId> all = ids(20);
        peers.lack.addAll(all.subList(0, 3));
        peers.have.add(all.get(3));
        assertThat(reader().find(block.cid(), all)).isEqualTo(block.bytes());
        assertThat(peers.asked).startsWith(all.get(0), all.get(1), all.get(2), all.get(3));
        assertThat(peers.asked).hasSizeLessThanOrEqualTo(5);
    }

    @Test
    @Timeout(25)
    void a_block_that_nobody_has_is_an_error_as_soon_as_all_have_said_so() {
        List<PeerId> all = ids(9);
        peers.lack.addAll(all);
        assertThatThrownBy(() -> reader().find(block.cid(), all))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_FOUND));
        assertThat(peers.asked).containsExactlyElementsOf(all);
    }

    private static final IdentityKey TENANT = IdentityKey.generate(RANDOM);

    /** A closed group of one block, with its inventory. */
    private Manifest.Place closedGroup(PeerId holder) {
        StoredBlock data = SwarmReader.asBlock(new byte[] {(byte) RANDOM.nextInt(), (byte) RANDOM.nextInt(), 7, 7, 7});
        Inventory inventory = new Inventory(
                Scheme.copies(1),
                List.of(new Inventory.Entry(data.cid(), data.bytes().remaining())));
        StoredBlock told = SwarmReader.asBlock(inventory.encode());
        peers.more.put(told.cid(), told);
        SlotTable table = new SlotTable(
                TENANT.peerId(),
                GroupId.random(RANDOM),
                2,
                Scheme.copies(1),
                SlotTable.State.CLOSED,
                List.of(holder),
                told.cid());
        return new Manifest.Place(table.sign(TENANT, NetworkId.LOCAL), told.cid(), 1);
    }

    private Cid told(Manifest manifest) {
        StoredBlock block = SwarmReader.asBlock(manifest.encode());
        peers.more.put(block.cid(), block);
        return block.cid();
    }

    private static Manifest.Page page(StoredBlock block, int groups) {
        return new Manifest.Page(block.cid(), groups, block.bytes().remaining());
    }

    @Test
    void a_manifest_in_pages_is_learnt_and_pages_that_are_known_are_not_fetched_again() {
        PeerId peer = ids(1).get(0);
        peers.have.add(peer);
        List<Manifest.Place> places = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            places.add(closedGroup(peer));
        }
        StoredBlock first = SwarmReader.asBlock(
                Manifest.page(NetworkId.LOCAL, places.subList(0, 2)).encode());
        StoredBlock second = SwarmReader.asBlock(
                Manifest.page(NetworkId.LOCAL, places.subList(2, 5)).encode());
        SlotTable keeper = new SlotTable(
                TENANT.peerId(),
                GroupId.forManifests(RANDOM),
                1,
                Scheme.copies(1),
                SlotTable.State.OPEN,
                List.of(peer),
                null);
        SlotTable.Signed signed = keeper.sign(TENANT, NetworkId.LOCAL);
        delivery.more.put(first.cid(), first);
        peers.more.put(second.cid(), second); // not all at once: whoever has it is asked
        SwarmReader reader = reader(new SwarmReader.Times(Duration.ofMillis(300), Duration.ofMillis(20)));
        Cid before = told(new Manifest(NetworkId.LOCAL, places.subList(5, 6), List.of(page(first, 2)), signed));
        reader.learnOnly(before, NetworkId.LOCAL, List.of(peer), bytes -> bytes);
        assertThat(book.current()).hasSize(3);
        assertThat(book.metadata()).hasSize(1);
        assertThat(delivery.wanted).containsExactly(first.cid());

        Cid now = told(
                new Manifest(NetworkId.LOCAL, places.subList(5, 6), List.of(page(first, 2), page(second, 3)), signed));
        reader.learnOnly(now, NetworkId.LOCAL, List.of(), bytes -> bytes);
        assertThat(delivery.wanted).containsExactly(first.cid(), second.cid());
        assertThat(book.current().stream().map(Group::id))
                .containsExactlyInAnyOrderElementsOf(places.stream()
                        .map(place -> place.table().table().group())
                        .toList());
        assertThat(book.hasLearnt(now)).isTrue();

        // as it was before there were pages
        Cid old = told(Manifest.page(NetworkId.LOCAL, places.subList(1, 4)));
        reader.learnOnly(old, NetworkId.LOCAL, List.of(peer), bytes -> bytes);
        assertThat(book.groups()).hasSize(3);
        assertThat(book.metadata()).isEmpty();
    }
}
