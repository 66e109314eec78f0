package io.ppiofs.overlay.blocks;

import io.ppiofs.blockstore.Cid;
import java.nio.ByteBuffer;

/**
 * Gets the blocks of a {@link Fetch}, in the order in which they arrive, each once. Calls for one fetch come one at a time
 * on the client's executor and may block: the peer sends at most a window further meanwhile.
 */
public interface BlockSink {
    /**
     * A whole block.
     *
     * @param index its place in the request
     * @param bytes checked against {@code cid}; the callee owns it
     */
    void onBlock(int index, Cid cid, ByteBuffer bytes);

    /** The peer does not have it, or does not give it. */
    default void onMissing(int index, Cid cid) {}
}
