package io.ppiofs.bench;

import io.ppiofs.blockstore.Cid;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** The primitives alone: the name of a stored block, AES-256-GCM, and what both together allow a block. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before anything else
public class CryptoBenchmark {
    @Param({"4096", "131072", "1048576"})
    public int size;

    private byte[] plaintext;
    private BareCrypto bare;

    @Setup
    public void setUp() throws GeneralSecurityException {
        plaintext = Content.INCOMPRESSIBLE.bytes(size, 1);
        bare = new BareCrypto(size);
    }

    @Benchmark
    public Cid name() {
        return Cid.of(ByteBuffer.wrap(plaintext));
    }

    @Benchmark
    public int encrypt() throws GeneralSecurityException {
        return bare.encrypt(plaintext);
    }

    /** The bound that {@link BlockBenchmark#encode} is held against. */
    @Benchmark
    public byte[] hashEncryptHash() throws GeneralSecurityException {
        return bare.seal(plaintext);
    }
}
