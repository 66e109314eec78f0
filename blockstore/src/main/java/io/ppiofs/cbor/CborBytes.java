package io.ppiofs.cbor;

import java.util.Arrays;

/** A byte string (major type 2). Immutable: copies in and out. */
public final class CborBytes implements Cbor {
    private final byte[] value;

    private CborBytes(byte[] value) {
        this.value = value;
    }

    /** @param value copied */
    public static CborBytes of(byte[] value) {
        return new CborBytes(value.clone());
    }

    /** A copy of the bytes. */
    public byte[] value() {
        return value.clone();
    }

    public int length() {
        return value.length;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof CborBytes b && Arrays.equals(value, b.value);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(value);
    }

    /** Only the length: records carry keys. */
    @Override
    public String toString() {
        return "CborBytes[" + value.length + " bytes]";
    }
}
