package io.ppiofs.blockstore;

import java.util.Arrays;

/**
 * The name of a stored block: CIDv1, codec raw (0x55), multihash sha2-256. Text form is multibase base32 lower case
 * ({@code bafkrei…}), 59 characters. Immutable.
 */
public final class Cid implements Comparable<Cid> {
    /** Bytes of the digest. */
    public static final int DIGEST_LENGTH = 32;

    private final byte[] digest;

    private Cid(byte[] digest) {
        this.digest = digest;
    }

    /** @param digest exactly 32 bytes, copied */
    public static Cid ofDigest(byte[] digest) {
        if (digest.length != DIGEST_LENGTH) {
            throw new IllegalArgumentException("digest of " + digest.length + " bytes, not " + DIGEST_LENGTH);
        }
        return new Cid(digest.clone());
    }

    /** A copy of the 32 digest bytes. */
    public byte[] digest() {
        return digest.clone();
    }

    @Override
    public int compareTo(Cid o) {
        return Arrays.compareUnsigned(digest, o.digest);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Cid c && Arrays.equals(digest, c.digest);
    }

    @Override
    public int hashCode() {
        return (digest[0] & 0xff) << 24 | (digest[1] & 0xff) << 16 | (digest[2] & 0xff) << 8 | (digest[3] & 0xff);
    }
}
