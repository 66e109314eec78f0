/**
 * Proof of replication, the proving side: {@link io.ppiofs.proofs.porep.Sealer} turns a payload into a replica that is bound to
 * peer, sector number and copy index, {@link io.ppiofs.proofs.porep.ReplicationProver} opens what {@link
 * io.ppiofs.proofs.verify.ReplicationVerifier} asks for.
 *
 * <p>Promises: sealing goes on after a crash where the last whole file was; unsealing gives the payload bit for bit or fails;
 * no file has its name before it is on the disk. Costs: labels, layers × sector bytes / 32 of them, and four passes over
 * the sector. Start reading at {@link io.ppiofs.proofs.porep.Sealer}.
 */
@NullMarked
package io.ppiofs.proofs.porep;

import org.jspecify.annotations.NullMarked;
