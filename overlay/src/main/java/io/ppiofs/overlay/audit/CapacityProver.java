package io.ppiofs.overlay.audit;

/** Says what idle space this node has, and proves it. Called by two threads at a time, which may block. */
public interface CapacityProver {
    /**
     * What a peer says of its idle space.
     *
     * @param statement up to {@link CapacityClaim#MAX_STATEMENT} bytes; it is signed by the server
     * @param changes since the sequence that was asked for, up to {@link CapacityServer#MAX_PROOF} bytes; empty if not known
     */
    record Said(byte[] statement, byte[] changes) {}

    /** @throws io.ppiofs.error.PpiofsException NOT_FOUND if there is no idle space */
    Said statement(long since);

    /**
     * Answers a challenge, of any kind but {@link CapacityAsk.Kind#STATEMENT}.
     *
     * @return the proof, up to {@link CapacityServer#MAX_PROOF} bytes
     * @throws io.ppiofs.error.PpiofsException NOT_FOUND if there is no idle space; EXISTS if it is another statement now; BUSY; CORRUPT or
     *     another kind if a unit cannot be read
     */
    byte[] prove(CapacityAsk question);
}
