/**
 * The audit protocol: a verifier challenges the holder of a slot ({@link io.ppiofs.overlay.audit.AuditAsk}), who answers with a
 * proof of constant size under its own signature ({@link io.ppiofs.overlay.audit.AuditAnswer}). What is proven is for others to
 * know: {@link io.ppiofs.overlay.audit.AuditServer} hands the question to an {@link io.ppiofs.overlay.audit.AuditProver}.
 *
 * <p>The capacity protocol beside it asks a peer what idle space it has, and to prove it: {@link
 * io.ppiofs.overlay.audit.CapacityAsk}, {@link io.ppiofs.overlay.audit.CapacityServer}. By the seal protocol a tenant has a holder seal a slot
 * ({@link io.ppiofs.overlay.audit.SealOrder}), and prove the replica; {@link io.ppiofs.overlay.audit.SealHolder} does.
 *
 * <p>Promises: work for askers is bounded per asker and in all, on one thread of each protocol, two for capacity; an answer that {@link
 * io.ppiofs.overlay.audit.AuditClient} gives out was signed by the peer that was asked, for this very question.
 *
 * <p>Cost: one stream, 13 KiB at most to the holder and 10 KiB back; of idle space 0.4 MB of leaves or some MB of labels. Start reading at {@link io.ppiofs.overlay.audit.AuditAsk}.
 */
@NullMarked
package io.ppiofs.overlay.audit;

import org.jspecify.annotations.NullMarked;
