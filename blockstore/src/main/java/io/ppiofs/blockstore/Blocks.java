package io.ppiofs.blockstore;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * The plaintext view of a volume's blocks: seals on the way in, verifies and opens on the way out. Thread-safe; no
 * call holds a lock over disk or network.
 */
public interface Blocks {
    /**
     * Seals the remaining bytes of {@code plaintext} (position moves to limit) and hands them to the store. Equal
     * content of one type and epoch gives an equal ref and is stored once. When this returns the block can be read,
     * but it survives a crash only after {@link #sync}.
     *
     * @param plaintext 0 … the store's largest block
     * @throws io.ppiofs.error.PpiofsException NO_SPACE, IO
     */
    BlockRef write(BlockType type, ByteBuffer plaintext);

    /**
     * Fills {@code dst} (all its remaining bytes) with plaintext from {@code offset}; touches only the frames it needs.
     *
     * @throws io.ppiofs.error.PpiofsException CORRUPT if a byte is not what was sealed (never returned as data);
     *     MISSING_BLOCK if the store lost or dropped the block; IO
     */
    void read(BlockType type, BlockRef ref, int offset, ByteBuffer dst);

    /** As {@link BlockStore#readAhead}, in bytes of plaintext. */
    default int readAhead() {
        return 0;
    }

    /** As {@link BlockStore#expect}. */
    default void expect(long reader, List<BlockRef> next, boolean anew) {}

    /** Makes every block whose {@link #write} returned before this call survive kill -9 and power loss. */
    void sync();

    /** The largest plaintext of one block, bytes. */
    int blockSize();

    /**
     * Bytes of the stored form: what the block costs on disk, without the record around it.
     *
     * @throws io.ppiofs.error.PpiofsException MISSING_BLOCK if the store does not have it
     */
    long storedLength(BlockRef ref);

    /**
     * The most bytes that a block of {@code plaintextLength} may cost in the store, record included: what to reserve
     * before accepting data.
     */
    long worstCaseCost(int plaintextLength);
}
