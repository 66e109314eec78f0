package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.blocks.BlockSink;
import io.ppiofs.overlay.fetch.StreamTransfer;
import io.ppiofs.overlay.fetch.Want;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BlocksAheadTest {
    private static final PeerId PEER = IdentityKey.generate(new SecureRandom()).peerId();
    private static final long SECOND = 1_000_000_000L;

    /** Transfers that deliver what the test says. */
    private static final class Peers implements BlocksAhead.Source {
        final List<Under> transfers = new ArrayList<>();
        final Set<Cid> unknown = new HashSet<>();
        final Set<Cid> delivered = new HashSet<>();

        @Override
        public List<Want> wants(List<Cid> cids) {
            return cids.stream()
                    .filter(cid -> !unknown.contains(cid))
                    .map(cid -> new Want(cid, 1 << 20, List.of(PEER)))
                    .toList();
        }

        @Override
        public StreamTransfer stream(BlockSink sink) {
            Under transfer = new Under(sink);
            transfers.add(transfer);
            return transfer;
        }

        @Override
        public void delivered(Cid cid) {
            delivered.add(cid);
        }

        Under last() {
            return transfers.get(transfers.size() - 1);
        }
    }

    private static final class Under implements StreamTransfer {
        final BlockSink sink;
        final List<Cid> wanted = new ArrayList<>();
        final Set<Cid> begun = new HashSet<>();
        final CompletableFuture<Void> done = new CompletableFuture<>();

        Under(BlockSink sink) {
            this.sink = sink;
        }

        @Override
        public synchronized boolean want(List<Want> next) {
            if (done.isDone()) {
                return false;
            }
            next.forEach(want -> wanted.add(want.cid()));
            return true;
        }

        @Override
        public synchronized List<Cid> drop(Collection<Cid> cids) {
            List<Cid> dropped =
                    cids.stream().filter(cid -> !begun.contains(cid)).toList();
            wanted.removeAll(dropped);
            return dropped;
        }

        @Override
        public synchronized boolean hasBegun(Cid cid) {
            return begun.contains(cid);
        }

        @Override
        public void finish() {
            done.complete(null);
        }

        @Override
        public CompletableFuture<Void> done() {
            return done;
        }

        @Override
        public boolean isDoubtful() {
            return false; // nobody asks: what a stream does not deliver is read as any block
        }

        @Override
        public void cancel() {
            done.completeExceptionally(new IllegalStateException("cancelled"));
        }
    }

    private final Peers peers = new Peers();
    private final Set<Cid> here = new HashSet<>();
    private final Map<Cid, ByteBuffer> arrived = new HashMap<>();
    private final List<StoredBlock> blocks = new ArrayList<>();
    private final ExecutorService readers = Executors.newCachedThreadPool();
    private long now = 5 * SECOND;
    private final BlocksAhead ahead = new BlocksAhead(peers, here::contains, arrived::put, () -> now);

    BlocksAheadTest() {
        for (byte i = 0; i < 8; i++) {
            blocks.add(SwarmReader.asBlock(new byte[] {i}));
        }
    }

    @AfterEach
    void close() throws Exception {
        ahead.close();
        readers.shutdown();
        assertThat(readers.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
    }

    private Cid cid(int i) {
        return blocks.get(i).cid();
    }

    private List<Cid> cids(int from, int to) {
        return blocks.subList(from, to).stream().map(StoredBlock::cid).toList();
    }

    private void deliver(int i) {
        peers.last().sink.onBlock(i, cid(i), blocks.get(i).bytes().duplicate());
    }

    @Test
    void it_wants_to_know_only_while_peers_are_slow() {
        assertThat(ahead.window()).isZero();
        ahead.waited(SECOND / 10); // one late block is no slow peer
        assertThat(ahead.window()).isZero();
        ahead.waited(SECOND / 5);
        assertThat(ahead.window()).isEqualTo(4 << 20);
        now += 61 * SECOND;
        assertThat(ahead.window()).isZero();
        for (int i = 0; i < 20; i++) {
            ahead.waited(SECOND / 1000);
        }
        assertThat(ahead.window()).isZero();
    }

    @Test
    void what_is_expected_comes_once_and_is_handed_to_who_waits_for_it() throws Exception {
        here.add(cid(1));
        peers.unknown.add(cid(2));
        ahead.expect(7, cids(0, 4), false);
        ahead.expect(7, cids(3, 5), false);
        assertThat(peers.transfers).hasSize(1);
        assertThat(peers.last().wanted).containsExactly(cid(0), cid(3), cid(4));
        peers.last().begun.add(cid(0));
        Future<ByteBuffer> waiting = readers.submit(() -> ahead.await(cid(0)));
        deliver(0);
        ByteBuffer got = waiting.get(20, TimeUnit.SECONDS);
        // it may have come before the reader looked
        assertThat(got == null || got.equals(blocks.get(0).bytes())).isTrue();
        assertThat(arrived).containsEntry(cid(0), blocks.get(0).bytes());
        assertThat(peers.delivered).containsExactly(cid(0));
        assertThat(ahead.await(cid(0))).isNull();
    }

    @Test
    void a_reader_does_not_wait_for_what_nobody_was_asked_for_or_what_is_late_or_lost() {
        ahead.expect(7, cids(0, 3), false);
        assertThat(ahead.await(cid(1))).isNull();
        assertThat(peers.last().wanted).containsExactly(cid(0), cid(2));
        peers.last().begun.add(cid(0));
        long begun = System.nanoTime();
        assertThat(ahead.await(cid(0))).isNull();
        assertThat(System.nanoTime() - begun).isGreaterThan(SECOND / 2);
        begun = System.nanoTime();
        assertThat(ahead.await(cid(0))).as("nobody waits for it again").isNull();
        assertThat(System.nanoTime() - begun).isLessThan(SECOND / 2);
        peers.last().sink.onMissing(0, cid(0));
        assertThat(ahead.await(cid(0))).isNull();
        // the holders get a new chance with a new transfer; both end with the store
        ahead.expect(7, cids(4, 5), false);
        assertThat(peers.transfers).hasSize(2);
        ahead.close();
        assertThat(peers.transfers).allMatch(transfer -> transfer.done.isDone());
    }

    @Test
    void after_a_seek_what_was_expected_of_that_reader_is_not_fetched() {
        ahead.expect(7, cids(0, 3), false);
        ahead.expect(8, cids(3, 4), false);
        peers.last().begun.add(cid(0));
        ahead.expect(7, cids(5, 7), true);
        assertThat(peers.last().wanted).containsExactly(cid(0), cid(3), cid(5), cid(6));
    }

    @Test
    void when_a_transfer_ends_nobody_waits_for_it_and_the_next_blocks_come_by_another() {
        ahead.expect(7, cids(0, 2), false);
        peers.last().begun.addAll(cids(0, 2));
        peers.last().cancel();
        long begun = System.nanoTime();
        assertThat(ahead.await(cid(0))).isNull();
        assertThat(System.nanoTime() - begun).isLessThan(SECOND / 2);
        ahead.expect(7, cids(0, 2), false);
        assertThat(peers.transfers).hasSize(2);
        assertThat(peers.last().wanted).containsExactly(cid(0), cid(1));
    }

    @Test
    void the_window_is_what_comes_in_two_seconds() {
        ahead.expect(7, cids(0, 8), false);
        ByteBuffer large = ByteBuffer.allocate(1 << 20);
        for (int i = 0; i < 8; i++) {
            now += SECOND / 8;
            peers.last().sink.onBlock(i, cid(i), large.duplicate());
        }
        ahead.waited(SECOND);
        assertThat(ahead.window()).isBetween(12 << 20, 20 << 20);
        ahead.close();
        ahead.expect(7, cids(0, 8), false);
        assertThat(peers.transfers).hasSize(1);
    }
}
