package io.ppiofs.overlay.placement;

import com.google.common.hash.Hashing;
import io.ppiofs.base32.Base32;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;

/** The name of a placement group: 16 random bytes, chosen by the volume's writer. Immutable. */
public final class GroupId implements Comparable<GroupId> {
    public static final int LENGTH = 16;

    private final byte[] bytes;

    private GroupId(byte[] bytes) {
        this.bytes = bytes;
    }

    /** @param bytes exactly 16 bytes, copied */
    public static GroupId of(byte[] bytes) {
        if (bytes.length != LENGTH) {
            throw new IllegalArgumentException("GroupId of " + bytes.length + " bytes, not " + LENGTH);
        }
        return new GroupId(bytes.clone());
    }

    public static GroupId random(SecureRandom random) {
        byte[] bytes = new byte[LENGTH];
        random.nextBytes(bytes);
        return new GroupId(bytes);
    }

    /**
     * Of a group that keeps manifests and nothing else: the second half follows from the first, so that who learns the group
     * from its holders alone does not take it for one of blocks.
     */
    public static GroupId forManifests(SecureRandom random) {
        byte[] bytes = random(random).bytes;
        System.arraycopy(mark(bytes), 0, bytes, LENGTH / 2, LENGTH / 2);
        return new GroupId(bytes);
    }

    /** Whether {@link #forManifests} made it; one in 2^64 others looks the same. */
    public boolean isForManifests() {
        return Arrays.equals(mark(bytes), 0, LENGTH / 2, bytes, LENGTH / 2, LENGTH);
    }

    private static byte[] mark(byte[] bytes) {
        return Hashing.sha256()
                .newHasher()
                .putString("ppiofs group of manifests", StandardCharsets.US_ASCII)
                .putBytes(bytes, 0, LENGTH / 2)
                .hash()
                .asBytes();
    }

    /** A copy of the 16 bytes. */
    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public int compareTo(GroupId o) {
        return Arrays.compareUnsigned(bytes, o.bytes);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof GroupId x && Arrays.equals(bytes, x.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** Lower-case base32, 26 characters. */
    @Override
    public String toString() {
        return Base32.encode(bytes);
    }
}
