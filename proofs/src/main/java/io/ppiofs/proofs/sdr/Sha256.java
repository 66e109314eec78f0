package io.ppiofs.proofs.sdr;

import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * SHA-256 without an allocation per digest. The JDK's own is used on purpose: on short messages it is faster than a
 * provider behind JNI. Reusable, not thread-safe.
 */
public final class Sha256 {
    /** Bytes of a digest. */
    public static final int BYTES = 32;

    private final MessageDigest digest;

    public Sha256() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    public Sha256 update(byte[] bytes) {
        digest.update(bytes);
        return this;
    }

    public Sha256 update(byte[] bytes, int offset, int length) {
        digest.update(bytes, offset, length);
        return this;
    }

    public Sha256 update(byte b) {
        digest.update(b);
        return this;
    }

    /** Four bytes, big-endian. */
    public Sha256 updateInt(int value) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            digest.update((byte) (value >>> shift));
        }
        return this;
    }

    /** Eight bytes, big-endian. */
    public Sha256 updateLong(long value) {
        return updateInt((int) (value >>> 32)).updateInt((int) value);
    }

    /** The digest of what was given since the last one. */
    public byte[] digest() {
        return digest.digest();
    }

    /** As {@link #digest()}, into 32 bytes of {@code out} from {@code offset}. */
    public void digest(byte[] out, int offset) {
        try {
            digest.digest(out, offset, BYTES);
        } catch (DigestException e) {
            throw new IllegalArgumentException("32 bytes must fit at " + offset + " of " + out.length, e);
        }
    }

    /** One message of 32-byte-aligned or any other length, in one call. */
    public void digest(byte[] message, int from, int length, byte[] out, int offset) {
        digest.update(message, from, length);
        digest(out, offset);
    }
}
