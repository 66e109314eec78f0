package io.ppiofs.overlay.transport;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
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
        return with(change -> change.securities = List.of(value));
    }

    public TransportOptions withNativeTls(boolean value) {
        return with(change -> change.nativeTls = value);
    }

    public TransportOptions withTimeouts(Duration handshake, Duration negotiation) {
        return with(change -> {
            change.handshakeTimeout = handshake;
            change.negotiationTimeout = negotiation;
        });
    }

    public TransportOptions withHandshakeLimits(int atOnce, int perAddress) {
        return with(change -> {
            change.maxInboundHandshakes = atOnce;
            change.maxHandshakesPerAddress = perAddress;
        });
    }

    public TransportOptions withAdmits(Predicate<InetSocketAddress> value) {
        return with(change -> change.admits = value);
    }

    public TransportOptions withReusePort(boolean value) {
        return with(change -> change.reusePort = value);
    }

    public TransportOptions withNetworkKey(@Nullable NetworkKey value) {
        return with(change -> change.networkKey = value);
    }

    public TransportOptions withYamux(YamuxOptions value) {
        return with(change -> change.yamux = value);
    }

    public TransportOptions withMetrics(TransportMetrics value) {
        return with(change -> change.metrics = value);
    }

    private TransportOptions with(Consumer<Change> change) {
        Change values = new Change(this);
        change.accept(values);
        return new TransportOptions(
                values.securities,
                values.nativeTls,
                values.handshakeTimeout,
                values.negotiationTimeout,
                values.maxInboundHandshakes,
                values.maxHandshakesPerAddress,
                values.admits,
                values.reusePort,
                values.networkKey,
                values.yamux,
                values.metrics);
    }

    /** The same values, of which some are about to be others. */
    private static final class Change {
        List<Security> securities;
        boolean nativeTls;
        Duration handshakeTimeout;
        Duration negotiationTimeout;
        int maxInboundHandshakes;
        int maxHandshakesPerAddress;
        Predicate<InetSocketAddress> admits;
        boolean reusePort;

        @Nullable
        NetworkKey networkKey;

        YamuxOptions yamux;
        TransportMetrics metrics;

        Change(TransportOptions from) {
            securities = from.securities;
            nativeTls = from.nativeTls;
            handshakeTimeout = from.handshakeTimeout;
            negotiationTimeout = from.negotiationTimeout;
            maxInboundHandshakes = from.maxInboundHandshakes;
            maxHandshakesPerAddress = from.maxHandshakesPerAddress;
            admits = from.admits;
            reusePort = from.reusePort;
            networkKey = from.networkKey;
            yamux = from.yamux;
            metrics = from.metrics;
        }
    }
}
