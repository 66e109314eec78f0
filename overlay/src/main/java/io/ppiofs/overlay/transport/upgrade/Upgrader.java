package io.ppiofs.overlay.transport.upgrade;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.Security;
import io.ppiofs.overlay.transport.StreamAcceptor;
import io.ppiofs.overlay.transport.StreamUpgrader;
import io.ppiofs.overlay.transport.TransportOptions;
import io.ppiofs.overlay.transport.mux.MuxedConnection;
import io.ppiofs.overlay.transport.tls.PeerCertificate;
import io.ppiofs.overlay.transport.tls.TlsContext;
import io.ppiofs.overlay.transport.yamux.WindowBudget;
import io.ppiofs.overlay.transport.yamux.YamuxConnection;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Secures and multiplexes byte streams for one identity. Thread safe; close it after its connections. */
public final class Upgrader implements StreamUpgrader, AutoCloseable {
    private final IdentityKey identity;
    private final StreamAcceptor acceptor;
    private final TransportOptions options;
    private final EventLoopGroup group;
    private final SecureRandom random = new SecureRandom();
    private final WindowBudget budget;
    private final @Nullable TlsContext tls;
    private final List<Security> securities;

    /** @param group runs relayed connections whose stream has no loop of its own; the caller shuts it down */
    public Upgrader(IdentityKey identity, StreamAcceptor acceptor, TransportOptions options, EventLoopGroup group) {
        this.identity = identity;
        this.acceptor = acceptor;
        this.options = options;
        this.group = group;
        this.budget = new WindowBudget(options.yamux().hostBudget());
        this.tls = options.securities().contains(Security.TLS)
                ? new TlsContext(
                        PeerCertificate.generate(identity, random),
                        options.nativeTls(),
                        List.of(YamuxConnection.PROTOCOL))
                : null;
        this.securities = offered();
    }

    /**
     * The JDK's engine refuses certificates without names, and js-libp2p sends such: without BoringSSL, TLS is offered only
     * if Noise is not.
     */
    private List<Security> offered() {
        boolean onlyNoise =
                tls != null && !tls.usesNative() && options.securities().contains(Security.NOISE);
        return onlyNoise ? List.of(Security.NOISE) : options.securities();
    }

    /**
     * Upgrades {@code channel}, which is active and whose pipeline is empty; on its event loop. Failure closes the channel:
     * NOT_CONNECTED (ended, or not in time), NOT_SUPPORTED (nothing in common), CORRUPT (the handshake is wrong),
     * ACCESS_DENIED (another peer than expected). Cancelling the future closes it, too.
     */
    public CompletableFuture<Connection> upgrade(Channel channel, UpgradeRequest request) {
        return new UpgradeAttempt(this, channel, request).start();
    }

    @Override
    public CompletableFuture<Connection> upgrade(
            Stream stream,
            Direction role,
            @Nullable PeerId expected,
            Multiaddr remote,
            boolean limited,
            Duration timeout) {
        UpgradeRequest request = new UpgradeRequest(
                role, expected, remote, stream.connection().localAddress(), ConnectionClass.CONTROL, limited, timeout);
        EventLoop loop = loopOf(stream);
        CompletableFuture<Connection> result = new CompletableFuture<>();
        CircuitChannel channel = new CircuitChannel(stream);
        loop.register(channel).addListener(registered -> {
            if (!registered.isSuccess()) {
                stream.reset();
                result.completeExceptionally(registered.cause());
                return;
            }
            upgrade(channel, request).whenComplete((connection, failure) -> {
                if (failure != null) {
                    result.completeExceptionally(failure);
                } else if (!result.complete(connection)) {
                    connection.close();
                }
            });
            channel.startReading();
        });
        return result;
    }

    private EventLoop loopOf(Stream stream) {
        return stream.connection() instanceof MuxedConnection muxed && muxed.loop() instanceof EventLoop loop
                ? loop
                : group.next();
    }

    IdentityKey identity() {
        return identity;
    }

    StreamAcceptor acceptor() {
        return acceptor;
    }

    TransportOptions options() {
        return options;
    }

    SecureRandom random() {
        return random;
    }

    WindowBudget budget() {
        return budget;
    }

    @Nullable
    TlsContext tls() {
        return tls;
    }

    List<Security> securities() {
        return securities;
    }

    /** Whether BoringSSL secures TLS connections. */
    public boolean usesNativeTls() {
        return tls != null && tls.usesNative();
    }

    @Override
    public void close() {
        if (tls != null) {
            tls.close();
        }
    }
}
