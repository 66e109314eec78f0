package io.ppiofs.bench;

import io.ppiofs.overlay.transport.Security;
import io.ppiofs.overlay.transport.TransportOptions;
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

/** 16 MiB in one direction over loopback: Netty's TLS alone, and one stream of each kind of connection. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before anything else
public class TransportBenchmark {
    /** What carries the bytes. */
    public enum Carrier {
        BARE_TLS,
        TLS_YAMUX,
        NOISE_YAMUX,
        QUIC
    }

    /** Carries so many bytes. */
    @FunctionalInterface
    private interface Transfer {
        long carry(long bytes) throws Exception;
    }

    @Param
    public Carrier carrier;

    @Param("16777216")
    public int size;

    private AutoCloseable ends;
    private Transfer transfer;

    @Setup
    public void setUp() throws Exception {
        if (carrier == Carrier.BARE_TLS) {
            LoopbackTransfer.Bare bare = new LoopbackTransfer.Bare();
            ends = bare;
            transfer = bare::transfer;
            return;
        }
        TransportOptions options = TransportOptions.DEFAULT;
        LoopbackTransfer.Muxed muxed = switch (carrier) {
            case QUIC -> LoopbackTransfer.Muxed.quic(options);
            case NOISE_YAMUX -> LoopbackTransfer.Muxed.tcp(options.withSecurities(Security.NOISE));
            default -> LoopbackTransfer.Muxed.tcp(options.withSecurities(Security.TLS));
        };
        ends = muxed;
        transfer = muxed::transfer;
    }

    @Benchmark
    public long oneWay() throws Exception {
        return transfer.carry(size);
    }

    @TearDown
    public void tearDown() throws Exception {
        ends.close();
    }
}
