/**
 * Paid downloads: a node buys blocks of another ({@link io.ppiofs.node.deals.Buyer}), sells what it hosts ({@link
 * io.ppiofs.node.deals.Seller}), and keeps keys for deals of others ({@link io.ppiofs.node.deals.EscrowDesk}). Each drives a state machine of
 * {@code io.ppiofs.proofs.pod} over conversations of {@code io.ppiofs.overlay.pod}.
 *
 * <p>Promises: bounded deals, bounded memory per deal; leaves go from disk to disk; a seller deals only through verifiers that its
 * configuration names. Deals are in memory: after a restart of the verifier those under way have ended without a proof.
 *
 * <p>Start reading at {@link io.ppiofs.node.deals.DealService}.
 */
@NullMarked
package io.ppiofs.node.deals;

import org.jspecify.annotations.NullMarked;
