/**
 * Connections that a third node carries: circuit relay v2 (libp2p specification "relay/circuit-v2.md").
 *
 * <p>{@link io.ppiofs.overlay.relay.RelayServer} carries for others within {@link io.ppiofs.overlay.relay.RelayLimits};
 * {@link io.ppiofs.overlay.relay.RelayTransport} dials and listens through relays as any transport does: an address {@code
 * …/p2p/RELAY/p2p-circuit} to listen on reserves a place there and keeps it. What passes a relay is encrypted from end to
 * end by the {@link io.ppiofs.overlay.transport.StreamUpgrader}.
 *
 * <p>Bytes are handed from stream to stream without a copy; the slower side stops the faster one. Messages are at most 4 KiB.
 */
@NullMarked
package io.ppiofs.overlay.relay;

import org.jspecify.annotations.NullMarked;
