package io.ppiofs.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Tags of 8 KiB, an audit of 460 units, and the tree over a replica of 16 MiB against one digest over it. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before anything else
public class ProofBenchmark {
    private static final int REPLICA = 16 << 20;

    private SampleAudit audit;
    private SampleTrees one;
    private SampleTrees two;

    @Setup
    public void setUp() {
        audit = new SampleAudit();
        one = new SampleTrees(REPLICA, 1);
        two = new SampleTrees(REPLICA, 2);
    }

    @TearDown
    public void tearDown() {
        one.close();
        two.close();
    }

    @Benchmark
    public Object tagPublicly() {
        return audit.tagPublicly();
    }

    @Benchmark
    public Object tagPrivately() {
        return audit.tagPrivately();
    }

    @Benchmark
    public Object answer460() {
        return audit.answer();
    }

    @Benchmark
    public Object verify460() {
        return audit.verify();
    }

    @Benchmark
    public Object treeOf16MiB() {
        return one.replicaTree();
    }

    @Benchmark
    public Object treeOf16MiBByTwoThreads() {
        return two.replicaTree();
    }

    @Benchmark
    public Object bareSha256Of16MiB() {
        return one.bareDigest();
    }
}
