package io.ppiofs.node.audit;

import io.ppiofs.overlay.audit.AuditAnswer;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.placement.GroupId;

/** Hears what other verifiers say of audits that failed. Does not wait; thread-safe. */
public interface FailureListener {
    /**
     * A holder gave somebody else an answer that he says is wrong.
     *
     * @param question in the public form; its tag key does not matter
     */
    void hear(AuditAsk question, AuditAnswer answer);

    /** Somebody says something of a slot that he cannot show. */
    void hear(GroupId group, int slot);
}
