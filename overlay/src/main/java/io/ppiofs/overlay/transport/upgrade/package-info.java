/**
 * From a byte stream to a connection: agreement on security, handshake, agreement on the multiplexer.
 *
 * <p>{@link io.ppiofs.overlay.transport.upgrade.Upgrader} does it on any Netty channel; {@link
 * io.ppiofs.overlay.transport.upgrade.CircuitChannel} makes a channel of a stream, so that relayed connections take the same
 * path. One timer bounds the whole upgrade; whatever fails closes the channel and tells why.
 *
 * <p>Costs: two round trips of agreement less what TLS's ALPN or Noise's early data save (the multiplexer then costs none),
 * plus the handshake's own.
 */
@NullMarked
package io.ppiofs.overlay.transport.upgrade;

import org.jspecify.annotations.NullMarked;
