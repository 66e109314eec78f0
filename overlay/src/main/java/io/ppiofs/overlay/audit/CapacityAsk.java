package io.ppiofs.overlay.audit;

import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.Arrays;

/**
 * What somebody asks of a peer's idle space. Deterministic CBOR map {1: kind, 2: sequence, 3: digest, 4: seed, 5: leaves}. Immutable as long as nobody
 * writes to the arrays, which are not copied.
 *
 * @param sequence of a statement: which changes since are asked for; 0 otherwise
 * @param digest 32 bytes, of the statement that a challenge is about; empty if the statement is asked for
 * @param seed 32 bytes of a challenge; empty if the statement is asked for
 * @param leaves to be opened, 1 to {@value #MAX_LEAVES}; 0 for other kinds
 */
public record CapacityAsk(Kind kind, long sequence, byte[] digest, byte[] seed, int leaves) {
    /** What is asked for; the ordinal is the number on the wire: append only. */
    public enum Kind {
        /** The newest signed statement, and what changed since the one of the sequence. */
        STATEMENT,
        /** Leaves of units. */
        SPACE,
        /** That a unit was labelled right; may take minutes. */
        LABELS
    }

    /** Most leaves of one challenge. */
    public static final int MAX_LEAVES = 512;

    private static final int HASH = 32;

    public CapacityAsk {
        boolean challenges = kind != Kind.STATEMENT;
        if (sequence < 0
                || digest.length != (challenges ? HASH : 0)
                || seed.length != (challenges ? HASH : 0)
                || (kind == Kind.SPACE ? leaves < 1 || leaves > MAX_LEAVES : leaves != 0)) {
            throw new IllegalArgumentException("no question of capacity: " + kind + ", " + leaves + " leaves");
        }
    }

    /** @param since a sequence that is known, 0 if none is */
    public static CapacityAsk statement(long since) {
        return new CapacityAsk(Kind.STATEMENT, since, new byte[0], new byte[0], 0);
    }

    public static CapacityAsk space(byte[] digest, byte[] seed, int leaves) {
        return new CapacityAsk(Kind.SPACE, 0, digest, seed, leaves);
    }

    public static CapacityAsk labels(byte[] digest, byte[] seed) {
        return new CapacityAsk(Kind.LABELS, 0, digest, seed, 0);
    }

    /** The message. */
    public byte[] encode() {
        return CborEncoder.encode(CborMap.builder()
                .put(1, kind.ordinal())
                .put(2, sequence)
                .put(3, digest)
                .put(4, seed)
                .put(5, leaves)
                .build());
    }

    /** @throws PpiofsException INVALID; NOT_SUPPORTED for a question of a later version */
    public static CapacityAsk decode(byte[] message) {
        try {
            CborMap fields = CborDecoder.decodeMap(message);
            int kind = (int) fields.uint(1, Integer.MAX_VALUE);
            if (kind >= Kind.values().length) {
                throw new PpiofsException(
                        ErrorKind.NOT_SUPPORTED, "read", "capacity", "this version does not know the question");
            }
            fields.requireFields(5);
            return new CapacityAsk(
                    Kind.values()[kind],
                    fields.uint(2, Long.MAX_VALUE),
                    fields.bytes(3, 0, HASH),
                    fields.bytes(4, 0, HASH),
                    (int) fields.uint(5, MAX_LEAVES));
        } catch (MalformedException | IllegalArgumentException e) {
            throw new PpiofsException(ErrorKind.INVALID, "read", "capacity", String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof CapacityAsk other && Arrays.equals(encode(), other.encode());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(encode());
    }
}
