package io.ppiofs.fs.core;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.Blocks;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.List;

/** Blocks whose absence is a failure of storage: a file must not seem to be gone because a block is. Only for reading. */
record PresentBlocks(Blocks blocks) implements Blocks {
    @Override
    public BlockRef write(BlockType type, ByteBuffer plaintext) {
        throw PpiofsException.expected(ErrorKind.READ_ONLY, "write", "block");
    }

    @Override
    public void read(BlockType type, BlockRef ref, int offset, ByteBuffer dst) {
        try {
            blocks.read(type, ref, offset, dst);
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.MISSING_BLOCK) {
                throw e;
            }
            throw new PpiofsException(
                    ErrorKind.IO,
                    "read",
                    ref.cid().toString(),
                    "a block is neither here nor on a peer that answers; see ppiofs status",
                    e);
        }
    }

    @Override
    public int readAhead() {
        return blocks.readAhead();
    }

    @Override
    public void expect(long reader, List<BlockRef> next, boolean anew) {
        blocks.expect(reader, next, anew);
    }

    @Override
    public void sync() {
        // nothing was written
    }

    @Override
    public int blockSize() {
        return blocks.blockSize();
    }

    @Override
    public long storedLength(BlockRef ref) {
        return blocks.storedLength(ref);
    }

    @Override
    public long worstCaseCost(int plaintextLength) {
        return blocks.worstCaseCost(plaintextLength);
    }
}
