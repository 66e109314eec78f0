package io.ppiofs.bench;

import io.ppiofs.blockstore.erasure.CodingEngine;
import io.ppiofs.blockstore.erasure.ReedSolomon;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
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

/** One stripe of blocks of 1 MiB: parity, and restoring as many blocks as may be lost. Data in MiB per time is k over it. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before anything else
public class ErasureBenchmark {
    private static final int BLOCK = 1 << 20;

    @Param({"isa-l", "java"})
    public String engine;

    @Param({"4+8", "4+2", "10+4"})
    public String scheme;

    @Param({"true", "false"})
    public boolean direct;

    private ReedSolomon code;
    private List<ByteBuffer> data;
    private List<ByteBuffer> parity;
    private List<@Nullable ByteBuffer> left;
    private int[] lost;
    private int[] lengths;

    @Setup
    public void setUp() {
        int k = Integer.parseInt(scheme.substring(0, scheme.indexOf('+')));
        int m = Integer.parseInt(scheme.substring(scheme.indexOf('+') + 1));
        code = ReedSolomon.cauchy(
                k,
                m,
                engine.equals("java")
                        ? CodingEngine.java()
                        : CodingEngine.isaL().orElseThrow());
        data = new ArrayList<>();
        parity = new ArrayList<>();
        for (int i = 0; i < k + m; i++) {
            ByteBuffer buffer = direct ? ByteBuffer.allocateDirect(BLOCK) : ByteBuffer.allocate(BLOCK);
            buffer.put(Content.INCOMPRESSIBLE.bytes(BLOCK, i)).flip();
            (i < k ? data : parity).add(buffer);
        }
        code.encode(data, parity);
        int losses = Math.min(k, m);
        left = new ArrayList<>(data);
        left.addAll(parity);
        lost = new int[losses];
        lengths = new int[losses];
        for (int i = 0; i < losses; i++) {
            left.set(i, null);
            lost[i] = i;
            lengths[i] = BLOCK;
        }
    }

    @Benchmark
    public void encode() {
        code.encode(data, parity);
    }

    @Benchmark
    public List<ByteBuffer> reconstruct() {
        return code.reconstruct(left, lost, lengths);
    }
}
