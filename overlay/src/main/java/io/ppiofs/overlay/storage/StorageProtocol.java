package io.ppiofs.overlay.storage;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.network.Network;

/**
 * What both sides of {@code /ppiofs/ID/storage/1.0.0} know: one request and one answer to a stream, deterministic CBOR maps.
 * Field 1 of a request is what is asked, of an answer how it went: 0, or a {@link Refusal} with a sentence in field 2.
 */
final class StorageProtocol {
    /** What may be asked; the ordinal is the number on the wire: append only. */
    enum Ask {
        GRANT,
        LEASE,
        REPAIR_LEASE,
        TABLE,
        TABLES,
        HOLDINGS,
        LACKS,
        RELEASE,
        GROUPS,
        PIN_HEAD,
        HEAD,
        ADVERT,
        PROBE,
        SHARED,
        HEADS,
        VOUCH,
        JOURNAL,
        JOURNAL_PAGE,
        WRITER,
        RENEW
    }

    /** Why not; the ordinal plus one is the number on the wire: append only. */
    enum Refusal {
        MALFORMED(ErrorKind.INVALID),
        NO_GRANT(ErrorKind.ACCESS_DENIED),
        QUOTA(ErrorKind.QUOTA_EXCEEDED),
        FULL(ErrorKind.NO_SPACE),
        UNKNOWN(ErrorKind.NOT_FOUND),
        OUTDATED(ErrorKind.EXISTS),
        BUSY(ErrorKind.BUSY),
        NOT_SUPPORTED(ErrorKind.NOT_SUPPORTED),
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
            return switch (kind) {
                case CORRUPT, UNSUPPORTED_FORMAT, RANGE -> MALFORMED;
                case NOT_PERMITTED -> NO_GRANT;
                default -> FAILED;
            };
        }

        PpiofsException on(String operation, String subject, String detail) {
            return new PpiofsException(kind, operation, subject, detail);
        }
    }

    /** Chains of tables and pages of holdings fit; nothing bigger is sent or taken. */
    static final int MAX_MESSAGE = 512 * 1024;

    static final int MAX_TEXT = 400;

    /** Holdings of one answer. */
    static final int PAGE = 4_096;

    /** Groups of one answer; it ends earlier when their tables would not fit. */
    static final int GROUPS_PAGE = 512;

    /** Heads of one answer: with 64 KiB each they fit a message. */
    static final int HEADS_PAGE = 7;

    /** Other holders of a tenant in one answer. */
    static final int CO_HOLDERS = 4_096;

    /** Groups of one request to prolong leases. */
    static final int RENEWED_GROUPS = 16_384;

    private StorageProtocol() {}

    static ProtocolId id(Network network) {
        return network.protocol("storage", "1.0.0");
    }
}
