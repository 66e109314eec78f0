/**
 * A volume on the swarm: what its node does so that the volume's blocks live on peers, are read from them, and its heads
 * are found by others.
 *
 * <p>{@link io.ppiofs.node.swarm.GroupBook} remembers on disk which block is in which placement group and who holds the
 * group; {@link io.ppiofs.node.swarm.Drainer} brings new blocks to peers in write order; {@link io.ppiofs.node.swarm.Regrouper} writes groups anew whose scheme is not the
 * volume's, such as stripes of a code; {@link
 * io.ppiofs.node.swarm.SwarmBlockStore} reads what is not here from who holds it, {@link io.ppiofs.node.swarm.StripeReader} what is in stripes; {@link io.ppiofs.node.swarm.Publisher}
 * publishes a head once everything that it reaches is on peers; {@link io.ppiofs.node.swarm.Follower} brings new heads to
 * a machine that only reads. With {@code -o sync=swarm} {@link io.ppiofs.node.swarm.CopiedJournal} keeps the journal on peers, and {@link
 * io.ppiofs.node.swarm.LostWriter} finds it there when its writer is gone.
 *
 * <p>Promises: a block counts as placed only after a holder has said that it is on its disk; a published head never
 * reaches a block that is on no peer; what a peer sends is compared with its CID before anybody sees it.
 *
 * <p>Cost: a put adds one hash map entry to the backlog; draining reads a block once from disk and sends
 * it once per copy; a read that misses is one round trip to a holder and one write into the local store.
 *
 * <p>Start reading at {@link io.ppiofs.node.swarm.SwarmVolume}.
 */
@NullMarked
package io.ppiofs.node.swarm;

import org.jspecify.annotations.NullMarked;
