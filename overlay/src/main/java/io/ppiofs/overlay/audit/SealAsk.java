package io.ppiofs.overlay.audit;

import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.Arrays;

/**
 * What a tenant asks of a holder about a slot that is to be sealed, or is. Deterministic CBOR map {1: kind, 2: order, 3: acceptance, 4: epoch, 5: signature}.
 * Immutable as long as nobody writes to the arrays, which are not copied.
 *
 * @param order a {@link SealOrder}, the signed bytes
 * @param acceptance a {@link SealAcceptance}, the signed bytes, for a window; else empty
 * @param epoch of the challenge, seconds since 1970; 0 for an order
 * @param signature of the verifier that the order names, {@value #SIGNATURE} bytes; empty for an order
 */
public record SealAsk(Kind kind, byte[] order, byte[] acceptance, long epoch, byte[] signature) {
    /** What is asked for; the ordinal is the number on the wire: append only. */
    public enum Kind {
        /** To seal the slot; how far that is. */
        ORDER,
        /** A proof of replication. */
        REPLICATION,
        /** Leaves of the replica, after the replication was accepted. */
        WINDOW
    }

    private static final int SIGNATURE = 96;

    public SealAsk {
        boolean window = kind == Kind.WINDOW;
        boolean challenges = kind != Kind.ORDER;
        if (order.length < 1
                || order.length > SealOrder.MAX_ENVELOPE
                || (window ? acceptance.length < 1 : acceptance.length != 0)
                || acceptance.length > SealAcceptance.MAX_ENVELOPE
                || epoch < 0
                || (!challenges && epoch != 0)
                || signature.length != (challenges ? SIGNATURE : 0)) {
            throw new IllegalArgumentException("no question about a sealed slot: " + kind);
        }
    }

    public static SealAsk order(SealOrder order) {
        return new SealAsk(Kind.ORDER, order.envelope(), new byte[0], 0, new byte[0]);
    }

    public static SealAsk replication(SealOrder order, long epoch, byte[] signature) {
        return new SealAsk(Kind.REPLICATION, order.envelope(), new byte[0], epoch, signature);
    }

    public static SealAsk window(SealOrder order, SealAcceptance acceptance, long epoch, byte[] signature) {
        return new SealAsk(Kind.WINDOW, order.envelope(), acceptance.envelope(), epoch, signature);
    }

    /** The message. */
    public byte[] encode() {
        return CborEncoder.encode(CborMap.builder()
                .put(1, kind.ordinal())
                .put(2, order)
                .put(3, acceptance)
                .put(4, epoch)
                .put(5, signature)
                .build());
    }

    /** @throws PpiofsException INVALID; NOT_SUPPORTED for a question of a later version */
    public static SealAsk decode(byte[] message) {
        try {
            CborMap fields = CborDecoder.decodeMap(message);
            int kind = (int) fields.uint(1, Integer.MAX_VALUE);
            if (kind >= Kind.values().length) {
                throw new PpiofsException(
                        ErrorKind.NOT_SUPPORTED, "read", "seal", "this version does not know the question");
            }
            fields.requireFields(5);
            return new SealAsk(
                    Kind.values()[kind],
                    fields.bytes(2, 1, SealOrder.MAX_ENVELOPE),
                    fields.bytes(3, 0, SealAcceptance.MAX_ENVELOPE),
                    fields.uint(4, Long.MAX_VALUE),
                    fields.bytes(5, 0, SIGNATURE));
        } catch (MalformedException | IllegalArgumentException e) {
            throw new PpiofsException(ErrorKind.INVALID, "read", "seal", String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof SealAsk other && Arrays.equals(encode(), other.encode());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(encode());
    }
}
