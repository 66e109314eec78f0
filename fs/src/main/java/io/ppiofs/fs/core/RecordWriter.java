package io.ppiofs.fs.core;

import java.util.Arrays;

/** Builds one record in a growing array: fixed-width big-endian numbers, unsigned LEB128 varints, zigzag for signed. */
final class RecordWriter {
    private byte[] buffer;
    private int length;

    RecordWriter(int capacity) {
        buffer = new byte[capacity];
    }

    private void room(int n) {
        if (buffer.length - length < n) {
            buffer = Arrays.copyOf(buffer, Math.max(buffer.length * 2, length + n));
        }
    }

    RecordWriter u8(int v) {
        room(1);
        buffer[length++] = (byte) v;
        return this;
    }

    RecordWriter i64(long v) {
        room(8);
        putLong(buffer, length, v);
        length += 8;
        return this;
    }

    RecordWriter varint(long v) {
        room(10);
        while ((v & ~0x7fL) != 0) {
            buffer[length++] = (byte) (v | 0x80);
            v >>>= 7;
        }
        buffer[length++] = (byte) v;
        return this;
    }

    RecordWriter zigzag(long v) {
        return varint(v << 1 ^ v >> 63);
    }

    RecordWriter bytes(byte[] b) {
        return bytes(b, 0, b.length);
    }

    RecordWriter bytes(byte[] b, int offset, int n) {
        room(n);
        System.arraycopy(b, offset, buffer, length, n);
        length += n;
        return this;
    }

    /** Length as varint, then the bytes. */
    RecordWriter blob(byte[] b) {
        return varint(b.length).bytes(b);
    }

    int length() {
        return length;
    }

    /** The buffer itself, valid up to {@link #length()}. */
    byte[] buffer() {
        return buffer;
    }

    byte[] toBytes() {
        return Arrays.copyOf(buffer, length);
    }

    static void putLong(byte[] b, int at, long v) {
        for (int i = 0; i < 8; i++) {
            b[at + i] = (byte) (v >>> 56 - 8 * i);
        }
    }

    static long getLong(byte[] b, int at) {
        long v = 0;
        for (int i = 0; i < 8; i++) {
            v = v << 8 | b[at + i] & 0xff;
        }
        return v;
    }
}
