/**
 * Proofs of space-time: {@link io.ppiofs.proofs.post.ProvingSchedule} says when which sector has to prove, {@link
 * io.ppiofs.proofs.post.SpaceTimeProver} opens the leaves, {@link io.ppiofs.proofs.post.SpaceTimeLedger} is the verifier's account
 * of who has proven, who is faulty, and who recovers.
 *
 * <p>Promises: all times are epochs that the caller counts, there is no clock in here; a sector that is not proven when its
 * deadline closes is faulty, whatever the reason; nobody becomes whole again but by a proof after a declared recovery. Costs: ten leaves per
 * sector and period. Start reading at {@link io.ppiofs.proofs.post.ProvingSchedule}.
 */
@NullMarked
package io.ppiofs.proofs.post;

import org.jspecify.annotations.NullMarked;
