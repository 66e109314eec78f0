package io.ppiofs.overlay.blocks;

import static io.ppiofs.overlay.blocks.BlockPeers.get;
import static io.ppiofs.overlay.blocks.BlockPeers.id;
import static io.ppiofs.overlay.blocks.MemoryBlockHost.cids;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.NoLeaks;
import io.ppiofs.overlay.OverlayNode;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotAddress;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(NoLeaks.class)
class BlockExchangeTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final PeerId TENANT =
            IdentityKey.generate(new SecureRandom()).peerId();
    private static final SlotAddress SLOT = new SlotAddress(GroupId.random(new SecureRandom()), 2, 7);

    private final BlockPeers peers = new BlockPeers();

    @AfterEach
    void close() throws Exception {
        peers.close();
    }

    /** Keeps what comes. */
    private static final class Collected implements BlockSink {
        final Map<Integer, ByteBuffer> blocks = new ConcurrentHashMap<>();
        final List<Integer> missing = new CopyOnWriteArrayList<>();

        @Override
        public void onBlock(int index, Cid cid, ByteBuffer bytes) {
            assertThat(blocks.put(index, bytes)).as("given twice").isNull();
        }

        @Override
        public void onMissing(int index, Cid cid) {
            missing.add(index);
        }

        void areAllOf(List<StoredBlock> expected) {
            assertThat(blocks).hasSize(expected.size());
            for (int i = 0; i < expected.size(); i++) {
                assertThat(blocks.get(i)).isEqualTo(expected.get(i).bytes());
            }
        }
    }

    private static void assertFails(ErrorKind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    @Test
    void tells_what_it_has_and_sends_it() {
        List<StoredBlock> blocks = MemoryBlockHost.random(1, 40, 70_000);
        MemoryBlockHost host = new MemoryBlockHost().with(blocks.subList(0, 30));
        OverlayNode server = peers.serving(host, BlockLimits.DEFAULT);
        BlockClient client = peers.client(server);
        BitSet there = get(client.have(id(server), cids(blocks)));
        assertThat(there.cardinality()).isEqualTo(30);
        assertThat(there.length()).isEqualTo(30);
        Collected got = new Collected();
        get(client.get(id(server), cids(blocks), Priority.FOREGROUND, got).done());
        got.areAllOf(blocks.subList(0, 30));
        assertThat(got.missing).containsExactly(30, 31, 32, 33, 34, 35, 36, 37, 38, 39);
        await().atMost(LIMIT).untilAsserted(() -> assertThat(host.openSources).hasValue(0));
        PeerStatistics statistics = client.statistics(id(server));
        assertThat(statistics.received()).isEqualTo(30 * 70_000L);
        assertThat(statistics.bytesPerSecond()).isPositive();
        assertThat(statistics.roundTrip()).isPositive();
        assertThat(statistics.underWay()).isZero();
    }

    @Test
    void sends_more_than_a_window_of_blocks_of_the_largest_size_to_a_sink_on_another_thread() {
        List<StoredBlock> blocks = MemoryBlockHost.random(2, 9, BlockLimits.MAX_BLOCK);
        OverlayNode server = peers.serving(new MemoryBlockHost().with(blocks), BlockLimits.DEFAULT);
        BlockClient client = peers.client(server);
        Collected got = new Collected();
        get(client.get(id(server), cids(blocks), Priority.PREFETCH, got).done());
        got.areAllOf(blocks);
    }

    @Test
    void asks_for_any_number_of_blocks() {
        List<StoredBlock> blocks = MemoryBlockHost.random(3, 5000, 100);
        OverlayNode server = peers.serving(new MemoryBlockHost().with(blocks), BlockLimits.DEFAULT);
        BlockClient client = peers.client(server);
        assertThat(get(client.have(id(server), cids(blocks))).cardinality()).isEqualTo(5000);
        Collected got = new Collected();
        get(client.get(id(server), cids(blocks), Priority.DRAIN, got).done());
        got.areAllOf(blocks);
    }

    @Test
    void gives_parts_of_blocks() {
        List<StoredBlock> blocks = MemoryBlockHost.random(4, 2, 300_000);
        OverlayNode server = peers.serving(new MemoryBlockHost().with(blocks), BlockLimits.DEFAULT);
        BlockClient client = peers.client(server);
        ByteBuffer got = ByteBuffer.allocate(200_000);
        List<Integer> missing = new CopyOnWriteArrayList<>();
        RangeSink sink = new RangeSink() {
            @Override
            public void onData(int index, int offset, io.netty.buffer.ByteBuf data) {
                assertThat(index).isEqualTo(1);
                assertThat(offset).isEqualTo(50_000 + got.position());
                ByteBuffer part = got.slice(got.position(), data.readableBytes());
                got.position(got.position() + data.readableBytes());
                data.readBytes(part);
            }

            @Override
            public void onMissing(int index) {
                missing.add(index);
            }
        };
        List<BlockRange> ranges = List.of(
                new BlockRange(blocks.get(0).cid(), 299_999, 2),
                new BlockRange(blocks.get(1).cid(), 50_000, 200_000));
        get(client.ranges(id(server), ranges, Priority.FOREGROUND, sink).done());
        assertThat(missing).containsExactly(0);
        assertThat(got.flip()).isEqualTo(blocks.get(1).bytes().slice(50_000, 200_000));
    }

    @Test
    void takes_blocks_and_says_of_each_what_became_of_it() {
        List<StoredBlock> blocks = new ArrayList<>(MemoryBlockHost.random(5, 6, 200_000));
        MemoryBlockHost host = new MemoryBlockHost().with(blocks.subList(0, 1));
        host.verdicts.put(blocks.get(1).cid(), Verdict.refused("there is no grant"));
        host.verdicts.put(blocks.get(2).cid(), Verdict.noSpace("the grant is used up"));
        blocks.set(3, new StoredBlock(blocks.get(3).cid(), ByteBuffer.allocate(200_000)));
        OverlayNode node = peers.node();
        BlockServer server = peers.server(node, host, BlockLimits.DEFAULT);
        BlockClient client = peers.client(node);
        List<Verdict> verdicts = get(client.put(id(node), TENANT, SLOT, blocks, Priority.DRAIN));
        assertThat(verdicts)
                .extracting(Verdict::outcome)
                .containsExactly(
                        Verdict.Outcome.STORED,
                        Verdict.Outcome.REFUSED,
                        Verdict.Outcome.NO_SPACE,
                        Verdict.Outcome.CORRUPT,
                        Verdict.Outcome.STORED,
                        Verdict.Outcome.STORED);
        assertThat(verdicts.get(1).reason()).isEqualTo("there is no grant");
        assertThat(host.blocks).hasSize(3);
        assertThat(host.slots).containsOnly(SLOT);
        assertThat(host.flushes).hasPositiveValue();
        assertThat(server.statistics().received())
                .as("what was here, or refused, did not travel")
                .isEqualTo(600_000);
        assertThat(server.statistics().corrupt()).isEqualTo(1);
    }

    @Test
    void takes_more_than_its_window_with_all_priorities_at_once() {
        MemoryBlockHost host = new MemoryBlockHost();
        OverlayNode server = peers.serving(host, BlockLimits.DEFAULT.withPutWindow(BlockLimits.MAX_BLOCK, 64 << 20));
        BlockClient client = peers.client(server);
        List<StoredBlock> blocks = MemoryBlockHost.random(6, 24, 1 << 20);
        var puts = new ArrayList<java.util.concurrent.CompletableFuture<List<Verdict>>>();
        for (int i = 0; i < 4; i++) {
            puts.add(client.put(id(server), TENANT, SLOT, blocks.subList(i * 6, i * 6 + 6), Priority.values()[i]));
        }
        puts.forEach(put -> assertThat(get(put)).containsOnly(Verdict.STORED));
        assertThat(host.blocks).hasSize(24);
    }

    @Test
    void answers_stored_only_when_it_is_durable() {
        MemoryBlockHost host = new MemoryBlockHost();
        host.beforeFlush = () -> {
            throw new PpiofsException(ErrorKind.IO, "flush", "disk", "it is broken");
        };
        OverlayNode server = peers.serving(host, BlockLimits.DEFAULT);
        BlockClient client = peers.client(server);
        assertThat(get(client.put(id(server), TENANT, SLOT, MemoryBlockHost.random(7, 2, 10), Priority.DRAIN)))
                .extracting(Verdict::outcome)
                .containsOnly(Verdict.Outcome.BUSY);
    }

    @Test
    void a_block_beyond_the_memory_for_puts_is_busy() {
        MemoryBlockHost host = new MemoryBlockHost();
        OverlayNode server = peers.serving(host, BlockLimits.DEFAULT.withPutWindow(8 << 20, 100_000));
        BlockClient client = peers.client(server);
        assertThat(get(client.put(id(server), TENANT, SLOT, MemoryBlockHost.random(8, 2, 200_000), Priority.DRAIN)))
                .extracting(Verdict::outcome)
                .containsOnly(Verdict.Outcome.BUSY);
        assertThat(get(client.put(id(server), TENANT, SLOT, MemoryBlockHost.random(8, 2, 90_000), Priority.DRAIN)))
                .as("memory was given back")
                .contains(Verdict.STORED);
    }

    /** Holds reads up from some offset of a block on. */
    private static final class Gate implements MemoryBlockHost.ReadGate {
        private final Cid cid;
        private final int from;
        private final CountDownLatch opened = new CountDownLatch(1);

        Gate(Cid cid, int from) {
            this.cid = cid;
            this.from = from;
        }

        @Override
        public void beforeRead(Cid which, int offset) {
            if (which.equals(cid) && offset >= from) {
                try {
                    assertThat(opened.await(60, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
        }
    }

    @Test
    void goes_on_with_another_peer_where_the_first_one_stopped() {
        List<StoredBlock> blocks = MemoryBlockHost.random(9, 3, 1 << 20);
        MemoryBlockHost first = new MemoryBlockHost().with(blocks);
        MemoryBlockHost second = new MemoryBlockHost().with(blocks);
        Gate gate = new Gate(blocks.get(1).cid(), 3 * BlockLimits.PIECE);
        first.gate = gate;
        OverlayNode one = peers.serving(first, BlockLimits.DEFAULT);
        OverlayNode other = peers.node();
        BlockServer otherServer = peers.server(other, second, BlockLimits.DEFAULT);
        BlockClient client = peers.client(one, other);
        Collected got = new Collected();
        Fetch fetch = client.get(id(one), cids(blocks), Priority.FOREGROUND, got);
        long before = (1 << 20) + 3L * BlockLimits.PIECE;
        await().atMost(LIMIT).until(() -> client.statistics(id(one)).received() == before);
        assertThatThrownBy(fetch::rest).isInstanceOf(IllegalStateException.class);
        one.swarm().disconnect(id(other)); // not connected: nothing happens
        fetch.cancel();
        assertFails(ErrorKind.INTERRUPTED, () -> get(fetch.done()));
        gate.opened.countDown();
        FetchRest rest = fetch.rest();
        assertThat(rest.cids()).isEqualTo(cids(blocks.subList(1, 3)));
        assertThat(rest.resumeOffset()).isEqualTo(3 * BlockLimits.PIECE);
        get(client.resume(id(other), rest, Priority.FOREGROUND, got).done());
        got.areAllOf(blocks);
        assertThat(otherServer.statistics().sent()).as("no byte twice").isEqualTo(3L * (1 << 20) - before);
    }

    @Test
    void a_lost_connection_fails_the_fetch_and_the_next_one_connects_again() {
        List<StoredBlock> blocks = MemoryBlockHost.random(10, 2, 1 << 20);
        MemoryBlockHost host = new MemoryBlockHost().with(blocks);
        Gate gate = new Gate(blocks.get(0).cid(), BlockLimits.PIECE);
        host.gate = gate;
        OverlayNode server = peers.serving(host, BlockLimits.DEFAULT);
        OverlayNode node = peers.node();
        BlockClient client = peers.client(node, peers.options(), server);
        Collected got = new Collected();
        Fetch fetch = client.get(id(server), cids(blocks), Priority.FOREGROUND, got);
        await().atMost(LIMIT).until(() -> client.statistics(id(server)).received() >= BlockLimits.PIECE);
        get(node.host().disconnect(id(server)));
        assertFails(ErrorKind.NOT_CONNECTED, () -> get(fetch.done()));
        gate.opened.countDown();
        get(client.resume(id(server), fetch.rest(), Priority.FOREGROUND, got).done());
        got.areAllOf(blocks);
    }

    @Test
    void a_peer_that_nobody_knows_is_not_connected() {
        BlockClient client = peers.client();
        assertFails(ErrorKind.NOT_CONNECTED, () -> get(client.have(TENANT, cids(MemoryBlockHost.random(1, 1, 1)))));
    }

    @Test
    void a_sink_that_takes_nothing_stops_the_sender_and_a_cancelled_fetch_is_forgotten_by_both() throws Exception {
        List<StoredBlock> blocks = MemoryBlockHost.random(11, 40, 1 << 20);
        MemoryBlockHost host = new MemoryBlockHost().with(blocks);
        OverlayNode node = peers.node();
        BlockServer server = peers.server(node, host, BlockLimits.DEFAULT);
        BlockClient client = peers.client(node);
        CountDownLatch taking = new CountDownLatch(1);
        Fetch fetch = client.get(id(node), cids(blocks), Priority.FOREGROUND, (index, cid, bytes) -> {
            try {
                assertThat(taking.await(60, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        await().atMost(LIMIT).until(() -> server.statistics().sent() == GetCall.WINDOW);
        Collected other = new Collected();
        get(client.get(id(node), cids(blocks.subList(39, 40)), Priority.REPAIR, other)
                .done());
        other.areAllOf(blocks.subList(39, 40));
        assertThat(server.statistics().sent())
                .as("the full fetch does not hold up another one, and gets nothing itself")
                .isEqualTo(GetCall.WINDOW + (1 << 20));
        fetch.cancel();
        taking.countDown();
        assertFails(ErrorKind.INTERRUPTED, () -> get(fetch.done()));
        await().atMost(LIMIT).untilAsserted(() -> assertThat(host.openSources).hasValue(0));
        assertThat(client.statistics(id(node)).underWay()).isZero();
    }

    @Test
    void a_sink_that_throws_ends_its_fetch() {
        List<StoredBlock> blocks = MemoryBlockHost.random(12, 3, 1000);
        OverlayNode server = peers.serving(new MemoryBlockHost().with(blocks), BlockLimits.DEFAULT);
        BlockClient client = peers.client(server);
        assertFails(
                ErrorKind.INTERNAL,
                () -> get(client.get(id(server), cids(blocks), Priority.FOREGROUND, (index, cid, bytes) -> {
                            throw new IllegalStateException("no");
                        })
                        .done()));
    }

    @Test
    void serves_the_higher_priority_first() {
        List<StoredBlock> blocks = MemoryBlockHost.random(13, 5, 1000);
        MemoryBlockHost host = new MemoryBlockHost().with(blocks);
        Gate gate = new Gate(blocks.get(0).cid(), 0);
        host.gate = gate;
        OverlayNode server = peers.serving(host, BlockLimits.DEFAULT);
        BlockClient client = peers.client(server);
        List<Fetch> fetches = new ArrayList<>();
        Collected held = new Collected();
        fetches.add(client.get(id(server), cids(blocks.subList(0, 1)), Priority.REPAIR, held));
        await().atMost(LIMIT).until(() -> host.openSources.get() == 1);
        Priority[] priorities = {Priority.REPAIR, Priority.DRAIN, Priority.PREFETCH, Priority.FOREGROUND};
        for (int i = 0; i < 4; i++) {
            fetches.add(client.get(id(server), cids(blocks.subList(i + 1, i + 2)), priorities[i], new Collected()));
        }
        // on the same stream behind them: when it is answered, the server knows them all
        get(client.have(id(server), cids(blocks)));
        gate.opened.countDown();
        fetches.forEach(fetch -> get(fetch.done()));
        assertThat(host.opened)
                .containsExactly(
                        blocks.get(0).cid(),
                        blocks.get(4).cid(),
                        blocks.get(3).cid(),
                        blocks.get(2).cid(),
                        blocks.get(1).cid());
    }

    @Test
    void no_priority_starves() {
        PriorityPicker picker = new PriorityPicker();
        int[] turns = new int[4];
        for (int i = 0; i < 10_000; i++) {
            turns[picker.pick(0b1111).ordinal()]++;
        }
        assertThat(turns[0]).isGreaterThan(7_500);
        assertThat(turns[1]).isBetween(900, 1_300);
        assertThat(turns[2]).isBetween(450, 700);
        assertThat(turns[3]).isBetween(250, 350);
        assertThat(picker.pick(0b1000)).isEqualTo(Priority.REPAIR);
    }

    @Test
    void refuses_requests_beyond_the_rate() {
        List<StoredBlock> blocks = MemoryBlockHost.random(14, 1, 1000);
        OverlayNode server = peers.serving(new MemoryBlockHost().with(blocks), BlockLimits.DEFAULT.withRequests(2, 64));
        BlockClient client = peers.client(server);
        assertFails(ErrorKind.BUSY, () -> {
            for (int i = 0; i < 100; i++) {
                get(client.have(id(server), cids(blocks)));
            }
        });
    }

    @Test
    void keeps_more_requests_than_the_server_takes_until_there_is_a_place() {
        List<StoredBlock> blocks = MemoryBlockHost.random(15, 60, 5000);
        OverlayNode server =
                peers.serving(new MemoryBlockHost().with(blocks), BlockLimits.DEFAULT.withRequests(10_000, 2));
        BlockClient client = peers.client(server);
        Collected got = new Collected();
        List<Fetch> fetches = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            int index = i;
            fetches.add(client.get(
                    id(server),
                    cids(blocks.subList(i, i + 1)),
                    Priority.FOREGROUND,
                    (zero, cid, bytes) -> got.onBlock(index, cid, bytes)));
        }
        fetches.forEach(fetch -> get(fetch.done()));
        got.areAllOf(blocks);
    }

    @Test
    void receipts_tell_the_server_how_much_arrived() {
        List<StoredBlock> blocks = MemoryBlockHost.random(16, 40, 1 << 20);
        MemoryBlockHost host = new MemoryBlockHost().with(blocks);
        OverlayNode node = peers.node();
        BlockServer server = peers.server(node, host, BlockLimits.DEFAULT);
        Receipt.Signer signer = (peer, tenant, sequence, bytes) -> new byte[] {(byte) sequence, 42};
        BlockClient client = peers.client(peers.node(), peers.options().withReceipts(TENANT, signer), node);
        get(client.get(id(node), cids(blocks), Priority.FOREGROUND, new Collected())
                .done());
        await().atMost(LIMIT).until(() -> host.receipts.size() == 2);
        assertThat(host.receipts).allMatch(receipt -> receipt.tenant().equals(TENANT));
        assertThat(host.receipts).extracting(Receipt::sequence).containsExactlyInAnyOrder(1L, 2L);
        assertThat(host.receipts.get(0).signature()).hasSize(2).endsWith(42);
        assertThat(server.statistics().receipts()).isEqualTo(2);
        assertThat(server.statistics().receiptedBytes()).isBetween(32L << 20, 40L << 20);
    }

    @Test
    void an_end_of_the_client_ends_what_is_under_way() {
        List<StoredBlock> blocks = MemoryBlockHost.random(17, 1, 1000);
        MemoryBlockHost host = new MemoryBlockHost().with(blocks);
        Gate gate = new Gate(blocks.get(0).cid(), 0);
        host.gate = gate;
        OverlayNode server = peers.serving(host, BlockLimits.DEFAULT);
        BlockClient client = peers.client(server);
        AtomicBoolean called = new AtomicBoolean();
        Fetch fetch = client.get(id(server), cids(blocks), Priority.FOREGROUND, (i, cid, bytes) -> called.set(true));
        await().atMost(LIMIT).until(() -> host.openSources.get() == 1);
        client.close();
        assertFails(ErrorKind.INTERRUPTED, () -> get(fetch.done()));
        gate.opened.countDown();
        assertFails(ErrorKind.INTERRUPTED, () -> get(client.have(id(server), cids(blocks))));
        assertThat(called).isFalse();
        await().atMost(LIMIT).untilAsserted(() -> assertThat(host.openSources).hasValue(0));
    }
}
