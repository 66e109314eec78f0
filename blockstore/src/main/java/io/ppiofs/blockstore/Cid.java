package io.ppiofs.blockstore;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;

/**
 * The name of a stored block: CIDv1, codec raw (0x55), multihash sha2-256. Text form is multibase base32 lower case
 * ({@code bafkrei…}), 59 characters. Immutable; kept as four words, so comparing costs no array walk.
 */
public final class Cid implements Comparable<Cid> {
    /** Bytes of the digest. */
    public static final int DIGEST_LENGTH = 32;

    /** Bytes of the binary form: version, codec, hash function, hash length, digest. */
    public static final int BINARY_LENGTH = 4 + DIGEST_LENGTH;

    /** Characters of the text form. */
    public static final int TEXT_LENGTH = 59;

    /** Bytes 0x01 (CIDv1), 0x55 (raw), 0x12 (sha2-256), 0x20 (32 bytes); multiformats.io/cid. */
    private static final int PREFIX = 0x01551220;

    private static final String ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

    private final long w0;
    private final long w1;
    private final long w2;
    private final long w3;

    private Cid(long w0, long w1, long w2, long w3) {
        this.w0 = w0;
        this.w1 = w1;
        this.w2 = w2;
        this.w3 = w3;
    }

    /** @param digest exactly 32 bytes, copied */
    public static Cid ofDigest(byte[] digest) {
        if (digest.length != DIGEST_LENGTH) {
            throw new IllegalArgumentException("digest of " + digest.length + " bytes, not " + DIGEST_LENGTH);
        }
        return readDigest(ByteBuffer.wrap(digest));
    }

    /** The digest as four big-endian words. */
    public static Cid ofWords(long w0, long w1, long w2, long w3) {
        return new Cid(w0, w1, w2, w3);
    }

    /** Takes 32 digest bytes from {@code in}, whatever its byte order. */
    public static Cid readDigest(ByteBuffer in) {
        if (in.order() == ByteOrder.BIG_ENDIAN) {
            return new Cid(in.getLong(), in.getLong(), in.getLong(), in.getLong());
        }
        return new Cid(
                Long.reverseBytes(in.getLong()),
                Long.reverseBytes(in.getLong()),
                Long.reverseBytes(in.getLong()),
                Long.reverseBytes(in.getLong()));
    }

    /** The name of the remaining bytes; the position does not move. */
    public static Cid of(ByteBuffer stored) {
        return of(stored, newSha256());
    }

    /** As {@link #of(ByteBuffer)} with the caller's digest (one per thread), which is reset. */
    public static Cid of(ByteBuffer stored, MessageDigest sha256) {
        sha256.reset();
        sha256.update(stored.duplicate());
        return ofDigest(sha256.digest());
    }

    /** The 36-byte binary form. @throws PpiofsException INVALID if it is not such a form */
    public static Cid fromBytes(byte[] binary) {
        ByteBuffer in = ByteBuffer.wrap(binary);
        if (binary.length != BINARY_LENGTH || in.getInt() != PREFIX) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "parse CID", binary.length + " bytes", "not a CIDv1 of codec raw and sha2-256");
        }
        return readDigest(in);
    }

    /** The text form. @throws PpiofsException INVALID if it is not such a form */
    public static Cid parse(String text) {
        if (text.length() != TEXT_LENGTH || text.charAt(0) != 'b') {
            throw notACid(text);
        }
        byte[] out = new byte[BINARY_LENGTH];
        long bits = 0;
        int held = 0;
        int at = 0;
        for (int i = 1; i < TEXT_LENGTH; i++) {
            int digit = ALPHABET.indexOf(text.charAt(i));
            if (digit < 0) {
                throw notACid(text);
            }
            bits = bits << 5 | digit;
            held += 5;
            if (held >= 8) {
                held -= 8;
                out[at++] = (byte) (bits >>> held);
            }
        }
        if ((bits & ((1L << held) - 1)) != 0) {
            throw notACid(text); // another spelling of the same bytes: a name has one spelling
        }
        ByteBuffer in = ByteBuffer.wrap(out);
        if (in.getInt() != PREFIX) {
            throw notACid(text);
        }
        return readDigest(in);
    }

    private static PpiofsException notACid(String text) {
        String shown = text.length() > 80 ? text.substring(0, 80) + "…" : text;
        return new PpiofsException(
                ErrorKind.INVALID, "parse CID", shown, "expected 59 characters of the form bafkrei…");
    }

    private static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** A copy of the 32 digest bytes. */
    public byte[] digest() {
        byte[] digest = new byte[DIGEST_LENGTH];
        writeDigest(ByteBuffer.wrap(digest));
        return digest;
    }

    /** Appends the 32 digest bytes, whatever the byte order of {@code out}. */
    public void writeDigest(ByteBuffer out) {
        boolean big = out.order() == ByteOrder.BIG_ENDIAN;
        out.putLong(big ? w0 : Long.reverseBytes(w0))
                .putLong(big ? w1 : Long.reverseBytes(w1))
                .putLong(big ? w2 : Long.reverseBytes(w2))
                .putLong(big ? w3 : Long.reverseBytes(w3));
    }

    /** Word {@code i} (0…3) of the digest, big-endian: uniform bits for sharding. */
    public long word(int i) {
        return switch (i) {
            case 0 -> w0;
            case 1 -> w1;
            case 2 -> w2;
            case 3 -> w3;
            default -> throw new IndexOutOfBoundsException(i);
        };
    }

    /** The 36-byte binary form. */
    public byte[] toBytes() {
        byte[] out = new byte[BINARY_LENGTH];
        ByteBuffer buffer = ByteBuffer.wrap(out).putInt(PREFIX);
        writeDigest(buffer);
        return out;
    }

    @Override
    public int compareTo(Cid o) {
        int c = Long.compareUnsigned(w0, o.w0);
        if (c == 0) {
            c = Long.compareUnsigned(w1, o.w1);
        }
        if (c == 0) {
            c = Long.compareUnsigned(w2, o.w2);
        }
        return c != 0 ? c : Long.compareUnsigned(w3, o.w3);
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof Cid c && w0 == c.w0 && w1 == c.w1 && w2 == c.w2 && w3 == c.w3;
    }

    @Override
    public int hashCode() {
        return (int) (w0 >>> 32);
    }

    /** The text form, {@code bafkrei…}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(TEXT_LENGTH).append('b');
        long bits = 0;
        int held = 0;
        for (byte b : toBytes()) {
            bits = bits << 8 | (b & 0xff);
            held += 8;
            while (held >= 5) {
                held -= 5;
                text.append(ALPHABET.charAt((int) (bits >>> held) & 31));
            }
        }
        if (held > 0) {
            text.append(ALPHABET.charAt((int) (bits << (5 - held)) & 31));
        }
        return text.toString();
    }
}
