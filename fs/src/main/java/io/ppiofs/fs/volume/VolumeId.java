package io.ppiofs.fs.volume;

import io.ppiofs.base32.Base32;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The name of a volume: a hash of its owner's public key, so that no one else can sign for it. Immutable. */
public final class VolumeId {
    public static final int LENGTH = 32;
    private static final byte[] LABEL = "ppiofs/1/volume-id".getBytes(StandardCharsets.UTF_8);

    private final byte[] bytes;

    private VolumeId(byte[] bytes) {
        this.bytes = bytes;
    }

    /** @param bytes exactly 32 bytes, copied */
    public static VolumeId of(byte[] bytes) {
        if (bytes.length != LENGTH) {
            throw new IllegalArgumentException("VolumeId of " + bytes.length + " bytes, not " + LENGTH);
        }
        return new VolumeId(bytes.clone());
    }

    /** SHA-256(label ‖ public key). */
    public static VolumeId ofOwner(Ed25519PublicKey owner) {
        return new VolumeId(KeyDerivation.sha256(LABEL, owner.bytes()));
    }

    /** @throws PpiofsException INVALID unless the text is what {@link #toString} gives */
    public static VolumeId parse(String text) {
        try {
            byte[] bytes = Base32.decode(text);
            if (bytes.length == LENGTH) {
                return new VolumeId(bytes);
            }
        } catch (MalformedException e) {
            throw new PpiofsException(ErrorKind.INVALID, "read volume id", text, "this is no volume id", e);
        }
        throw new PpiofsException(ErrorKind.INVALID, "read volume id", text, "this is no volume id");
    }

    /** A copy of the 32 bytes. */
    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof VolumeId x && Arrays.equals(bytes, x.bytes);
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
