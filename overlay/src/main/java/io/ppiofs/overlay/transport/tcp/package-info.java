/**
 * libp2p over TCP: {@code /ip4|ip6|dns|dns4|dns6/…/tcp/PORT}.
 *
 * <p>{@link io.ppiofs.overlay.transport.tcp.TcpTransport} dials, listens and punches; securing and multiplexing is the
 * upgrade's. Sockets are Netty's NIO. Listening sockets share their port (SO_REUSEPORT) with dials to other machines, so
 * that a NAT maps both to one address and hole punching finds it; a port that a stranger holds is still refused.
 *
 * <p>Promises: at most so many inbound handshakes at once and per address as the options say, each bounded in time. Costs:
 * a connection takes some 30 KiB with its TLS engine, and no thread; names are resolved on up to four threads of their own.
 */
@NullMarked
package io.ppiofs.overlay.transport.tcp;

import org.jspecify.annotations.NullMarked;
