package io.ppiofs.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.sealed.SealedBlocks;
import io.ppiofs.blockstore.sealed.SealedOptions;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("guard")
class BlockGuardTest {
    private static final int BLOCK = 1 << 20;
    private static final int PAGE = 4096;

    private final SealedOptions options = SealedOptions.defaults().withCacheBytes(0);
    private long sequence;

    private byte[] different(byte[] block) {
        ByteBuffer.wrap(block).putLong(0, ++sequence);
        return block;
    }

    @Test
    void encodingReachesFourFifthsOfWhatHashingTwiceAndEncryptingAllow() throws Exception {
        byte[] plaintext = Content.INCOMPRESSIBLE.bytes(BLOCK, 1);
        BareCrypto bare = new BareCrypto(BLOCK);
        SealedBlocks blocks = new SealedBlocks(new DiscardingStore(), new FixedKeys(), options);

        new CostRatio("encode / (SHA-256, AES-GCM, SHA-256)", 41)
                .cpuAtMost(
                        1 / 0.8,
                        () -> bare.seal(different(plaintext)),
                        () -> blocks.write(BlockType.DATA, ByteBuffer.wrap(different(plaintext))));
    }

    @ParameterizedTest
    @EnumSource
    void aPageCostsAnEighthOfTheBlockAtMost(Content content) throws Exception {
        SealedBlocks blocks = new SealedBlocks(new MemoryBlockStore(), new FixedKeys(), options);
        BlockRef ref = blocks.write(BlockType.DATA, ByteBuffer.wrap(content.bytes(BLOCK, 1)));
        byte[] whole = new byte[BLOCK];
        byte[] page = new byte[PAGE];
        SplittableRandom random = new SplittableRandom(1);

        new CostRatio("8 pages / block, " + content, 41)
                .cpuAtMost(
                        1,
                        () -> {
                            blocks.read(BlockType.DATA, ref, 0, ByteBuffer.wrap(whole));
                            return whole;
                        },
                        () -> {
                            for (int i = 0; i < 8; i++) {
                                int at = random.nextInt(BLOCK / PAGE) * PAGE;
                                blocks.read(BlockType.DATA, ref, at, ByteBuffer.wrap(page));
                            }
                            return page;
                        });
    }

    @ParameterizedTest
    @EnumSource
    void encodingAndDecodingReuseTheirBuffers(Content content) {
        SealedBlocks blocks = new SealedBlocks(new MemoryBlockStore(), new FixedKeys(), options);
        SealedBlocks discarding = new SealedBlocks(new DiscardingStore(), new FixedKeys(), options);
        byte[] plaintext = content.bytes(BLOCK, 1);
        byte[] decoded = new byte[BLOCK];
        BlockRef ref = blocks.write(BlockType.DATA, ByteBuffer.wrap(plaintext));
        int times = 20;

        long encoding =
                allocatedBy(times, () -> discarding.write(BlockType.DATA, ByteBuffer.wrap(different(plaintext))));
        long decoding = allocatedBy(times, () -> blocks.read(BlockType.DATA, ref, 0, ByteBuffer.wrap(decoded)));

        System.out.printf("guard allocated per block, %s: encode %d, decode %d bytes%n", content, encoding, decoding);
        assertThat(encoding).as("bytes allocated to encode a block").isLessThan(BLOCK / 8);
        assertThat(decoding).as("bytes allocated to decode a block").isLessThan(BLOCK / 8);
    }

    /** Bytes per run after the first ones. */
    private static long allocatedBy(int times, Runnable work) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (int i = 0; i < times; i++) {
            work.run();
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < times; i++) {
            work.run();
        }
        return (threads.getCurrentThreadAllocatedBytes() - before) / times;
    }

    @Test
    void contentThatShrinksIsStoredSmaller() {
        DiscardingStore store = new DiscardingStore();
        new SealedBlocks(store, new FixedKeys(), options)
                .write(BlockType.DATA, ByteBuffer.wrap(Content.COMPRESSIBLE.bytes(BLOCK, 1)));

        assertThat(store.bytes()).isLessThan(BLOCK / 2);
    }
}
