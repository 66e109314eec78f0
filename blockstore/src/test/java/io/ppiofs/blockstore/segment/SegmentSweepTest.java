package io.ppiofs.blockstore.segment;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.gc.MarkSet;
import io.ppiofs.blockstore.gc.SweepResult;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentSweepTest {
    @TempDir
    Path temp;

    private final Random random = new Random(43);

    private static MarkSet marks(List<StoredBlock> live) {
        MarkSet marks = new MarkSet(live.size());
        live.forEach(block -> marks.add(block.cid()));
        return marks;
    }

    @Test
    void deadSegmentsGoAndSparseOnesAreEmptied() throws Exception {
        Path home = temp.resolve("store");
        List<StoredBlock> dead = StoreFixture.blocks(random, 300, 60_000);
        List<StoredBlock> mixed = StoreFixture.blocks(random, 300, 60_000);
        List<StoredBlock> live = new ArrayList<>();
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.put(dead);
            for (int i = 0; i < mixed.size(); i++) {
                store.put(List.of(mixed.get(i)));
                if (i % 5 == 0) {
                    live.add(mixed.get(i));
                }
            }
            store.sync();
            long before = store.statistics().diskBytes();
            SweepResult result = store.sweep(marks(live), store.beginMark());
            assertThat(result.blocks()).isEqualTo(540);
            assertThat(result.segmentsDeleted()).isPositive();
            assertThat(result.segmentsCompacted() + result.bytesPunched()).isPositive();
            StoreStatistics after = store.statistics();
            assertThat(after.diskBytes()).isLessThan(before / 4);
            assertThat(after.blocks()).isEqualTo(60);
            StoreFixture.assertHolds(store, live);
            SweepResult again = store.sweep(marks(live), store.beginMark());
            assertThat(again.blocks()).isZero();
            StoreFixture.copyOf(home, temp.resolve("killed"));
        }
        for (Path after : List.of(home, temp.resolve("killed"))) {
            try (SegmentBlockStore store = StoreFixture.open(after)) {
                StoreFixture.assertHolds(store, live);
                store.awaitIndex();
                assertThat(store.statistics().blocks()).isEqualTo(60);
                List<CorruptBlock> damaged = new ArrayList<>();
                store.verifyAll(0, damaged::add);
                assertThat(damaged).isEmpty();
            }
        }
    }

    @Test
    void whatWasPunchedNeverComesBackAndCanBeWrittenAgain() throws Exception {
        Path home = temp.resolve("store");
        List<StoredBlock> live = new ArrayList<>();
        List<StoredBlock> dead = new ArrayList<>();
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            for (int i = 0; i < 200; i++) {
                StoredBlock block = StoreFixture.block(random, 40_000);
                store.put(List.of(block));
                (i % 8 == 7 ? dead : live).add(block);
            }
            SweepResult result = store.sweep(marks(live), store.beginMark());
            assertThat(result.blocks()).isEqualTo(dead.size());
            assertThat(result.segmentsCompacted()).isZero();
            assertThat(result.bytesPunched()).isPositive();
            StoreFixture.copyOf(home, temp.resolve("killed"));
        }
        try (SegmentBlockStore store = StoreFixture.open(temp.resolve("killed"))) {
            assertThat(store.has(dead.stream().map(StoredBlock::cid).toList()).isEmpty())
                    .isTrue();
            store.put(dead.subList(0, 5));
            store.awaitIndex();
            assertThat(store.has(dead.stream().map(StoredBlock::cid).toList()).cardinality())
                    .isEqualTo(5);
            StoreFixture.assertHolds(store, dead.subList(0, 5));
            StoreFixture.assertHolds(store, live);
            store.sync();
            StoreFixture.copyOf(temp.resolve("killed"), temp.resolve("killed-again"));
        }
        try (SegmentBlockStore store = StoreFixture.open(temp.resolve("killed-again"))) {
            store.awaitIndex();
            StoreFixture.assertHolds(store, dead.subList(0, 5));
            StoreFixture.assertHolds(store, live);
        }
    }

    /**
     * A deletion record says that one record is dead. Copied on into the open segment, it must not hide the block that
     * was written again meanwhile and lies in a sealed one.
     */
    @Test
    void aDeletionRecordHidesNoBlockThatWasWrittenAgain() throws Exception {
        Path home = temp.resolve("store");
        List<StoredBlock> keep = StoreFixture.blocks(random, 60, 60_000);
        StoredBlock again = StoreFixture.block(random, 50_000);
        List<StoredBlock> live = new ArrayList<>(keep);
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.put(keep.subList(0, 50));
            store.put(List.of(again));
            store.put(StoreFixture.blocks(random, 100, 60_000)); // seals the segment that has the first copy
            store.sweep(marks(keep), store.beginMark()); // the first copy dies
            store.put(List.of(again));
            live.add(again);
            store.put(StoreFixture.blocks(random, 300, 60_000)); // seals the second copy and the deletion record
            store.sweep(marks(live), store.beginMark()); // drops that segment but for the copy, copies the record on
            StoreFixture.assertHolds(store, live.subList(0, 50));
            StoreFixture.assertHolds(store, List.of(again));
            store.put(keep.subList(50, 60));
            StoreFixture.copyOf(home, temp.resolve("killed"));
        }
        for (Path after : List.of(home, temp.resolve("killed"))) {
            try (SegmentBlockStore store = StoreFixture.open(after)) {
                StoreFixture.assertHolds(store, List.of(again));
                store.awaitIndex();
                StoreFixture.assertHolds(store, List.of(again));
                StoreFixture.assertHolds(store, keep.subList(0, 50));
            }
        }
    }

    @Test
    void aProcessKilledInsideASweepLosesNothingThatIsLive() throws Exception {
        Path home = temp.resolve("store");
        List<StoredBlock> all = StoreFixture.blocks(random, 400, 60_000);
        List<StoredBlock> live = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            if (i % 3 == 0) {
                live.add(all.get(i));
            }
        }
        MarkSet marks = marks(live);
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.put(all);
            store.sync();
            int[] asked = {0};
            long mark = store.beginMark();
            store.sweep(
                    cid -> {
                        if (asked[0]++ % 97 == 0) {
                            copyNow(home, asked[0]);
                        }
                        return marks.contains(cid);
                    },
                    mark);
        }
        try (var copies = java.nio.file.Files.list(temp)) {
            for (Path copy : (Iterable<Path>)
                    copies.filter(p -> p.getFileName().toString().startsWith("at-"))::iterator) {
                try (SegmentBlockStore store = StoreFixture.open(copy)) {
                    StoreFixture.assertHolds(store, live);
                    store.awaitIndex();
                    StoreFixture.assertHolds(store, live);
                    List<CorruptBlock> damaged = new ArrayList<>();
                    store.verifyAll(0, damaged::add);
                    assertThat(damaged).isEmpty();
                }
            }
        }
    }

    private void copyNow(Path home, int step) {
        try {
            StoreFixture.copyOf(home, temp.resolve("at-" + step));
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void manyCyclesOfWritingAndCollectingStayBounded() throws Exception {
        Path home = temp.resolve("store");
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            List<StoredBlock> keep = StoreFixture.blocks(random, 50, 40_000);
            store.put(keep);
            for (int cycle = 0; cycle < 25; cycle++) {
                store.put(StoreFixture.blocks(random, 100, 60_000));
                store.sweep(marks(keep), store.beginMark());
                StoreFixture.assertHolds(store, keep);
            }
            assertThat(store.statistics().diskBytes()).isLessThan(8 << 20);
            assertThat(store.statistics().segments()).isLessThan(5);
        }
    }
}
