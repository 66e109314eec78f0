/**
 * Peers tell each other of further peers: {@link io.ppiofs.overlay.exchange.PeerExchange}, protocol {@code
 * /ppiofs/NETWORK/peers/1.0.0} (docs/protocol.md). Only records that the named peers signed themselves are passed on, so
 * nobody can invent addresses for others; an answer holds at most 16. State is on the host's scheduler.
 */
@NullMarked
package io.ppiofs.overlay.exchange;

import org.jspecify.annotations.NullMarked;
