/**
 * What protocols stand on: a {@link io.ppiofs.overlay.host.Host} opens and accepts {@link
 * io.ppiofs.overlay.host.Stream}s over {@link io.ppiofs.overlay.host.Connection}s, and gives them a clock. The real host
 * is the swarm (sockets, Netty); the simulated one of the test fixtures runs thousands of nodes on a virtual clock. DHT,
 * gossip and all other protocols see only this package, so the same code runs on both.
 *
 * <p>Threads: each connection has one event loop; callbacks of its streams come on that loop, one at a time, and must not
 * block. A protocol that keeps state across streams keeps it on {@link io.ppiofs.overlay.host.Scheduler}, the host's
 * serial executor, and hops there. Methods of Host, Connection and Stream may be called from any thread.
 *
 * <p>Memory: who hands a ByteBuf to {@code write} gives it away; who gets one in a callback must release it.
 */
@NullMarked
package io.ppiofs.overlay.host;

import org.jspecify.annotations.NullMarked;
