/**
 * Audits of unsealed blocks by homomorphic tags: one answer of constant size covers any number of challenged units, and the verifier
 * needs no data.
 *
 * <p>The public form ({@link io.ppiofs.proofs.podr2.TagKey}, {@link io.ppiofs.proofs.podr2.PublicProver}, {@link
 * io.ppiofs.proofs.podr2.PublicVerifier}) commits to each unit of 8 KiB as a polynomial over BLS12-381 (J. Yuan, S. Yu, "Proofs of
 * Retrievability with Public Verifiability and Constant Communication Cost in Cloud", 2013): tags of 48 bytes, answers of 128,
 * anyone verifies. The private form ({@link io.ppiofs.proofs.podr2.MacKey}) is a linear MAC (H. Shacham, B. Waters, "Compact Proofs of
 * Retrievability", 2008) for owners who audit themselves. Promises: a tag binds content id and unit; whoever holds no key
 * cannot make a tag; who holds the key can, so it must not be the storing peer. Costs: about 0.3 ms to tag a unit
 * publicly, some µs privately. Start reading at {@link io.ppiofs.proofs.podr2.TagKey}.
 */
@NullMarked
package io.ppiofs.proofs.podr2;

import org.jspecify.annotations.NullMarked;
