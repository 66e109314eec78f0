/**
 * The verifying side of the proofs about sealed sectors, and the proofs' bytes.
 *
 * <p>Promises: depends on hashes, the graph's arithmetic and the given bytes; reads no file, opens no connection, keeps no state
 * between proofs; any bytes give a {@link io.ppiofs.proofs.verify.Verdict}, never another exception; what is read is bounded before it is
 * taken. Costs: one path per opened leaf and 20 compressions per label. Start reading at {@link
 * io.ppiofs.proofs.verify.ReplicationVerifier}.
 */
@NullMarked
package io.ppiofs.proofs.verify;

import org.jspecify.annotations.NullMarked;
