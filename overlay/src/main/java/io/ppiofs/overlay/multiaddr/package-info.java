/**
 * Self-describing network addresses: {@code /ip4/192.0.2.7/tcp/4001/p2p/12D3Koo…} and its binary form (specification
 * "multiaddr" and the multicodec table).
 *
 * <p>Start at {@link io.ppiofs.overlay.multiaddr.Multiaddr}. Values are immutable. Text or bytes with a protocol that this
 * version does not know, or longer than 1 KiB, are not addresses: {@code read} gives nothing, {@code parse} says why.
 */
@NullMarked
package io.ppiofs.overlay.multiaddr;

import org.jspecify.annotations.NullMarked;
