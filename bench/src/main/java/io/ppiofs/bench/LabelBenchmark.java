package io.ppiofs.bench;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** One layer of a sector of {@code size} bytes, and as many bare digests of 1,228 bytes on the same thread. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before anything else
public class LabelBenchmark {
    @Param({"1048576", "8388608", "67108864"})
    public int size;

    private SampleLayers layers;

    @Setup
    public void setUp() throws IOException {
        layers = new SampleLayers(size / 32);
    }

    @TearDown
    public void tearDown() throws IOException {
        layers.close();
    }

    @Benchmark
    public Object firstLayer() {
        return layers.labelFirst();
    }

    @Benchmark
    public Object laterLayer() {
        return layers.labelSecond();
    }

    @Benchmark
    public Object bareSha256() {
        return layers.bareDigests();
    }
}
