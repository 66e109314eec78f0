package io.ppiofs.bench;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.index.BlockIndex;
import io.ppiofs.blockstore.index.ChronicleBlockIndex;
import io.ppiofs.blockstore.index.Location;
import java.io.IOException;
import java.util.BitSet;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The index on Chronicle Map with a million entries, in the page cache. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before anything else
public class IndexBenchmark {
    private static final int ENTRIES = 1_000_000;

    private ScratchDirectory scratch;
    private ExecutorService background;
    private BlockIndex index;

    /** Each thread its own places. */
    @State(Scope.Thread)
    public static class Places {
        private final SplittableRandom random = new SplittableRandom(1);

        int next() {
            return random.nextInt(ENTRIES);
        }
    }

    @Setup
    public void setUp() throws IOException {
        scratch = ScratchDirectory.create();
        background = Executors.newSingleThreadExecutor();
        long perShard = ENTRIES * 2L / ChronicleBlockIndex.SHARDS;
        index = ChronicleBlockIndex.open(scratch.path(), new BitSet(), perShard, background);
        for (int i = 0; i < ENTRIES; i++) {
            index.put(cid(i), location(i));
        }
    }

    @TearDown
    public void tearDown() throws IOException {
        index.close();
        background.shutdown();
        scratch.close();
    }

    static Cid cid(int i) {
        SplittableRandom digest = new SplittableRandom(i);
        return Cid.ofWords(digest.nextLong(), digest.nextLong(), digest.nextLong(), digest.nextLong());
    }

    static Location location(int i) {
        return new Location(i >>> 12, i << 12, 4096, 1);
    }

    @Benchmark
    public @Nullable Location get(Places places) {
        return index.get(cid(places.next()));
    }

    @Benchmark
    public @Nullable Location getAbsent(Places places) {
        return index.get(cid(ENTRIES + places.next()));
    }

    @Benchmark
    public void replace(Places places) {
        int i = places.next();
        index.put(cid(i), location(i));
    }
}
