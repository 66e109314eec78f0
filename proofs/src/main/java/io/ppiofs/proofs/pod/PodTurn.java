package io.ppiofs.proofs.pod;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.time.Duration;

/** Whose turn it is in a deal, and until when. Not thread-safe. */
final class PodTurn<S extends Enum<S>> {
    private S state;
    private long untilMillis;

    PodTurn(S first, long nowMillis, Duration within) {
        next(first, nowMillis, within);
    }

    S state() {
        return state;
    }

    long untilMillis() {
        return untilMillis;
    }

    boolean isOver(long nowMillis) {
        return nowMillis > untilMillis;
    }

    final void next(S following, long nowMillis, Duration within) {
        state = following;
        untilMillis = nowMillis + within.toMillis();
    }

    /** @throws PpiofsException NOT_PERMITTED if another step is due, or it is too late for this one */
    void require(S expected, long nowMillis) {
        if (state != expected) {
            throw refused("it is out of turn: the deal is " + state + ", not " + expected);
        }
        if (isOver(nowMillis)) {
            throw refused("it is too late for it");
        }
    }

    static PpiofsException refused(String detail) {
        return new PpiofsException(ErrorKind.NOT_PERMITTED, "deal", "step", detail);
    }

    static PpiofsException corrupt(String subject, String detail) {
        return new PpiofsException(ErrorKind.CORRUPT, "deal", subject, detail);
    }
}
