/**
 * Meeting through somebody else's DHT: a network whose nodes cannot reach a bootstrap peer of their own finds its members
 * through provider records of the public DHT {@code /ipfs/kad/1.0.0}. Off unless it is made and started.
 *
 * <p>Promises: takes part as a client only (serves nothing, stores no value); tells the public the key of the network and this
 * node's addresses, nothing else. Costs two lookups per period. Start with {@link
 * io.ppiofs.overlay.rendezvous.PublicRendezvous}.
 */
@NullMarked
package io.ppiofs.overlay.rendezvous;

import org.jspecify.annotations.NullMarked;
