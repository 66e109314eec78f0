package io.ppiofs.blockstore;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The AES-256 key of one block. {@link #toString} never shows it. Immutable. */
public final class BlockKey {
    public static final int LENGTH = 32;

    private final byte[] bytes;

    private BlockKey(byte[] bytes) {
        this.bytes = bytes;
    }

    /** @param bytes exactly 32 bytes, copied */
    public static BlockKey of(byte[] bytes) {
        if (bytes.length != LENGTH) {
            throw new IllegalArgumentException("key of " + bytes.length + " bytes, not " + LENGTH);
        }
        return new BlockKey(bytes.clone());
    }

    /** A copy of the 32 bytes. */
    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof BlockKey k && Arrays.equals(bytes, k.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return "BlockKey[hidden]";
    }
}
