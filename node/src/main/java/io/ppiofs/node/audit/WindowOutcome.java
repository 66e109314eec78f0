package io.ppiofs.node.audit;

import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;

/**
 * What came of one window: the challenge of a sealed slot.
 *
 * @param holder who was asked
 * @param leaves how many were challenged
 * @param took from question to answer; zero if none came
 * @param deadline what the answer had
 * @param timed whether who keeps half of the replica or less could not have made it again within the deadline
 * @param evades whether the holder was reached, and gave no answer or a late one
 * @param admitted whether the holder said itself that the replica is damaged or gone
 * @param reason half a sentence; empty for one that passed
 */
public record WindowOutcome(
        AuditOutcome.Result result,
        PeerId holder,
        long epoch,
        int leaves,
        Duration took,
        Duration deadline,
        boolean timed,
        boolean evades,
        boolean admitted,
        String reason) {}
