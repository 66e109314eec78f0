/**
 * What an audit over the network is about, in bytes that every party derives for itself: the statement ({@link
 * io.ppiofs.proofs.audit.AuditStatement}: which slot, in which epoch, how many units), the challenge ({@link
 * io.ppiofs.proofs.audit.AuditChallenge}: the verifier's BLS signature over it, whose hash chooses units and coefficients) and
 * the order of a slot's units ({@link io.ppiofs.proofs.audit.SlotUnits}).
 *
 * <p>Promises: of one statement and verifier there is one signature, so neither a verifier can choose a challenge that suits
 * somebody nor a prover foresee it; everybody can check it with the verifier's public key. Nothing here reads a file or the
 * network. The arithmetic of answers is in {@link io.ppiofs.proofs.podr2}. Cost: one signature, some 0.3 ms, or its check, 1 ms.
 *
 * <p>Start reading at {@link io.ppiofs.proofs.audit.AuditChallenge}.
 */
@NullMarked
package io.ppiofs.proofs.audit;

import org.jspecify.annotations.NullMarked;
