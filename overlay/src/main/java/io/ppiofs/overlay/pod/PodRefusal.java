package io.ppiofs.overlay.pod;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;

/** Why not; the ordinal is the number on the wire: append only. */
enum PodRefusal {
    FAILED(ErrorKind.IO),
    /** A message is none, or is not what was committed to. */
    WRONG(ErrorKind.CORRUPT),
    /** Out of turn, too late, or not with this peer. */
    NOT_PERMITTED(ErrorKind.NOT_PERMITTED),
    /** A block or a deal is not here. */
    UNKNOWN(ErrorKind.NOT_FOUND),
    /** Too many deals; or the deal is not over yet. */
    BUSY(ErrorKind.BUSY),
    /** More than one deal may have. */
    INVALID(ErrorKind.INVALID),
    NOT_SUPPORTED(ErrorKind.NOT_SUPPORTED),
    NO_SPACE(ErrorKind.NO_SPACE),
    /** Somebody else who is needed does not answer. */
    NOT_CONNECTED(ErrorKind.NOT_CONNECTED);

    final ErrorKind kind;

    PodRefusal(ErrorKind kind) {
        this.kind = kind;
    }

    static PodRefusal of(ErrorKind kind) {
        for (PodRefusal refusal : values()) {
            if (refusal.kind == kind) {
                return refusal;
            }
        }
        return FAILED;
    }

    static PpiofsException refused(long number, String peer, String detail) {
        PodRefusal[] all = values();
        PodRefusal refusal = number < all.length ? all[(int) number] : FAILED;
        return new PpiofsException(refusal.kind, "deal with", peer, detail);
    }
}
