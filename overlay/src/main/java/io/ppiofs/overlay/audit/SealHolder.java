package io.ppiofs.overlay.audit;

/** Seals slots that tenants order to be sealed, and proves them. Windows are asked for by one thread at a time, all else by another; both may block for seconds. */
public interface SealHolder {
    /**
     * Takes an order, or says how far one is that was taken before: asking again changes nothing.
     *
     * @throws io.ppiofs.error.PpiofsException NOT_FOUND if the slot is not here; EXISTS if its group has another inventory here, or a later order holds; INVALID
     *     if its tenant is not the slot's or it is for somebody else; NOT_SUPPORTED if this node does not seal so; BUSY if it has no room for it now
     */
    SealStatus order(SealOrder order);

    /**
     * A proof of replication.
     *
     * @return up to {@link SealServer#MAX_PROOF} bytes
     * @throws io.ppiofs.error.PpiofsException NOT_FOUND if the slot is not sealed under this order; INVALID if the challenge is not its verifier's; BUSY if
     *     it is sealed again; another kind if files cannot be read
     */
    byte[] replication(SealOrder order, SealAsk question);

    /**
     * Leaves of the replica. The first window ends the time of proofs of replication.
     *
     * @param acceptance of this order, by its tenant
     * @return as {@link #replication}
     * @throws io.ppiofs.error.PpiofsException as {@link #replication}; CORRUPT if this replica is damaged, and of nothing else
     */
    byte[] window(SealOrder order, SealAcceptance acceptance, SealAsk question);
}
