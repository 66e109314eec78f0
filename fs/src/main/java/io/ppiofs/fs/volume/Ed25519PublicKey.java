package io.ppiofs.fs.volume;

import io.ppiofs.base32.Base32;
import java.util.Arrays;
import org.bouncycastle.math.ec.rfc8032.Ed25519;

/** An Ed25519 public key (RFC 8032), 32 bytes. Immutable. */
public final class Ed25519PublicKey {
    public static final int LENGTH = 32;
    /** Bytes of a signature. */
    public static final int SIGNATURE_LENGTH = 64;

    private final byte[] bytes;

    private Ed25519PublicKey(byte[] bytes) {
        this.bytes = bytes;
    }

    /** @param bytes exactly 32 bytes, copied */
    public static Ed25519PublicKey of(byte[] bytes) {
        if (bytes.length != LENGTH) {
            throw new IllegalArgumentException("Ed25519PublicKey of " + bytes.length + " bytes, not " + LENGTH);
        }
        return new Ed25519PublicKey(bytes.clone());
    }

    /**
     * True if {@code signature} was made over {@code message} with the private half. Refuses keys that are no full
     * point of the curve and signatures whose S is not reduced. 0.1 ms once warm.
     */
    public boolean verify(byte[] message, byte[] signature) {
        return signature.length == SIGNATURE_LENGTH
                && Ed25519.validatePublicKeyFull(bytes, 0)
                && Ed25519.verify(signature, 0, bytes, 0, message, 0, message.length);
    }

    /** A copy of the 32 bytes. */
    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Ed25519PublicKey x && Arrays.equals(bytes, x.bytes);
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
