package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.ContentKeys;
import io.ppiofs.blockstore.sealed.SealedBlocks;
import io.ppiofs.blockstore.sealed.SealedOptions;
import io.ppiofs.blockstore.segment.SegmentBlockStore;
import io.ppiofs.blockstore.segment.SegmentOptions;
import io.ppiofs.blockstore.space.SpaceBudget;
import io.ppiofs.fs.tree.SipHash;
import io.ppiofs.fs.volume.HybridLogicalClock;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two volumes over one store on disk, collected while they are written. */
class GarbageCollectorTest {
    private static final int VOLUMES = 2;
    private static final int SMALLEST_BLOCK = 64 << 10;

    @TempDir
    Path directory;

    private SpaceBudget budget;
    private SegmentBlockStore store;
    private final List<CoreFixture.MemoryCheckpoints> heads = new ArrayList<>();
    private final List<VolumeFileSystem> cores = new ArrayList<>();

    @BeforeEach
    void open() throws Exception {
        Path blocks = Files.createDirectories(directory.resolve("blocks"));
        budget = SpaceBudget.open(blocks, Long.MAX_VALUE);
        store = SegmentBlockStore.open(
                blocks,
                SegmentOptions.defaults()
                        .withSegmentBytes(SegmentOptions.SMALLEST_SEGMENT)
                        .withIndexEntriesPerShard(2048),
                budget);
        for (int i = 0; i < VOLUMES; i++) {
            if (heads.size() <= i) {
                heads.add(new CoreFixture.MemoryCheckpoints());
            }
            cores.add(core(i));
        }
    }

    private VolumeFileSystem core(int id) {
        byte[] key = new byte[32];
        key[0] = (byte) id;
        ContentKeys keys = new ContentKeys() {
            @Override
            public int currentEpoch() {
                return 0;
            }

            @Override
            public byte[] contentKey(int epoch) {
                return key;
            }
        };
        // without a cache: what is read comes from the store
        SealedOptions sealing =
                SealedOptions.defaults().withBlockSize(SMALLEST_BLOCK).withCacheBytes(0);
        CoreVolume volume = new CoreVolume(
                "volume" + id,
                new SealedBlocks(store, keys, sealing),
                new SipHash(new byte[16]),
                new SipHash(new byte[16]),
                directory.resolve("journal" + id),
                new byte[32],
                heads.get(id),
                new HybridLogicalClock(InstantSource.system(), 0),
                0,
                new CoreFixture.Space());
        CoreOptions eager = CoreOptions.defaults().withIntervals(Duration.ofMillis(50), Duration.ofMillis(150));
        return VolumeFileSystem.open(volume, eager, Map.of());
    }

    @AfterEach
    void close() {
        cores.forEach(VolumeFileSystem::close);
        cores.clear();
        store.close();
        budget.close();
    }

    private static void put(VolumeFileSystem fs, String name, byte[] content) {
        FileSystemCore.Created made = fs.create(Caller.ROOT, Ino.ROOT, FileName.of(name), 0644, OpenFlags.ofLinux(2));
        fs.write(made.file(), 0, ByteBuffer.wrap(content));
        fs.release(made.file());
        fs.forget(made.attr().ino(), 1);
    }

    private static void remove(VolumeFileSystem fs, String name) {
        fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of(name));
    }

    private static byte[] get(VolumeFileSystem fs, String name) {
        Attr attr = fs.lookup(Ino.ROOT, FileName.of(name));
        OpenFile file = fs.open(Caller.ROOT, attr.ino(), OpenFlags.ofLinux(0));
        ByteBuffer out = ByteBuffer.allocate((int) attr.size());
        int read = fs.read(file, 0, out);
        assertThat(read).as(name).isEqualTo(attr.size());
        fs.release(file);
        fs.forget(attr.ino(), 1);
        return out.array();
    }

    /** Of few kinds, so that much is written that was dropped a moment ago: a dedup hit on a block about to go. */
    private static byte[] content(Random random) {
        byte[] bytes = new byte[10_000 + 50_000 * random.nextInt(4)];
        new Random(random.nextInt(12)).nextBytes(bytes);
        return bytes;
    }

    @RepeatedTest(2)
    @Tag("long")
    void writersLoseNothingWhileGarbageIsCollected() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        AtomicBoolean stop = new AtomicBoolean();
        List<Map<String, byte[]>> expected = new ArrayList<>();
        List<Callable<Void>> writers = new ArrayList<>();
        for (int w = 0; w < 4; w++) {
            Map<String, byte[]> mine = new HashMap<>();
            expected.add(mine);
            VolumeFileSystem fs = cores.get(w % VOLUMES);
            Random own = new Random(random.nextLong());
            String prefix = "w" + w + "-";
            writers.add(() -> {
                while (!stop.get()) {
                    writeAndRemove(fs, prefix, own, mine);
                }
                return null;
            });
        }
        ExecutorService pool = Executors.newFixedThreadPool(writers.size());
        try {
            List<Future<Void>> running = new ArrayList<>();
            writers.forEach(w -> running.add(pool.submit(w)));
            long[] heard = {0, 0};
            GarbageCollector collector = new GarbageCollector(store);
            long deleted = 0;
            for (int i = 0; i < 12; i++) {
                deleted += collector
                        .collect(cores, GarbageCollector.Also.NOBODY, new GarbageCollector.Stages() {
                            @Override
                            public void marked(long blocks) {
                                heard[0] = Math.max(heard[0], blocks);
                            }

                            @Override
                            public void examined(long blocks) {
                                heard[1] = Math.max(heard[1], blocks);
                            }
                        })
                        .swept()
                        .blocks();
            }
            stop.set(true);
            for (Future<Void> writer : running) {
                writer.get(1, TimeUnit.MINUTES);
            }
            assertThat(deleted).as("seed %d", seed).isPositive();
            assertThat(heard[0]).isPositive();
            assertThat(heard[1]).isPositive();
        } finally {
            stop.set(true);
            pool.shutdownNow();
        }
        assertHolds(expected, seed);
        new GarbageCollector(store).collect(cores, GarbageCollector.Also.NOBODY, GarbageCollector.Stages.SILENT);
        assertHolds(expected, seed);
        close();
        open();
        assertHolds(expected, seed);
        store.awaitIndex();
        assertHolds(expected, seed);
    }

    private static void writeAndRemove(VolumeFileSystem fs, String prefix, Random random, Map<String, byte[]> mine) {
        String name = prefix + random.nextInt(8);
        byte[] old = mine.remove(name);
        if (old != null) {
            assertThat(Arrays.equals(get(fs, name), old)).as(name).isTrue();
            remove(fs, name);
        }
        byte[] content = content(random);
        put(fs, name, content);
        mine.put(name, content);
    }

    private void assertHolds(List<Map<String, byte[]>> expected, long seed) {
        for (int w = 0; w < expected.size(); w++) {
            VolumeFileSystem fs = cores.get(w % VOLUMES);
            expected.get(w)
                    .forEach((name, content) -> assertThat(Arrays.equals(get(fs, name), content))
                            .as("%s, seed %d", name, seed)
                            .isTrue());
        }
        for (VolumeFileSystem fs : cores) {
            assertThat(new Fsck(fs, store, n -> {}).run().listed()).isEmpty();
        }
    }

    @Test
    void whatNobodyReachesGoesAndWhatAnotherVolumeReachesStays() {
        byte[] bytes = new byte[3_000_000];
        new Random(3).nextBytes(bytes);
        put(cores.get(0), "a", bytes);
        put(cores.get(0), "copy", bytes);
        put(cores.get(1), "b", bytes);
        remove(cores.get(0), "a");
        GarbageCollector collector = new GarbageCollector(store);
        collector.collect(cores, GarbageCollector.Also.NOBODY, GarbageCollector.Stages.SILENT);
        assertThat(get(cores.get(0), "copy")).isEqualTo(bytes);
        long full = store.statistics().liveBytes();
        remove(cores.get(0), "copy");
        collector.collect(cores, GarbageCollector.Also.NOBODY, GarbageCollector.Stages.SILENT);
        assertThat(full - store.statistics().liveBytes()).isBetween(2_900_000L, 3_200_000L);
        assertThat(get(cores.get(1), "b")).isEqualTo(bytes);
        // and what was deleted can be written again
        put(cores.get(0), "again", bytes);
        assertThat(get(cores.get(0), "again")).isEqualTo(bytes);
    }
}
