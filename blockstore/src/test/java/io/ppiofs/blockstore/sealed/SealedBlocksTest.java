package io.ppiofs.blockstore.sealed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.BlockKey;
import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.FixedContentKeys;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SealedBlocksTest {
    private static final int MIB = 1 << 20;

    private final MemoryBlockStore store = new MemoryBlockStore();
    private final FixedContentKeys keys = new FixedContentKeys();
    private final SealedOptions options = SealedOptions.defaults();

    private SealedBlocks blocks() {
        return new SealedBlocks(store, keys, options);
    }

    /** Half noise, half text, in runs of random length, so that frames of both codecs meet in one block. */
    static byte[] content(Random random, int length) {
        byte[] bytes = new byte[length];
        int style = random.nextInt(4);
        for (int at = 0; at < length; ) {
            int run = Math.min(length - at, 1 + random.nextInt(100_000));
            boolean noise = style == 0 || style != 1 && random.nextBoolean();
            for (int i = at; i < at + run; i++) {
                bytes[i] = (byte) (noise ? random.nextInt() : "the quick brown fox ".charAt(i % 20));
            }
            at += run;
        }
        return bytes;
    }

    private static byte[] read(SealedBlocks blocks, BlockType type, BlockRef ref, int offset, int length) {
        ByteBuffer dst = ByteBuffer.allocate(length);
        blocks.read(type, ref, offset, dst);
        assertThat(dst.hasRemaining()).isFalse();
        return dst.array();
    }

    private static byte[] slice(byte[] of, int offset, int length) {
        return java.util.Arrays.copyOfRange(of, offset, offset + length);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsWrittenIsReadInAnyRange(boolean dedup) {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        SealedBlocks blocks =
                new SealedBlocks(store, keys, options.withBlockSize(4 * MIB).withDedup(dedup));
        int[] edges = {0, 1, 15, 63, 64, 4096, 32767, 32768, 32769, 65536, MIB - 1, MIB, MIB + 1, 4 * MIB};
        for (int round = 0; round < 60; round++) {
            int length = round < edges.length ? edges[round] : random.nextInt(1 << (4 + random.nextInt(19)));
            byte[] content = content(random, length);
            BlockType type = BlockType.values()[random.nextInt(3)];
            boolean direct = random.nextBoolean();
            ByteBuffer in =
                    direct ? ByteBuffer.allocateDirect(length).put(content).flip() : ByteBuffer.wrap(content);
            BlockRef ref = blocks.write(type, in);
            assertThat(in.hasRemaining()).isFalse();
            assertThat(ref.length()).isEqualTo(length);
            assertThat(blocks.storedLength(ref)).isLessThanOrEqualTo(blocks.worstCaseCost(length));
            assertThat(read(blocks, type, ref, 0, length)).as("seed %d", seed).isEqualTo(content);
            for (int i = 0; i < 10; i++) {
                int offset = random.nextInt(length + 1);
                int n = random.nextInt(length - offset + 1);
                ByteBuffer dst = ByteBuffer.allocateDirect(n);
                blocks.read(type, ref, offset, dst);
                byte[] got = new byte[n];
                dst.flip().get(got);
                assertThat(got).as("seed %d", seed).isEqualTo(slice(content, offset, n));
            }
        }
    }

    @Test
    void equalContentIsStoredOnceAndOnlyThen() {
        byte[] content = content(new Random(1), 100_000);
        BlockRef first = blocks().write(BlockType.DATA, ByteBuffer.wrap(content));
        assertThat(blocks().write(BlockType.DATA, ByteBuffer.wrap(content))).isEqualTo(first);
        assertThat(blocks().write(BlockType.NODE, ByteBuffer.wrap(content)).cid())
                .isNotEqualTo(first.cid());
        keys.rotateTo(1);
        assertThat(blocks().write(BlockType.DATA, ByteBuffer.wrap(content)).cid())
                .isNotEqualTo(first.cid());
        SealedBlocks random = new SealedBlocks(store, keys, options.withDedup(false));
        assertThat(random.write(BlockType.DATA, ByteBuffer.wrap(content)))
                .isNotEqualTo(random.write(BlockType.DATA, ByteBuffer.wrap(content)));
        assertThat(store.size()).isEqualTo(5);
        SealedBlocks other = new SealedBlocks(store, new FixedContentKeys(9), options);
        assertThat(other.write(BlockType.DATA, ByteBuffer.wrap(content)).cid()).isNotEqualTo(first.cid());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4096, 40_000, 300_000})
    void aFlippedBitIsReportedAndNeverData(int length) {
        for (boolean noise : new boolean[] {true, false}) {
            byte[] content = new byte[length];
            if (noise) {
                new Random(length).nextBytes(content);
            }
            BlockRef ref = blocks().write(BlockType.DATA, ByteBuffer.wrap(content));
            ByteBuffer stored = store.get(List.of(ref.cid())).get(0);
            byte[] good = new byte[stored.remaining()];
            stored.get(good);
            int sealedLength = noise || length < 64
                    ? StoredForm.rawLength(length)
                    : good.length; // compressed: only the data, table and tags are looked at below
            Random random = new Random(5);
            for (int i = 0; i < 200; i++) {
                int at = i < 40 ? Math.min(i, sealedLength - 1) : random.nextInt(Math.min(sealedLength, good.length));
                byte[] bad = good.clone();
                bad[at] ^= (byte) (1 << random.nextInt(8));
                store.replace(ref.cid(), bad);
                if (noise || length < 64) {
                    assertThatThrownBy(() -> read(blocks(), BlockType.DATA, ref, 0, length))
                            .as("byte %d", at)
                            .isInstanceOfSatisfying(
                                    PpiofsException.class,
                                    e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT))
                            .hasMessageContaining(ref.cid().toString());
                } else {
                    assertThat(readOrNull(ref, length)).isIn(null, content);
                }
            }
            store.replace(ref.cid(), good);
            assertThat(read(blocks(), BlockType.DATA, ref, 0, length)).isEqualTo(content);
        }
    }

    private byte[] readOrNull(BlockRef ref, int length) {
        try {
            return read(blocks(), BlockType.DATA, ref, 0, length);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT);
            return null;
        }
    }

    @Test
    void aRangeTouchesOnlyItsFrames() {
        byte[] content = new byte[MIB];
        new Random(3).nextBytes(content);
        BlockRef ref = blocks().write(BlockType.DATA, ByteBuffer.wrap(content));
        ByteBuffer stored = store.get(List.of(ref.cid())).get(0);
        byte[] bad = new byte[stored.remaining()];
        stored.get(bad);
        bad[bad.length / 2] ^= 1;
        store.replace(ref.cid(), bad);
        SealedBlocks blocks = blocks();
        assertThat(read(blocks, BlockType.DATA, ref, 0, 4096)).isEqualTo(slice(content, 0, 4096));
        assertThat(blocks.statistics().framesOpened()).isEqualTo(1);
        assertThat(read(blocks, BlockType.DATA, ref, 100, 4096)).isEqualTo(slice(content, 100, 4096));
        assertThat(blocks.statistics().framesOpened()).isEqualTo(1);
        assertThat(blocks.statistics().cacheHits()).isEqualTo(1);
        assertThatThrownBy(() -> read(blocks(), BlockType.DATA, ref, 0, MIB)).isInstanceOf(PpiofsException.class);
    }

    @Test
    void wrongKeyTypeEpochOrLengthDoNotOpen() {
        SealedBlocks blocks = blocks();
        for (byte[] content : List.of(new byte[70_000], content(new Random(0), 70_000))) {
            BlockRef ref = blocks.write(BlockType.DATA, ByteBuffer.wrap(content));
            read(blocks, BlockType.DATA, ref, 10, 10); // now in the cache
            byte[] otherKey = ref.key().bytes();
            otherKey[3]++;
            refuses(blocks, BlockType.DATA, new BlockRef(ref.cid(), BlockKey.of(otherKey), 70_000, 0, 0));
            refuses(blocks, BlockType.NODE, ref);
            refuses(blocks, BlockType.DATA, new BlockRef(ref.cid(), ref.key(), 70_000, 1, 0));
            refuses(blocks, BlockType.DATA, new BlockRef(ref.cid(), ref.key(), 69_999, 0, 0));
            refuses(blocks, BlockType.DATA, new BlockRef(ref.cid(), ref.key(), 30_000, 0, 0));
            refuses(blocks, BlockType.DATA, new BlockRef(ref.cid(), ref.key(), 90_000, 0, 0));
            refuses(blocks, BlockType.DATA, new BlockRef(ref.cid(), ref.key(), Integer.MAX_VALUE, 0, 0));
        }
    }

    private static void refuses(SealedBlocks blocks, BlockType type, BlockRef ref) {
        int length = Math.min(ref.length(), 4 * MIB);
        assertThatThrownBy(() -> read(blocks, type, ref, ref.length() - length, length))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
    }

    @Test
    void equalContentMayBeSealedTwiceInARow() {
        for (CryptoProvider provider : List.of(CryptoProvider.jdk(), CryptoProvider.fastest())) {
            SealedBlocks blocks = new SealedBlocks(store, keys, options, provider);
            for (int length : new int[] {0, 10, 4096, 100_000}) {
                BlockRef ref = blocks.write(BlockType.DATA, ByteBuffer.wrap(new byte[length]));
                assertThat(blocks.write(BlockType.DATA, ByteBuffer.wrap(new byte[length])))
                        .isEqualTo(ref);
                assertThat(read(blocks, BlockType.DATA, ref, 0, length)).isEqualTo(new byte[length]);
            }
        }
    }

    @Test
    void aMissingBlockIsNamed() {
        BlockRef ref = blocks().write(BlockType.DATA, ByteBuffer.wrap(new byte[10]));
        store.delete(List.of(ref.cid()));
        assertThatThrownBy(() -> read(blocks(), BlockType.DATA, ref, 0, 10))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.MISSING_BLOCK))
                .hasMessageContaining(ref.cid().toString());
    }

    @Test
    void aNewerFormatIsToldFromDamage() {
        byte[] future = new byte[100];
        ByteBuffer.wrap(future).putInt(StoredForm.MAGIC).put((byte) 2);
        io.ppiofs.blockstore.Cid cid = io.ppiofs.blockstore.Cid.of(ByteBuffer.wrap(future));
        store.put(List.of(new io.ppiofs.blockstore.BlockStore.StoredBlock(cid, ByteBuffer.wrap(future))));
        BlockRef ref = new BlockRef(cid, BlockKey.of(new byte[32]), 50, 0, 0);
        assertThatThrownBy(() -> read(blocks(), BlockType.DATA, ref, 0, 50))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNSUPPORTED_FORMAT));
    }

    @Test
    void theJdkAndTheNativeProviderReadEachOther() {
        SealedBlocks jdk = new SealedBlocks(store, keys, options, CryptoProvider.jdk());
        SealedBlocks fast = blocks();
        byte[] content = content(new Random(8), 200_000);
        BlockRef ref = jdk.write(BlockType.DATA, ByteBuffer.wrap(content));
        assertThat(fast.write(BlockType.DATA, ByteBuffer.wrap(content))).isEqualTo(ref);
        assertThat(read(fast, BlockType.DATA, ref, 0, 200_000)).isEqualTo(content);
        assertThat(read(jdk, BlockType.DATA, ref, 0, 200_000)).isEqualTo(content);
    }

    @Test
    void lengthsTellLittleAndFullBlocksCostNothing() {
        assertThat(StoredForm.padme(9)).isEqualTo(10);
        for (long n = 1; n < 5_000_000; n += 1 + n / 50) {
            assertThat(StoredForm.padme(n)).isBetween(n, n + n * 12 / 100 + 1);
        }
        byte[] noise = new byte[MIB];
        new Random(4).nextBytes(noise);
        BlockRef full = blocks().write(BlockType.DATA, ByteBuffer.wrap(noise));
        assertThat(blocks().storedLength(full)).isEqualTo(MIB + 16 + 32 * 16);
        BlockRef odd = blocks().write(BlockType.DATA, ByteBuffer.wrap(noise, 0, 100_001));
        BlockRef even = blocks().write(BlockType.DATA, ByteBuffer.wrap(noise, 0, 100_200));
        assertThat(blocks().storedLength(odd)).isEqualTo(blocks().storedLength(even));
        SealedBlocks bare = new SealedBlocks(store, keys, options.withPadding(false));
        assertThat(bare.storedLength(bare.write(BlockType.DATA, ByteBuffer.wrap(noise, 0, 100_001))))
                .isEqualTo(100_001 + 16 + 4 * 16);
    }
}
