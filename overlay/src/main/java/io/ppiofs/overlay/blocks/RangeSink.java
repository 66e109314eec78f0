package io.ppiofs.overlay.blocks;

import io.netty.buffer.ByteBuf;

/**
 * Gets parts of blocks as they arrive, <em>unchecked</em>: for those who check whole blocks or their frames themselves.
 * Called on the connection's event loop: must not block.
 */
public interface RangeSink {
    /**
     * Some bytes of a range; those of one range come in order.
     *
     * @param index of the range in the request
     * @param offset of {@code data} in the block
     * @param data the caller's; valid during the call
     */
    void onData(int index, int offset, ByteBuf data);

    /** The peer does not have this range. */
    void onMissing(int index);
}
