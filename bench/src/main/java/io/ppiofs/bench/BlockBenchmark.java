package io.ppiofs.bench;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.sealed.SealedBlocks;
import io.ppiofs.blockstore.sealed.SealedOptions;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Plaintext to a stored block and back, through {@link SealedBlocks} over a store in memory; nothing is cached. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before anything else
public class BlockBenchmark {
    @Param({"4096", "131072", "1048576"})
    public int size;

    @Param
    public Content content;

    private MemoryBlockStore store;
    private SealedBlocks blocks;
    private byte[] plaintext;
    private byte[] decoded;
    private BlockRef ref;
    private long sequence;

    @Setup
    public void setUp() {
        store = new MemoryBlockStore();
        blocks = new SealedBlocks(
                store, new FixedKeys(), SealedOptions.defaults().withCacheBytes(0));
        plaintext = content.bytes(size, 1);
        decoded = new byte[size];
        ref = blocks.write(BlockType.DATA, ByteBuffer.wrap(plaintext));
    }

    /** A block that was not there before; the store copies it, and gives it up again. */
    @Benchmark
    public BlockRef encode() {
        ByteBuffer.wrap(plaintext).putLong(0, ++sequence);
        BlockRef written = blocks.write(BlockType.DATA, ByteBuffer.wrap(plaintext));
        store.delete(List.of(written.cid()));
        return written;
    }

    @Benchmark
    public byte[] decode() {
        blocks.read(BlockType.DATA, ref, 0, ByteBuffer.wrap(decoded));
        return decoded;
    }
}
