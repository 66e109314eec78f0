package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.blockstore.segment.SegmentBlockStore;
import io.ppiofs.blockstore.segment.SegmentOptions;
import io.ppiofs.blockstore.space.SpaceBudget;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real segment store before peers in memory. */
@Tag("long")
class LocalCacheTest {
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int BLOCK = 64 << 10;
    private static final long LIMIT = 40 * BLOCK;

    @TempDir
    Path directory;

    private final IdentityKey tenant = IdentityKey.generate(RANDOM);
    private final Map<Cid, ByteBuffer> peers = new ConcurrentHashMap<>();
    private final Backlog backlog = new Backlog();
    private final Map<GroupId, Integer> safe = new ConcurrentHashMap<>();
    private SpaceBudget budget;
    private SegmentBlockStore local;
    private GroupBook book;
    private SwarmBlockStore store;
    private LocalCache cache;

    @BeforeEach
    void open() {
        budget = SpaceBudget.open(directory.resolve("home"), Long.MAX_VALUE);
        local = SegmentBlockStore.open(directory.resolve("home"), SegmentOptions.defaults(), budget);
        book = GroupBook.open(directory.resolve("groups"), NetworkId.LOCAL);
        SwarmBlockStore.Remote remote = new SwarmBlockStore.Remote() {
            @Override
            public Map<Cid, ByteBuffer> fetch(List<Cid> cids) {
                Map<Cid, ByteBuffer> found = new HashMap<>();
                for (Cid cid : cids) {
                    if (peers.containsKey(cid)) {
                        found.put(cid, peers.get(cid).duplicate());
                    }
                }
                return found;
            }

            @Override
            public boolean isPlaced(Cid cid) {
                return book.contains(cid);
            }
        };
        store = new SwarmBlockStore("test", local, remote, backlog);
        cache = new LocalCache("test", local, book, backlog, group -> safe.getOrDefault(group.id(), 0), LIMIT);
        store.limitedBy(cache);
        cache.start();
    }

    @AfterEach
    void close() {
        store.close();
        cache.close();
        book.close();
        local.close();
        budget.close();
    }

    private List<Cid> write(int count) {
        return RandomBlocks.put(store, count, i -> BLOCK);
    }

    private Group group() {
        SlotTable table = new SlotTable(
                tenant.peerId(),
                GroupId.random(RANDOM),
                1,
                Scheme.copies(1),
                SlotTable.State.OPEN,
                List.of(IdentityKey.generate(RANDOM).peerId()),
                null);
        return book.begin(table.sign(tenant, NetworkId.LOCAL));
    }

    /** As the drainer does, the holder's confirmation included. */
    private void place(Group group, List<Cid> cids) {
        List<Inventory.Entry> entries = new ArrayList<>();
        for (Cid cid : cids) {
            ByteBuffer bytes = local.get(List.of(cid)).get(0);
            peers.put(cid, bytes);
            entries.add(new Inventory.Entry(cid, bytes.remaining()));
        }
        book.append(group, entries);
        backlog.done(cids);
    }

    private void awaitBelow(long bytes) {
        await().atMost(SOON).until(() -> local.statistics().liveBytes() <= bytes);
    }

    @Test
    void what_is_on_peers_is_dropped_and_comes_back_when_it_is_read() {
        List<Cid> cids = write(100);
        Group group = group();
        place(group, cids);
        safe.put(group.id(), 100);
        awaitBelow(LIMIT);
        assertThat(local.has(cids).cardinality()).isBetween(1, 40);
        assertThat(store.has(cids).cardinality()).isEqualTo(100);
        for (Cid cid : cids) {
            ByteBuffer read = ByteBuffer.allocate(BLOCK);
            assertThat(store.read(cid, 0, read)).isEqualTo(BLOCK);
            assertThat(Cid.of(read.flip())).isEqualTo(cid);
        }
        awaitBelow(LIMIT);
        await().atMost(SOON).until(() -> cache.bytes() <= LIMIT);
        assertThat(cache.evicted()).isGreaterThanOrEqualTo(60L * BLOCK);
    }

    @Test
    void what_is_not_safe_elsewhere_stays_above_the_limit_if_it_must() {
        List<Cid> placed = write(50);
        Group group = group();
        place(group, placed);
        safe.put(group.id(), 20); // the others lack a copy
        List<Cid> waiting = write(60);
        awaitBelow(90 * BLOCK);
        BitSet here = local.has(placed);
        assertThat(here.nextClearBit(20)).as("entries that lack a copy").isGreaterThanOrEqualTo(50);
        assertThat(local.has(waiting).cardinality()).isEqualTo(60);
        place(group, waiting);
        safe.put(group.id(), 110);
        awaitBelow(LIMIT);
    }

    @Test
    void what_is_used_stays_longer_than_what_is_not() {
        List<Cid> hot = write(10);
        Group group = group();
        place(group, hot);
        safe.put(group.id(), 10);
        for (int round = 1; round <= 10; round++) {
            List<Cid> cold = write(30);
            place(group, cold);
            safe.put(group.id(), 10 + 30 * round);
            awaitBelow(LIMIT);
            for (Cid cid : hot) {
                assertThat(store.read(cid, 0, ByteBuffer.allocate(BLOCK))).isEqualTo(BLOCK);
            }
        }
        // read after each round, and so in each round except perhaps those that began before
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(local.has(hot).cardinality()).isEqualTo(10));
    }
}
