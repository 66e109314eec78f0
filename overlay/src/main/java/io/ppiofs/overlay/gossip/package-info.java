/**
 * Publish and subscribe: gossipsub 1.1 (specifications "pubsub", "gossipsub" 1.0 and 1.1), with 1.2's IDONTWANT towards
 * peers that speak it; floodsub peers are served, too.
 *
 * <p>Start at {@link io.ppiofs.overlay.gossip.Gossip}. {@code Mesh} keeps the few peers per topic that get everything,
 * {@code LazyGossip} tells the others by IHAVE, {@code PeerScores} judges (P1 to P7), {@code PeerLink} and {@code Outbox}
 * write to one peer within a bound, {@code RpcCodec} is the wire. All state lives on the host's scheduler; the same code
 * runs on sockets and on the simulated network.
 *
 * <p>Promises: a message is given to the application at most once while its id is remembered (two minutes at least, the last
 * 65,536 in any case) and only after its signature and the topic's validator; memory per peer is bounded; what breaks the
 * rules costs its sender score, and below a threshold all it says is ignored. Costs per message and node: one signature
 * check (about 100 µs), one hash look-up for each further copy, one encoding shared by all copies sent on; about mesh size / 2
 * copies sent. A heartbeat walks peers and topics once a second.
 */
@NullMarked
package io.ppiofs.overlay.gossip;

import org.jspecify.annotations.NullMarked;
