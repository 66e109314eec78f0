package io.ppiofs.overlay.transport;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * How transports behave.
 *
 * @param securities what is offered over TCP, best first; not empty
 * @param nativeTls whether BoringSSL is used where it loads
 * @param handshakeTimeout bound on the whole handshake of an inbound connection
 * @param negotiationTimeout bound on agreeing on a stream's protocol
 * @param maxInboundHandshakes most inbound handshakes at once; further connections are dropped
 * @param maxHandshakesPerAddress the same for one IP address
 * @param admits asked for each inbound connection before anything is read
 * @param reusePort whether TCP dials to other machines leave from the listening port, so that NATs map it once
 * @param networkKey the 32-byte key of a libp2p private network ("pnet") on TCP, or null
 * @param yamux limits of the multiplexer
 * @param metrics hears what happens
 */
public record TransportOptions(
        List<Security> securities,
        boolean nativeTls,
        Duration handshakeTimeout,
        Duration negotiationTimeout,
        int maxInboundHandshakes,
        int maxHandshakesPerAddress,
        Predicate<InetSocketAddress> admits,
        boolean reusePort,
        @Nullable NetworkKey networkKey,
        YamuxOptions yamux,
        TransportMetrics metrics) {
    /** TLS before Noise, BoringSSL, 10 s, 256 handshakes at once, 64 per address, everybody, port reuse, no network key. */
    public static final TransportOptions DEFAULT = new TransportOptions(
            List.of(Security.TLS, Security.NOISE),
            true,
            Duration.ofSeconds(10),
            Duration.ofSeconds(10),
            256,
            64,
            address -> true,
            true,
            null,
            YamuxOptions.DEFAULT,
            TransportMetrics.NONE);

    public TransportOptions {
        securities = List.copyOf(securities);
        if (securities.isEmpty()) {
            throw new IllegalArgumentException("securities must not be empty");
        }
    }

    public TransportOptions withSecurities(Security... value) {
        return new TransportOptions(
                List.of(value),
                nativeTls,
                handshakeTimeout,
                negotiationTimeout,
                maxInboundHandshakes,
                maxHandshakesPerAddress,
                admits,
                reusePort,
                networkKey,
                yamux,
                metrics);
    }

    public TransportOptions withNativeTls(boolean value) {
        return new TransportOptions(
                securities,
                value,
                handshakeTimeout,
                negotiationTimeout,
                maxInboundHandshakes,
                maxHandshakesPerAddress,
                admits,
                reusePort,
                networkKey,
                yamux,
                metrics);
    }

    public TransportOptions withTimeouts(Duration handshake, Duration negotiation) {
        return new TransportOptions(
                securities,
                nativeTls,
                handshake,
                negotiation,
                maxInboundHandshakes,
                maxHandshakesPerAddress,
                admits,
                reusePort,
                networkKey,
                yamux,
                metrics);
    }

    public TransportOptions withHandshakeLimits(int atOnce, int perAddress) {
        return new TransportOptions(
                securities,
                nativeTls,
                handshakeTimeout,
                negotiationTimeout,
                atOnce,
                perAddress,
                admits,
                reusePort,
                networkKey,
                yamux,
                metrics);
    }

    public TransportOptions withAdmits(Predicate<InetSocketAddress> value) {
        return new TransportOptions(
                securities,
                nativeTls,
                handshakeTimeout,
                negotiationTimeout,
                maxInboundHandshakes,
                maxHandshakesPerAddress,
                value,
                reusePort,
                networkKey,
                yamux,
                metrics);
    }

    public TransportOptions withReusePort(boolean value) {
        return new TransportOptions(
                securities,
                nativeTls,
                handshakeTimeout,
                negotiationTimeout,
                maxInboundHandshakes,
                maxHandshakesPerAddress,
                admits,
                value,
                networkKey,
                yamux,
                metrics);
    }

    public TransportOptions withNetworkKey(@Nullable NetworkKey value) {
        return new TransportOptions(
                securities,
                nativeTls,
                handshakeTimeout,
                negotiationTimeout,
                maxInboundHandshakes,
                maxHandshakesPerAddress,
                admits,
                reusePort,
                value,
                yamux,
                metrics);
    }

    public TransportOptions withYamux(YamuxOptions value) {
        return new TransportOptions(
                securities,
                nativeTls,
                handshakeTimeout,
                negotiationTimeout,
                maxInboundHandshakes,
                maxHandshakesPerAddress,
                admits,
                reusePort,
                networkKey,
                value,
                metrics);
    }

    public TransportOptions withMetrics(TransportMetrics value) {
        return new TransportOptions(
                securities,
                nativeTls,
                handshakeTimeout,
                negotiationTimeout,
                maxInboundHandshakes,
                maxHandshakesPerAddress,
                admits,
                reusePort,
                networkKey,
                yamux,
                value);
    }
}
