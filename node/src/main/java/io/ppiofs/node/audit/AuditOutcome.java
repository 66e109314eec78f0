package io.ppiofs.node.audit;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.audit.AuditAnswer;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What came of one challenge.
 *
 * @param holder who was asked
 * @param units how many were challenged
 * @param took from question to answer; zero if none came
 * @param deadline what the answer had
 * @param reason half a sentence; empty for one that passed
 * @param answer null if there is none to show
 * @param sigma the combined tags of a public audit; empty in the private form
 */
public record AuditOutcome(
        Result result,
        PeerId holder,
        AuditAsk question,
        int units,
        Duration took,
        Duration deadline,
        String reason,
        @Nullable AuditAnswer answer,
        byte[] sigma) {
    /** How an audit ends. */
    public enum Result {
        /** Every challenged unit was there, in time. */
        PASS,
        /** The holder gave a wrong proof, or said itself that it lacks what it was asked for. */
        FAIL,
        /** No answer, a late one, or one that accuses nobody. */
        SUSPECT;

        /** What it means that no proof came. */
        static Result of(PpiofsException failure) {
            return switch (failure.kind()) {
                case CORRUPT, NOT_FOUND, INVALID -> FAIL;
                // away, busy, ending, of another version, or it has heard of a newer table
                default -> SUSPECT;
            };
        }
    }
}
