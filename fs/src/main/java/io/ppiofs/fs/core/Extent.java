package io.ppiofs.fs.core;

import io.ppiofs.blockstore.BlockRef;
import java.nio.ByteBuffer;

/**
 * A run of a file's bytes: {@code length} bytes at {@code offset} of the file are the plaintext of {@code ref} from
 * {@code blockOffset}. Extents of a file never overlap.
 */
record Extent(long offset, int length, BlockRef ref, int blockOffset) {
    static final int VERSION = 1;

    long end() {
        return offset + length;
    }

    /** The part of this extent inside [from, to), which must overlap it. */
    Extent clip(long from, long to) {
        long start = Math.max(from, offset);
        long end = Math.min(to, end());
        return new Extent(start, (int) (end - start), ref, blockOffset + (int) (start - offset));
    }

    byte[] encode() {
        byte[] out = new RecordWriter(96)
                .u8(VERSION)
                .varint(length)
                .varint(blockOffset)
                .bytes(new byte[BlockRef.ENCODED_LENGTH])
                .toBytes();
        ref.writeTo(ByteBuffer.wrap(out, out.length - BlockRef.ENCODED_LENGTH, BlockRef.ENCODED_LENGTH));
        return out;
    }

    static Extent decode(long offset, byte[] bytes) {
        RecordReader r = new RecordReader(bytes, "extent");
        r.version(VERSION);
        int length = r.varint32();
        int blockOffset = r.varint32();
        if (offset < 0 || length <= 0 || blockOffset < 0 || offset > Long.MAX_VALUE - length) {
            throw r.corrupt("its place is out of range");
        }
        BlockRef ref = r.ref();
        r.end();
        return new Extent(offset, length, ref, blockOffset);
    }
}
