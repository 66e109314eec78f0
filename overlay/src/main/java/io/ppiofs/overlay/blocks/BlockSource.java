package io.ppiofs.overlay.blocks;

import java.nio.ByteBuffer;

/**
 * A stored block that is being read. Used by one thread at a time, not always the same one; closed once. What is read need
 * not be checked: the receiver checks it.
 */
public interface BlockSource extends AutoCloseable {
    /** Bytes of the stored form, positive. */
    int length();

    /**
     * Fills {@code into} with the bytes from {@code offset}; the caller asks only for what lies inside the block.
     *
     * @throws io.ppiofs.error.PpiofsException IO, CORRUPT, NOT_FOUND if the block went away meanwhile
     */
    void read(int offset, ByteBuffer into);

    @Override
    default void close() {}
}
