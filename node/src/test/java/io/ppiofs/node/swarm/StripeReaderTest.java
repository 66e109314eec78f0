package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.erasure.ReedSolomon;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.blocks.BlockSink;
import io.ppiofs.overlay.blocks.Priority;
import io.ppiofs.overlay.fetch.Fetcher;
import io.ppiofs.overlay.fetch.StreamTransfer;
import io.ppiofs.overlay.fetch.Transfer;
import io.ppiofs.overlay.fetch.Want;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.Stripe;
import io.ppiofs.overlay.placement.TableChain;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reading stripes from peers in memory that are down, hang, or have moved. */
@Tag("quick")
class StripeReaderTest {
    private static final SecureRandom SECRETS = new SecureRandom();
    private static final StripeReader.Times TIMES =
            new StripeReader.Times(Duration.ofMillis(200), Duration.ofHours(1), Duration.ofHours(1));
    private static final Scheme SCHEME = Scheme.parse("4+2");

    @TempDir
    Path directory;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final IdentityKey tenant = IdentityKey.generate(SECRETS);
    private final List<PeerId> holders = new ArrayList<>();
    private final Map<PeerId, Map<Cid, ByteBuffer>> peers = new HashMap<>();
    private final Set<PeerId> down = ConcurrentHashMap.newKeySet();
    private final Set<PeerId> hanging = ConcurrentHashMap.newKeySet();
    private final Set<PeerId> asked = ConcurrentHashMap.newKeySet();
    private final Map<Cid, ByteBuffer> model = new LinkedHashMap<>();
    private final MemoryBlockStore local = new MemoryBlockStore();
    private GroupBook book;
    private StripeReader reader;
    private boolean doubted;
    private SlotTable.Signed table;

    /** Gives what peers have at once; a transfer from one that hangs never ends. */
    private final class FakeFetcher implements Fetcher {
        @Override
        public StreamTransfer stream(Priority priority, BlockSink sink) {
            // only BlocksAhead streams, and it is not under test here: a call would be a fault that must not pass
            throw new UnsupportedOperationException("nothing is read ahead here");
        }

        @Override
        public Transfer fetch(List<Want> wants, Priority priority, BlockSink sink) {
            CompletableFuture<Void> done = new CompletableFuture<>();
            boolean hangs = false;
            boolean doubt =
                    wants.stream().anyMatch(w -> down.contains(w.holders().get(0)));
            for (int i = 0; i < wants.size(); i++) {
                Want want = wants.get(i);
                PeerId peer = want.holders().get(0);
                asked.add(peer);
                ByteBuffer block = peers.get(peer).get(want.cid());
                if (hanging.contains(peer)) {
                    hangs = true;
                } else if (down.contains(peer) || block == null) {
                    sink.onMissing(i, want.cid());
                } else {
                    sink.onBlock(i, want.cid(), block.duplicate());
                }
            }
            if (!hangs) {
                done.complete(null);
            }
            return new Transfer() {
                @Override
                public CompletableFuture<Void> done() {
                    return done;
                }

                @Override
                public boolean isDoubtful() {
                    return !done.isDone() || doubt;
                }

                @Override
                public void cancel() {
                    done.cancel(false);
                }
            };
        }

        @Override
        public CompletableFuture<List<ByteBuffer>> fetch(List<Want> wants, Priority priority) {
            throw new UnsupportedOperationException();
        }
    }

    @BeforeEach
    void place() {
        for (int i = 0; i < SCHEME.slots(); i++) {
            holders.add(newPeer());
        }
        List<Inventory.Entry> blocks = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            byte[] bytes = new byte[1 + random.nextInt(4000)];
            random.nextBytes(bytes);
            StoredBlock block = SwarmReader.asBlock(bytes);
            model.put(block.cid(), block.bytes());
            blocks.add(new Inventory.Entry(block.cid(), bytes.length));
        }
        ReedSolomon code = ReedSolomon.cauchy(SCHEME.data(), SCHEME.parity());
        List<Inventory.Entry> entries = new ArrayList<>();
        for (List<Inventory.Entry> data : Stripe.deal(blocks, SCHEME)) {
            Stripe.Encoded encoded = Stripe.encode(code, SCHEME, data, model);
            List<Inventory.Entry> all = encoded.stripe().entries();
            entries.addAll(all);
            for (int slot = 0; slot < all.size(); slot++) {
                ByteBuffer bytes = slot < SCHEME.data()
                        ? model.get(all.get(slot).cid())
                        : encoded.parity().get(slot - SCHEME.data());
                if (!all.get(slot).isEmpty()) {
                    peers.get(holders.get(slot)).put(all.get(slot).cid(), bytes);
                }
            }
        }
        book = GroupBook.open(directory.resolve("groups"), NetworkId.LOCAL);
        Inventory inventory = new Inventory(SCHEME, entries);
        table = new SlotTable(
                        tenant.peerId(),
                        GroupId.random(SECRETS),
                        1,
                        SCHEME,
                        SlotTable.State.CLOSED,
                        holders,
                        SwarmReader.asBlock(inventory.encode()).cid())
                .sign(tenant, NetworkId.LOCAL);
        book.learn(table, inventory);
        reader = new StripeReader(book, new FakeFetcher(), local, TIMES);
    }

    private PeerId newPeer() {
        PeerId peer = IdentityKey.generate(SECRETS).peerId();
        peers.put(peer, new ConcurrentHashMap<>());
        return peer;
    }

    @AfterEach
    void close() {
        book.close();
    }

    private Map<Cid, ByteBuffer> read() {
        return reader.fetch(
                List.copyOf(model.keySet()),
                System.nanoTime() + Duration.ofMinutes(1).toNanos(),
                () -> doubted = true);
    }

    private void assertAllReadable() {
        Map<Cid, ByteBuffer> found = read();
        model.forEach(
                (cid, bytes) -> assertThat(found.get(cid)).as("seed %d", seed).isEqualTo(bytes));
    }

    @Test
    void each_block_comes_from_the_peer_of_its_slot_and_parity_rests() {
        assertAllReadable();
        assertThat(doubted).isFalse();
        assertThat(asked).containsExactlyInAnyOrderElementsOf(holders.subList(0, SCHEME.data()));
    }

    @Test
    void any_two_peers_may_be_down_or_hang() {
        for (int i = 0; i < SCHEME.slots(); i++) {
            for (int j = i + 1; j < SCHEME.slots(); j++) {
                down.clear();
                hanging.clear();
                down.add(holders.get(i));
                (random.nextBoolean() ? down : hanging).add(holders.get(j));
                assertAllReadable();
            }
        }
    }

    @Test
    void without_three_what_can_be_had_is_right_and_the_rest_is_missing_until_one_is_back() {
        List<PeerId> gone = new ArrayList<>(holders);
        java.util.Collections.shuffle(gone, random);
        down.addAll(gone.subList(0, 3));
        Map<Cid, ByteBuffer> found = read();
        assertThat(doubted).isTrue();
        model.forEach((cid, bytes) -> {
            boolean reachable = !down.contains(book.locate(cid).holders().get(0));
            if (found.containsKey(cid)) {
                assertThat(found.get(cid)).as("seed %d", seed).isEqualTo(bytes);
            } else {
                assertThat(reachable).as("seed %d", seed).isFalse();
            }
        });
        down.remove(gone.get(0));
        assertAllReadable();
    }

    @Test
    void a_peer_that_hangs_costs_its_time_once() {
        hanging.add(holders.get(1));
        assertAllReadable();
        asked.clear();
        assertAllReadable();
        assertThat(asked).doesNotContain(holders.get(1));
    }

    @Test
    void what_is_here_is_not_fetched_to_restore_a_block() {
        down.add(holders.get(0));
        assertAllReadable();
        Cid lost = model.keySet().stream()
                .filter(cid -> book.locate(cid).holders().get(0).equals(holders.get(0)))
                .findFirst()
                .orElseThrow();
        GroupBook.Located located = book.locate(lost);
        Stripe stripe = book.stripe(located.group(), located.place() / SCHEME.slots());
        for (Inventory.Entry entry : stripe.entries().subList(1, SCHEME.data())) {
            if (!entry.isEmpty()) {
                local.put(List.of(
                        new StoredBlock(entry.cid(), model.get(entry.cid()).duplicate())));
            }
        }
        asked.clear();
        Map<Cid, ByteBuffer> found = reader.fetch(
                List.of(lost), System.nanoTime() + Duration.ofMinutes(1).toNanos(), () -> {});
        assertThat(found.get(lost)).isEqualTo(model.get(lost));
        assertThat(asked).hasSize(1);
    }

    @Test
    void a_slot_that_holders_gave_to_another_peer_is_found_by_asking_them() {
        PeerId fresh = newPeer();
        peers.get(fresh).putAll(peers.get(holders.get(2)));
        List<PeerId> now = new ArrayList<>(holders);
        now.set(2, fresh);
        TableChain chain = TableChain.of(table.table().moved(now).sign(tenant, NetworkId.LOCAL));
        down.addAll(List.of(holders.get(0), holders.get(1), holders.get(2)));
        TableRefresh refresh = new TableRefresh(
                book,
                (peer, of, group) -> down.contains(peer)
                        ? CompletableFuture.failedFuture(new IllegalStateException("down"))
                        : CompletableFuture.completedFuture(chain));
        assertThat(read()).hasSizeLessThan(model.size());
        assertThat(refresh.refresh(new HashSet<>(book.groups()))).isTrue();
        assertAllReadable();
        assertThat(refresh.refresh(new HashSet<>(book.groups()))).isFalse();
    }
}
