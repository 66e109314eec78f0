package io.ppiofs.overlay.identity;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A peer's name: the multihash of its encoded public key, the identity hash for keys of up to 42 bytes (Ed25519,
 * secp256k1) and SHA-256 for longer ones; libp2p specification "peer-ids". Text is base58btc ({@code 12D3Koo…}, {@code
 * Qm…}); the CIDv1 form in base32 is read, too. Immutable, ordered by bytes.
 */
public final class PeerId implements Comparable<PeerId> {
    /** Longest encoded key that is its own multihash. */
    private static final int MAX_INLINE = 42;

    private static final int IDENTITY = 0x00;
    private static final int SHA2_256 = 0x12;

    /** Longest binary form: function, length, 42 bytes. */
    public static final int MAX_BYTES = 2 + MAX_INLINE;

    private static final String BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
    private static final int LIBP2P_KEY = 0x72;

    private final byte[] multihash;
    private final int hash;

    private PeerId(byte[] multihash) {
        this.multihash = multihash;
        this.hash = Arrays.hashCode(multihash);
    }

    public static PeerId of(PublicKey key) {
        byte[] encoded = key.toBytes();
        boolean inline = encoded.length <= MAX_INLINE;
        byte[] body = inline ? encoded : sha256(encoded);
        byte[] multihash = new byte[2 + body.length];
        multihash[0] = (byte) (inline ? IDENTITY : SHA2_256);
        multihash[1] = (byte) body.length;
        System.arraycopy(body, 0, multihash, 2, body.length);
        return new PeerId(multihash);
    }

    /** @param multihash the binary form, copied @throws PpiofsException CORRUPT if it is none */
    public static PeerId fromBytes(byte[] multihash) {
        if (!wellFormed(multihash)) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "read peer id",
                    multihash.length + " bytes",
                    "not the multihash of a public key");
        }
        return new PeerId(multihash.clone());
    }

    /** Reads base58btc or the CIDv1 text. @throws PpiofsException INVALID if it is neither */
    public static PeerId parse(String text) {
        byte[] bytes =
                text.startsWith("1") || text.startsWith("Qm") ? Base58.decode(text, MAX_BYTES) : cidPayload(text);
        if (!wellFormed(bytes)) {
            throw malformed(text);
        }
        return new PeerId(bytes);
    }

    private static boolean wellFormed(byte[] bytes) {
        if (bytes.length < 2 || bytes.length > MAX_BYTES || bytes.length != 2 + bytes[1]) {
            return false;
        }
        return bytes[0] == IDENTITY ? bytes.length > 2 : bytes[0] == SHA2_256 && bytes.length == 34;
    }

    private static byte[] cidPayload(String text) {
        if (text.length() < 2 || text.length() > 2 * MAX_BYTES) {
            throw malformed(text);
        }
        if (text.charAt(0) == 'z') {
            return strip(Base58.decode(text.substring(1), MAX_BYTES + 2), text);
        }
        if (text.charAt(0) != 'b') {
            throw malformed(text);
        }
        byte[] out = new byte[(text.length() - 1) * 5 / 8];
        int bits = 0;
        int held = 0;
        int at = 0;
        for (int i = 1; i < text.length(); i++) {
            int digit = BASE32.indexOf(text.charAt(i));
            if (digit < 0) {
                throw malformed(text);
            }
            bits = (bits << 5 | digit) & 0xfff;
            held += 5;
            if (held >= 8) {
                held -= 8;
                out[at++] = (byte) (bits >>> held);
            }
        }
        return strip(out, text);
    }

    private static byte[] strip(byte[] cid, String text) {
        if (cid.length < 4 || cid[0] != 1 || cid[1] != LIBP2P_KEY) {
            throw malformed(text);
        }
        return Arrays.copyOfRange(cid, 2, cid.length);
    }

    private static PpiofsException malformed(String text) {
        String shown = text.length() > 80 ? text.substring(0, 80) + "…" : text;
        return new PpiofsException(ErrorKind.INVALID, "parse peer id", shown, "expected a text of the form 12D3Koo…");
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** A copy of the binary form. */
    public byte[] toBytes() {
        return multihash.clone();
    }

    /** The key, if the id carries it (Ed25519 and secp256k1), else null. */
    public @Nullable PublicKey inlineKey() {
        if (multihash[0] != IDENTITY) {
            return null;
        }
        PublicKey key = PublicKey.parse(Arrays.copyOfRange(multihash, 2, multihash.length));
        return of(key).equals(this) ? key : null;
    }

    /** Whether this is the name of {@code key}. */
    public boolean names(PublicKey key) {
        return of(key).equals(this);
    }

    @Override
    public int compareTo(PeerId o) {
        return Arrays.compareUnsigned(multihash, o.multihash);
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof PeerId other && hash == other.hash && Arrays.equals(multihash, other.multihash);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    /** Base58btc. */
    @Override
    public String toString() {
        return Base58.encode(multihash);
    }
}
