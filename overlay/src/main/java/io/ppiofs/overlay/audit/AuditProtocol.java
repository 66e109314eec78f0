package io.ppiofs.overlay.audit;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.network.Network;

/**
 * What both sides of {@code /ppiofs/ID/audit/1.0.0} know: one question and one answer to a stream. An answer is a deterministic CBOR map
 * {1: 0, 2: envelope}, or {1: a {@link Refusal}, 2: a sentence}.
 */
final class AuditProtocol {
    /** Why not; the ordinal plus one is the number on the wire: append only. */
    enum Refusal {
        /** The question is none, or not genuine. */
        MALFORMED(ErrorKind.INVALID),
        /** The slot is not leased here, or the group's inventory is not here. */
        UNKNOWN(ErrorKind.NOT_FOUND),
        /** The group has another inventory here than the verifier knows. */
        OUTDATED(ErrorKind.EXISTS),
        /** Too many questions. */
        BUSY(ErrorKind.BUSY),
        NOT_SUPPORTED(ErrorKind.NOT_SUPPORTED),
        /** A challenged block is missing or damaged: the holder says so itself. */
        LOST(ErrorKind.CORRUPT),
        FAILED(ErrorKind.IO);

        final ErrorKind kind;

        Refusal(ErrorKind kind) {
            this.kind = kind;
        }

        static Refusal of(ErrorKind kind) {
            for (Refusal refusal : values()) {
                if (refusal.kind == kind) {
                    return refusal;
                }
            }
            return FAILED;
        }

        PpiofsException on(String subject, String detail) {
            return new PpiofsException(kind, "audit", subject, detail);
        }
    }

    static final int MAX_TEXT = 400;

    /** A question with a tag key, an answer in its envelope. */
    static final int MAX_MESSAGE = 32 << 10;

    private AuditProtocol() {}

    static ProtocolId id(Network network) {
        return network.protocol("audit", "1.0.0");
    }
}
