/**
 * libp2p over QUIC version 1 (RFC 9000; libp2p specification "quic"): {@code /ip4|ip6|dns…/udp/PORT/quic-v1}.
 *
 * <p>{@link io.ppiofs.overlay.transport.quic.QuicTransport} dials, listens and punches with Netty's codec (quiche, BoringSSL).
 * TLS is inside QUIC: the same certificates as over TCP, ALPN {@code libp2p}, no yamux; each stream agrees on its protocol by
 * multistream-select. Dials leave from a listening socket where one fits, so that NATs map one port: {@link
 * io.ppiofs.overlay.transport.quic.SharedSocket} gives each datagram to the codec of its role by the connection id.
 *
 * <p>Promises: limits and times as for TCP; unread bytes of a stream are bounded before the sender is stopped. Costs: user-space
 * packets, so some five times the processor time of TCP per byte; a connection takes some 60 KiB natively. Without the native
 * library the transport cannot be made and says so.
 */
@NullMarked
package io.ppiofs.overlay.transport.quic;

import org.jspecify.annotations.NullMarked;
