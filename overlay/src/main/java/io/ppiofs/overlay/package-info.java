/**
 * The network room: libp2p on Netty. {@link io.ppiofs.overlay.OverlayNode} is a whole node, wired from one {@link
 * io.ppiofs.overlay.OverlayOptions}; protocols stand on {@link io.ppiofs.overlay.host.Host} alone, so that the same code
 * runs on sockets and in the simulated network. {@code docs/design.md} section 5 says why, {@code docs/protocol.md} what is
 * on the wire.
 *
 * <p>It needs nothing of ppiofs but {@code blockstore}'s names and errors, and may be used on its own.
 */
@NullMarked
package io.ppiofs.overlay;

import org.jspecify.annotations.NullMarked;
