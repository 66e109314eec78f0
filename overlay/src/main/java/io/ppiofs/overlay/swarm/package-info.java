/**
 * The real {@link io.ppiofs.overlay.host.Host}: which connections there are, and why.
 *
 * <p>Start at {@link io.ppiofs.overlay.swarm.Swarm}. It dials ({@code Dialer}: ranked addresses, staggered attempts, back-off),
 * accepts (limits per peer and prefix, {@link io.ppiofs.overlay.swarm.ConnectionGate}), keeps ({@code ConnectionTable}: one
 * control connection per peer pair, scored pruning above the high-water mark) and forgets connections, routes inbound
 * streams to handlers, and knows the host's own addresses. {@link io.ppiofs.overlay.swarm.SwarmOptions} holds every limit.
 *
 * <p>Threads: dialling, timers and listeners run on the host's serial scheduler; tables are guarded by short locks so that
 * {@code connections()} and the routing of a stream never wait for it. Nothing here blocks.
 *
 * <p>Cost: routing a stream is one map lookup and a small wrapper; bytes pass through without a copy.
 */
@NullMarked
package io.ppiofs.overlay.swarm;

import org.jspecify.annotations.NullMarked;
