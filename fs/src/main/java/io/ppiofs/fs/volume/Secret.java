package io.ppiofs.fs.volume;

import java.security.MessageDigest;
import java.security.SecureRandom;

/** 32 secret bytes. {@link #toString} never shows them, {@link #equals} takes the same time for all. Immutable. */
public final class Secret {
    public static final int LENGTH = 32;

    private final byte[] bytes;

    private Secret(byte[] bytes) {
        this.bytes = bytes;
    }

    /** @param bytes exactly 32 bytes, copied */
    public static Secret of(byte[] bytes) {
        if (bytes.length != LENGTH) {
            throw new IllegalArgumentException("secret of " + bytes.length + " bytes, not " + LENGTH);
        }
        return new Secret(bytes.clone());
    }

    public static Secret random(SecureRandom random) {
        byte[] bytes = new byte[LENGTH];
        random.nextBytes(bytes);
        return new Secret(bytes);
    }

    /** A copy of the 32 bytes. */
    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Secret s && MessageDigest.isEqual(bytes, s.bytes);
    }

    /** Constant: a hash of a secret is not to leak into logs by accident, and no map is keyed by secrets. */
    @Override
    public int hashCode() {
        return LENGTH;
    }

    @Override
    public String toString() {
        return "Secret[hidden]";
    }
}
