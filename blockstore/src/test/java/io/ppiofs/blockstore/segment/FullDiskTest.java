package io.ppiofs.blockstore.segment;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.SmallDisk;
import io.ppiofs.blockstore.gc.MarkSet;
import io.ppiofs.blockstore.gc.SweepResult;
import io.ppiofs.blockstore.space.SpaceBudget;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FullDiskTest {
    private final Random random = new Random(44);

    private static SegmentBlockStore open(SmallDisk disk) {
        return SegmentBlockStore.open(
                disk.path().resolve("store"),
                SegmentOptions.defaults(),
                SpaceBudget.open(disk.path().resolve("store"), Long.MAX_VALUE));
    }

    /** Writes until the disk refuses; what was accepted. */
    private List<StoredBlock> fill(SegmentBlockStore store, int longest, boolean cold) {
        List<StoredBlock> accepted = new ArrayList<>();
        while (true) {
            StoredBlock block = StoreFixture.block(random, 32 + random.nextInt(longest));
            try {
                if (cold) {
                    store.putCold(List.of(block));
                } else {
                    store.put(List.of(block));
                }
                accepted.add(block);
            } catch (PpiofsException e) {
                assertThat(e.kind()).isEqualTo(ErrorKind.NO_SPACE);
                return accepted;
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"2000, false", "100000, false", "1000000, false", "2000, true", "100000, true", "1000000, true"})
    void aFullDiskRefusesKeepsEverythingAndGoesOnWhenThereIsRoom(int longest, boolean cold) throws Exception {
        try (SmallDisk disk = SmallDisk.mount(40)) {
            List<StoredBlock> accepted;
            Path other = disk.path().resolve("somebody-elses");
            try (SegmentBlockStore store = open(disk)) {
                store.awaitIndex();
                Files.write(other, new byte[15 << 20]);
                accepted = fill(store, longest, cold);
                StoreFixture.assertHolds(store, accepted);
                accepted.addAll(fill(store, longest, cold));
                Files.delete(other);
                List<StoredBlock> more = StoreFixture.blocks(random, 20, longest);
                store.put(more);
                accepted.addAll(more);
                store.sync();
                StoreFixture.assertHolds(store, accepted);
            }
            try (SegmentBlockStore store = open(disk)) {
                StoreFixture.assertHolds(store, accepted);
                store.awaitIndex();
                List<CorruptBlock> damaged = new ArrayList<>();
                store.verifyAll(0, damaged::add);
                assertThat(damaged).isEmpty();
                assertThat(store.statistics().blocks()).isEqualTo(accepted.size());
            }
        }
    }

    @Test
    void aFullDiskCanBeEmptiedByCollectionAlone() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(40)) {
            List<StoredBlock> live = new ArrayList<>();
            try (SegmentBlockStore store = open(disk)) {
                store.awaitIndex();
                store.budget().restoreBallast();
                List<StoredBlock> all = fill(store, 100_000, false);
                MarkSet marks = new MarkSet(10);
                for (int i = 0; i < all.size(); i += 10) {
                    live.add(all.get(i));
                    marks.add(all.get(i).cid());
                }
                long free = Files.getFileStore(disk.path()).getUsableSpace();
                SweepResult result = store.sweep(marks, store.beginMark());
                assertThat(result.blocks()).isEqualTo(all.size() - live.size());
                assertThat(Files.getFileStore(disk.path()).getUsableSpace()).isGreaterThan(free + (20 << 20));
                StoreFixture.assertHolds(store, live);
                List<StoredBlock> more = StoreFixture.blocks(random, 100, 100_000);
                store.put(more);
                store.sync();
                StoreFixture.assertHolds(store, more);
                live.addAll(more);
            }
            try (SegmentBlockStore store = open(disk)) {
                StoreFixture.assertHolds(store, live);
            }
        }
    }

    @Test
    void aStoreOpensOnAFullDiskWithoutItsIndex() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(40)) {
            List<StoredBlock> accepted;
            try (SegmentBlockStore store = open(disk)) {
                store.awaitIndex();
                store.budget().restoreBallast();
                accepted = fill(store, 60_000, false);
            }
            Files.deleteIfExists(disk.path().resolve("store/index/clean"));
            Path other = disk.path().resolve("somebody-elses");
            long free = Files.getFileStore(disk.path()).getUsableSpace();
            Files.write(other, new byte[(int) free]);
            try (SegmentBlockStore store = open(disk)) {
                StoreFixture.assertHolds(store, accepted);
                SweepResult result = store.sweep(new MarkSet(0), store.beginMark());
                assertThat(result.blocks()).isEqualTo(accepted.size());
                assertThat(store.statistics().blocks()).isZero();
            }
        }
    }
}
