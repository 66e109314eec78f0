/**
 * Is the peer there, and how far: {@code /ipfs/ping/1.0.0} (libp2p specification "ping").
 *
 * <p>Start at {@link io.ppiofs.overlay.ping.Ping}, which answers others and measures. {@link
 * io.ppiofs.overlay.ping.KeepAlive} finds dead connections with it. A ping costs one stream and 64 bytes; state is on the
 * host's scheduler; an echo is sent on the connection's loop.
 */
@NullMarked
package io.ppiofs.overlay.ping;

import org.jspecify.annotations.NullMarked;
