package io.ppiofs.overlay.gossip;

import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * The name of a message: for signed messages the author's peer id followed by the sequence number (specification "pubsub").
 * js-libp2p names by the author's public key instead of the peer id; for the keys that a peer id carries inline, the one
 * is the other without the two bytes of the identity hash, and both are the same name here. Immutable.
 */
public final class MessageId {
    /** Longest id that is understood. */
    public static final int MAX_LENGTH = 256;

    private static final byte[] ED25519_KEY = {0x08, 0x01, 0x12, 0x20};
    private static final int KEY_AND_SEQUENCE = 36 + 8;

    private final byte[] bytes;
    private final int hash;

    private MessageId(byte[] bytes) {
        this.bytes = bytes;
        this.hash = Arrays.hashCode(bytes);
    }

    /** @param bytes not copied, must not change */
    static MessageId of(byte[] bytes) {
        return isKeyForm(bytes) ? new MessageId(withHashPrefix(bytes)) : new MessageId(bytes);
    }

    /** Whether an id on the wire begins with a bare Ed25519 key. */
    static boolean isKeyForm(byte[] wire) {
        return wire.length == KEY_AND_SEQUENCE
                && Arrays.equals(wire, 0, ED25519_KEY.length, ED25519_KEY, 0, ED25519_KEY.length);
    }

    private static byte[] withHashPrefix(byte[] keyForm) {
        byte[] full = new byte[keyForm.length + 2];
        full[1] = 36; // identity hash (0) of 36 bytes
        System.arraycopy(keyForm, 0, full, 2, keyForm.length);
        return full;
    }

    /** The bytes for a peer that writes ids in this form; not to be changed. */
    byte[] wire(boolean keyForm) {
        boolean has = keyForm && bytes.length == KEY_AND_SEQUENCE + 2 && bytes[0] == 0 && bytes[1] == 36;
        return has ? Arrays.copyOfRange(bytes, 2, bytes.length) : bytes;
    }

    /** A copy of the bytes. */
    public byte[] toBytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof MessageId other && hash == other.hash && Arrays.equals(bytes, other.bytes);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    /** Hexadecimal. */
    @Override
    public String toString() {
        return HexFormat.of().formatHex(bytes);
    }
}
