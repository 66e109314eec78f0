/**
 * A network of thousands of hosts in one thread: the same protocol code as on sockets, over a virtual clock. Start at
 * {@link io.ppiofs.overlay.sim.SimNetwork}: add hosts, let protocols use them as {@link
 * io.ppiofs.overlay.host.Host}s, run for a virtual time or until a future is done.
 *
 * <p>Everything happens in the thread that runs the network, in an order that the seed alone decides: the same seed gives
 * the same run. Modelled are latency, loss (as delay and reset, like TCP), upload bandwidth, partitions, NATs, crashes,
 * peers that swallow requests; a peer that lies is one with another handler. Not modelled: the bytes of handshakes and
 * multiplexing, congestion, clock skew.
 *
 * <p>Costs: an event takes about 0.3 µs and 60 bytes, a message two events, an open connection about 400 bytes, an idle
 * host about 1 KiB.
 */
@NullMarked
package io.ppiofs.overlay.sim;

import org.jspecify.annotations.NullMarked;
