package io.ppiofs.proofs.pod;

import java.io.IOException;

/** The blocks of an order, as they are stored. Called by several threads at a time. */
public interface PodBlocks {
    /** Bytes of the block, by its place in the order. */
    int length(int block);

    /** Reads bytes of a block; only what lies inside it is asked for. */
    void read(int block, int offset, byte[] out, int at, int length) throws IOException;
}
