package io.ppiofs.overlay.audit;

/** Makes proofs from what this node hosts. Called by one thread at a time, which may block. */
@FunctionalInterface
public interface AuditProver {
    /**
     * @return the proof, up to {@link AuditAnswer#MAX_PROOF} bytes
     * @throws io.ppiofs.error.PpiofsException NOT_FOUND if the slot or its inventory is not here; EXISTS if the table is another
     *     one here; CORRUPT if the question is none; IO, or whatever kind, if a challenged block cannot be read
     */
    byte[] prove(AuditAsk question);
}
