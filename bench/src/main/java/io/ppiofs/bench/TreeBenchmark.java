package io.ppiofs.bench;

import io.ppiofs.fs.tree.MerkleTree;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;

/** The namespace's tree with its nodes in the cache: lookup, a batch of 1,000 changes all over it, the difference of that. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before anything else
public class TreeBenchmark {
    private static final int BATCH = 1000;

    @Param({"10000", "1000000"})
    public int entries;

    private SampleTree sample;
    private MerkleTree changed;
    private final SplittableRandom random = new SplittableRandom(1);

    @Setup
    public void setUp() {
        sample = new SampleTree(entries);
        changed = sample.tree().apply(sample.changes(BATCH, 2));
    }

    @Benchmark
    public byte @Nullable [] lookup() {
        return sample.tree().get(SampleTree.key(random.nextInt(entries), false));
    }

    /** The same batch each time: its nodes are sealed and found in the store. */
    @Benchmark
    public MerkleTree apply1000() {
        return sample.tree().apply(sample.changes(BATCH, 2));
    }

    @Benchmark
    public void diff1000(Blackhole sink) {
        MerkleTree.diff(sample.tree(), changed, (key, before, after) -> sink.consume(key));
    }
}
