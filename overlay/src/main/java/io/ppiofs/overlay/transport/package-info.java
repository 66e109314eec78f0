/**
 * From an address to an authenticated, multiplexed connection. {@link io.ppiofs.overlay.transport.Transport} is what the
 * swarm dials and listens with; TCP upgraded with TLS 1.3 or Noise and yamux, and QUIC version 1, implement it.
 */
@NullMarked
package io.ppiofs.overlay.transport;

import org.jspecify.annotations.NullMarked;
