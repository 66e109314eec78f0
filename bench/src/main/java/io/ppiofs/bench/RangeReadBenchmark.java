package io.ppiofs.bench;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.sealed.SealedBlocks;
import io.ppiofs.blockstore.sealed.SealedOptions;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** 4 KiB from a random place of a block of 1 MiB: one frame is opened, nothing is cached. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before anything else
public class RangeReadBenchmark {
    private static final int BLOCK = 1 << 20;
    private static final int PAGE = 4096;

    @Param
    public Content content;

    private SealedBlocks blocks;
    private BlockRef ref;
    private final byte[] page = new byte[PAGE];
    private final SplittableRandom random = new SplittableRandom(1);

    @Setup
    public void setUp() {
        blocks = new SealedBlocks(
                new MemoryBlockStore(),
                new FixedKeys(),
                SealedOptions.defaults().withCacheBytes(0));
        ref = blocks.write(BlockType.DATA, ByteBuffer.wrap(content.bytes(BLOCK, 1)));
    }

    @Benchmark
    public byte[] page() {
        blocks.read(BlockType.DATA, ref, random.nextInt(BLOCK / PAGE) * PAGE, ByteBuffer.wrap(page));
        return page;
    }
}
