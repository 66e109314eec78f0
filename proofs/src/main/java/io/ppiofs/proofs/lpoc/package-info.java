/**
 * Proofs of idle capacity, the verifier's side: space that nobody uses is filled with units, each a sealed sector of zeros that
 * is bound to the peer and the unit's number; a ledger commits to all of them; random leaves of random units are opened, and
 * changes of the ledger are shown one by one.
 *
 * <p>Promises: depends on hashes, the graph's arithmetic and the given bytes; a verifier keeps a root and a count, whatever
 * the number of units; any bytes give a {@link io.ppiofs.proofs.verify.Verdict}, never another exception; what is read is bounded before it
 * is taken. Costs: 32 hashes and the leaf's path per opened leaf. Start reading at {@link io.ppiofs.proofs.lpoc.CapacityVerifier}; files are
 * {@link io.ppiofs.proofs.lpoc.store.IdleSpace}'s.
 */
@NullMarked
package io.ppiofs.proofs.lpoc;

import org.jspecify.annotations.NullMarked;
