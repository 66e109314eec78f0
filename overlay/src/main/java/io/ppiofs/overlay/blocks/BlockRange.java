package io.ppiofs.overlay.blocks;

import io.ppiofs.blockstore.Cid;

/**
 * A part of a stored block.
 *
 * @param offset from 0
 * @param length positive; the part must lie within the block, else the answer is that it is missing
 */
public record BlockRange(Cid cid, int offset, int length) {
    public BlockRange {
        if (offset < 0 || length <= 0 || offset > BlockLimits.MAX_BLOCK - length) {
            throw new IllegalArgumentException("no range: " + length + " bytes from " + offset);
        }
    }
}
