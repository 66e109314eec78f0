package io.ppiofs.network;

import io.ppiofs.base32.Base32;
import java.util.Arrays;

/** The hash of a network's genesis record; part of every signature domain. Immutable. */
public final class NetworkId {
    public static final int LENGTH = 32;
    /** Of records made where no network has been joined: 32 zero bytes. */
    public static final NetworkId LOCAL = new NetworkId(new byte[LENGTH]);

    private final byte[] bytes;

    private NetworkId(byte[] bytes) {
        this.bytes = bytes;
    }

    /** @param bytes exactly 32 bytes, copied */
    public static NetworkId of(byte[] bytes) {
        if (bytes.length != LENGTH) {
            throw new IllegalArgumentException("NetworkId of " + bytes.length + " bytes, not " + LENGTH);
        }
        return new NetworkId(bytes.clone());
    }

    /** A copy of the 32 bytes. */
    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof NetworkId x && Arrays.equals(bytes, x.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** Lower-case base32, 52 characters. */
    @Override
    public String toString() {
        return Base32.encode(bytes);
    }
}
