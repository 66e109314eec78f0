package io.ppiofs.blockstore.segment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.gc.MarkSet;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentScrubTest {
    /** Where the first record of a segment begins. */
    private static final int FIRST = RecordFormat.SEGMENT_HEADER;

    @TempDir
    Path temp;

    private final Random random = new Random(47);

    private Path filled(List<StoredBlock> blocks) {
        Path home = temp.resolve("store");
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.put(blocks);
        }
        return home;
    }

    private static void flip(Path segment, long at) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(segment.toFile(), "rw")) {
            file.seek(at);
            int b = file.read();
            file.seek(at);
            file.write(b ^ 4);
        }
    }

    private static List<CorruptBlock> scrub(SegmentBlockStore store) {
        List<CorruptBlock> damaged = new ArrayList<>();
        assertThat(store.verifyAll(0, damaged::add).damaged()).isEqualTo(damaged.size());
        return damaged;
    }

    @Test
    void everyBlockIsHashedOnce() {
        List<StoredBlock> blocks = StoreFixture.blocks(random, 400, 40_000); // two segments, the second open again
        Path home = filled(blocks);
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            List<StoredBlock> fresh = StoreFixture.blocks(random, 10, 1000);
            store.put(fresh);
            ScrubReport report = store.verifyAll(0, block -> {
                throw new AssertionError(block);
            });
            assertThat(report.blocks()).isEqualTo(410);
            assertThat(report.bytes()).isEqualTo(store.statistics().liveBytes());
        }
    }

    @Test
    void aBlockFoundDamagedIsWrittenAnewByTheNextPutOfTheSameContent() throws Exception {
        List<StoredBlock> blocks = StoreFixture.blocks(random, 400, 40_000);
        Path home = filled(blocks);
        flip(StoreFixture.segmentsIn(home).get(0), FIRST + RecordFormat.RECORD_HEADER);
        Cid hit = blocks.get(0).cid();
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            assertThat(scrub(store)).extracting(CorruptBlock::cid).containsExactly(hit);
            store.put(blocks.subList(0, 2));
            StoreFixture.assertHolds(store, blocks);
            assertThat(scrub(store)).isEmpty();
            assertThat(store.statistics().blocks()).isEqualTo(400);
            store.sync();
            StoreFixture.copyOf(home, temp.resolve("killed"));
        }
        for (Path after : List.of(home, temp.resolve("killed"))) {
            try (SegmentBlockStore store = StoreFixture.open(after)) {
                StoreFixture.assertHolds(store, blocks);
                store.awaitIndex();
                StoreFixture.assertHolds(store, blocks);
                assertThat(scrub(store)).isEmpty();
            }
        }
    }

    @Test
    void aDamagedHeaderIsReportedThoughItsBlockIsWhole() throws Exception {
        List<StoredBlock> blocks = StoreFixture.blocks(random, 20, 30_000);
        Path home = filled(blocks);
        flip(StoreFixture.segmentsIn(home).get(0), FIRST + 30);
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            assertThat(scrub(store)).singleElement().satisfies(d -> {
                assertThat(d.cid()).isEqualTo(blocks.get(0).cid());
                assertThat(d.detail()).contains("header");
            });
            StoreFixture.assertHolds(store, blocks);
        }
    }

    @Test
    void aFooterDamagedWhileTheStoreIsOpenIsReportedAndItsBlocksAreHashed() throws Exception {
        List<StoredBlock> blocks = StoreFixture.blocks(random, 400, 40_000);
        Path home = filled(blocks);
        Path first = StoreFixture.segmentsIn(home).get(0);
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.awaitIndex();
            flip(first, Files.size(first) - RecordFormat.TRAILER - 20);
            List<CorruptBlock> damaged = new ArrayList<>();
            ScrubReport report = store.verifyAll(0, damaged::add);
            assertThat(damaged).singleElement().satisfies(d -> {
                assertThat(d.cid()).isNull();
                assertThat(d.segment()).isEqualTo(first.getFileName().toString());
            });
            assertThat(report.blocks()).isEqualTo(400);
        }
    }

    @Test
    void collectionAndCompactionInTheMiddleHideNothing() throws Exception {
        List<StoredBlock> blocks = StoreFixture.blocks(random, 6000, 3_000);
        Path home = filled(blocks);
        MarkSet marks = new MarkSet(0);
        Set<Cid> live = new HashSet<>();
        for (int i = 0; i < blocks.size(); i += 3) {
            marks.add(blocks.get(i).cid());
            live.add(blocks.get(i).cid());
        }
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.awaitIndex();
            long[] seen = {0};
            ScrubReport report = store.verifyAll(0, new ScrubWatcher() {
                @Override
                public void damaged(CorruptBlock block) {
                    throw new AssertionError(block);
                }

                @Override
                public void progress(long bytes) {
                    if (++seen[0] == 30) {
                        assertThat(store.sweep(marks, store.beginMark()).segmentsCompacted())
                                .isPositive();
                    }
                }
            });
            // every live block, a few twice (before and after they moved), and those hashed before they went
            assertThat(report.blocks()).isBetween((long) live.size(), live.size() + 30L + 30L);
            assertThat(scrub(store)).isEmpty();
        }
    }

    @Test
    void itKeepsToItsRateAndCanBeCancelledInItsPauses() {
        List<StoredBlock> blocks = StoreFixture.blocks(random, 50, 40_000);
        try (SegmentBlockStore store = StoreFixture.open(filled(blocks))) {
            long start = System.nanoTime();
            long bytes = store.verifyAll(4_000_000, d -> {}).bytes();
            assertThat((System.nanoTime() - start) / 1e9).isGreaterThan(bytes / 4e6 * 0.95);
            ScrubWatcher impatient = new ScrubWatcher() {
                private long asked;

                @Override
                public void damaged(CorruptBlock block) {
                    throw new AssertionError(block);
                }

                @Override
                public boolean cancelled() {
                    return ++asked > 2;
                }
            };
            assertThatThrownBy(() -> store.verifyAll(1, impatient)) // would take days
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INTERRUPTED));
        }
    }
}
