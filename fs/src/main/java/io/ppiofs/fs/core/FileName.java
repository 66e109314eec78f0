package io.ppiofs.fs.core;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One path component as raw bytes (Linux names have no encoding): 1–255 bytes, no slash, no NUL, neither "." nor "..".
 * Checked where it enters the core (the constructor does not throw on length, so that the core answers
 * ENAMETOOLONG). Immutable; the array is shared and must not be changed.
 */
public final class FileName implements Comparable<FileName> {
    /** Longest name, bytes. */
    public static final int MAX_LENGTH = 255;

    private final byte[] bytes;

    private FileName(byte[] bytes) {
        this.bytes = bytes;
    }

    /** @param bytes kept, not copied */
    public static FileName of(byte[] bytes) {
        return new FileName(bytes);
    }

    public static FileName of(String utf8) {
        return new FileName(utf8.getBytes(StandardCharsets.UTF_8));
    }

    /** The bytes themselves; the caller must not change them. */
    public byte[] bytes() {
        return bytes;
    }

    @Override
    public int compareTo(FileName o) {
        return Arrays.compareUnsigned(bytes, o.bytes);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof FileName n && Arrays.equals(bytes, n.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
