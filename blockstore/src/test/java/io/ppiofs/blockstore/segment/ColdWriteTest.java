package io.ppiofs.blockstore.segment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.space.SpaceBudget;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writes past the page cache, between ordinary ones. */
class ColdWriteTest {
    private final Random random = new Random(45);

    @TempDir
    Path temp;

    private static SegmentBlockStore open(Path home, int batch) {
        return SegmentBlockStore.open(
                home, StoreFixture.SMALL.withBatchBytes(batch), SpaceBudget.open(home, Long.MAX_VALUE));
    }

    private void put(SegmentBlockStore store, List<StoredBlock> blocks, boolean cold) {
        if (cold) {
            store.putCold(blocks);
        } else {
            store.put(blocks);
        }
    }

    /** The part of a block that a reader asks for, wherever its bytes are just now. */
    private void assertReads(SegmentBlockStore store, StoredBlock block) {
        int length = block.bytes().remaining();
        int from = random.nextInt(length);
        int n = 1 + random.nextInt(length - from);
        ByteBuffer part = ByteBuffer.allocate(n);
        assertThat(store.read(block.cid(), from, part)).isEqualTo(n);
        assertThat(part.flip()).isEqualTo(block.bytes().slice(from, n));
    }

    @Test
    void whateverIsColdAndWheneverItIsSyncedAllIsThereBeforeAndAfterAKill() throws Exception {
        for (int batch : new int[] {4 << 10, SegmentOptions.DEFAULT_BATCH, 1 << 20}) {
            Path home = temp.resolve("store-" + batch);
            List<StoredBlock> synced = new ArrayList<>();
            List<StoredBlock> all = new ArrayList<>();
            int restarts = 0;
            SegmentBlockStore store = open(home, batch);
            try {
                for (int step = 0; step < 300; step++) {
                    int longest = random.nextInt(10) < 7 ? 6_000 : 700_000;
                    List<StoredBlock> some = StoreFixture.blocks(random, 1 + random.nextInt(3), longest);
                    put(store, some, random.nextInt(4) > 0);
                    all.addAll(some);
                    for (int i = 0; i < 4; i++) {
                        assertReads(store, all.get(all.size() - 1 - random.nextInt(Math.min(12, all.size()))));
                    }
                    if (random.nextInt(9) == 0) {
                        store.sync();
                        synced = new ArrayList<>(all);
                    }
                    if (random.nextInt(60) == 0) {
                        Path copy = StoreFixture.copyOf(home, temp.resolve(batch + "-" + restarts++));
                        store.close();
                        store = open(copy, batch);
                        home = copy;
                        StoreFixture.assertHolds(store, synced);
                        all = new ArrayList<>(synced);
                    }
                }
                StoreFixture.assertHolds(store, all);
            } finally {
                store.close();
            }
            try (SegmentBlockStore again = open(home, batch)) {
                StoreFixture.assertHolds(again, all);
                again.awaitIndex();
                List<CorruptBlock> damaged = new ArrayList<>();
                again.verifyAll(0, damaged::add);
                assertThat(damaged).isEmpty();
            }
        }
    }

    @Test
    void anInterruptedThreadHarmsNobody() {
        List<StoredBlock> blocks = StoreFixture.blocks(random, 30, 600_000);
        try (SegmentBlockStore store = open(temp.resolve("store"), 1 << 20)) {
            store.awaitIndex();
            Thread.currentThread().interrupt();
            store.putCold(blocks);
            store.sync();
            assertThat(Thread.interrupted()).isTrue();
            StoreFixture.assertHolds(store, blocks);
        }
    }

    @Test
    void wholePagesGoPastTheCacheAndTheRestDoesNot() throws Exception {
        Path path = Files.createFile(temp.resolve("file"));
        try (PositionalFile file = new PositionalFile(path)) {
            ByteBuffer pages =
                    ByteBuffer.allocateDirect(3 * 4096).alignedSlice(4096).limit(2 * 4096);
            for (int i = 0; i < pages.limit(); i++) {
                pages.put(i, (byte) random.nextInt());
            }
            assumeTrue(file.writeDirect(pages, 4096), "a filesystem that has O_DIRECT");
            file.write(pages.duplicate().limit(100), 0);
            ByteBuffer read = ByteBuffer.allocate(3 * 4096);
            assertThat(file.read(read, 0)).isEqualTo(3 * 4096);
            assertThat(read.slice(4096, 2 * 4096)).isEqualTo(pages);
            assertThat(read.slice(0, 100)).isEqualTo(pages.slice(0, 100));
            file.closeIdle();
            assertThat(file.writeDirect(pages.slice(0, 4096), 0)).isTrue();
            assertThat(file.writeDirect(pages.slice(0, 100), 0))
                    .as("no whole page")
                    .isFalse();
            assertThat(file.writeDirect(pages.slice(0, 4096), 0))
                    .as("then never again")
                    .isFalse();
            assertThat(file.read(read.clear().limit(4096), 0)).isEqualTo(4096);
            assertThat(read.flip()).isEqualTo(pages.slice(0, 4096));
        }
    }
}
