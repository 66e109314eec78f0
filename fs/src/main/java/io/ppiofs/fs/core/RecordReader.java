package io.ppiofs.fs.core;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;

/**
 * Reads what {@link RecordWriter} wrote. Every length is checked against the bytes that are left before memory is
 * taken; a record that does not fit is CORRUPT.
 */
final class RecordReader {
    private final ByteBuffer in;
    private final String what;

    RecordReader(byte[] bytes, String what) {
        this(ByteBuffer.wrap(bytes), what);
    }

    RecordReader(ByteBuffer in, String what) {
        this.in = in;
        this.what = what;
    }

    /** A failure of this record, for its decoder to throw. */
    PpiofsException corrupt(String detail) {
        return new PpiofsException(ErrorKind.CORRUPT, "read", what, detail + "; run ppiofs fsck");
    }

    private void need(int n) {
        if (n < 0 || in.remaining() < n) {
            throw corrupt("the record ends too early");
        }
    }

    boolean hasRemaining() {
        return in.hasRemaining();
    }

    int u8() {
        need(1);
        return in.get() & 0xff;
    }

    long i64() {
        need(8);
        return in.getLong();
    }

    long varint() {
        long v = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int b = u8();
            v |= (long) (b & 0x7f) << shift;
            if ((b & 0x80) == 0) {
                return v;
            }
        }
        throw corrupt("a number has more than 64 bits");
    }

    int varint32() {
        long v = varint();
        if (v < 0 || v > 0xffff_ffffL) {
            throw corrupt("a number has more than 32 bits");
        }
        return (int) v;
    }

    long zigzag() {
        long v = varint();
        return v >>> 1 ^ -(v & 1);
    }

    Timestamp time() {
        return new Timestamp(zigzag(), nanos());
    }

    int nanos() {
        int v = varint32();
        if (v < 0 || v > 999_999_999) {
            throw corrupt("a time has " + v + " nanoseconds");
        }
        return v;
    }

    byte[] bytes(int n) {
        need(n);
        byte[] b = new byte[n];
        in.get(b);
        return b;
    }

    byte[] blob() {
        return bytes(varint32());
    }

    byte[] rest() {
        return bytes(in.remaining());
    }

    /** A number that counts bytes: never negative. */
    long size() {
        long v = varint();
        if (v < 0) {
            throw corrupt("a size is negative");
        }
        return v;
    }

    BlockRef ref() {
        need(BlockRef.ENCODED_LENGTH);
        try {
            return BlockRef.readFrom(in);
        } catch (IllegalArgumentException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "read", what, "a block ref is out of range; run ppiofs fsck", e);
        }
    }

    /** Nothing may follow. */
    void end() {
        if (in.hasRemaining()) {
            throw corrupt(in.remaining() + " bytes follow the record");
        }
    }

    /** @throws PpiofsException UNSUPPORTED_FORMAT unless the next byte is {@code known} */
    void version(int known) {
        int version = u8();
        if (version != known) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "read",
                    what,
                    "version " + version + " is newer than this ppiofs; upgrade");
        }
    }
}
