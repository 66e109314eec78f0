package io.ppiofs.overlay.transport.quic;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.handler.codec.quic.Quic;
import io.netty.handler.codec.quic.QuicChannel;
import io.netty.handler.codec.quic.QuicChannelBootstrap;
import io.netty.handler.codec.quic.QuicClientCodecBuilder;
import io.netty.handler.codec.quic.QuicCodecBuilder;
import io.netty.handler.codec.quic.QuicServerCodecBuilder;
import io.netty.handler.codec.quic.QuicSslContext;
import io.netty.handler.codec.quic.QuicSslContextBuilder;
import io.netty.handler.codec.quic.QuicStreamChannel;
import io.netty.handler.ssl.ClientAuth;
import io.netty.util.AttributeKey;
import io.netty.util.concurrent.Future;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.ListeningSockets;
import io.ppiofs.overlay.transport.StreamAcceptor;
import io.ppiofs.overlay.transport.Transport;
import io.ppiofs.overlay.transport.TransportOptions;
import io.ppiofs.overlay.transport.Violation;
import io.ppiofs.overlay.transport.mux.ConnectionInfo;
import io.ppiofs.overlay.transport.tls.PeerCertificate;
import io.ppiofs.overlay.transport.tls.PeerTrustManager;
import io.ppiofs.overlay.transport.tls.TlsContext;
import io.ppiofs.overlay.transport.upgrade.HandshakeLimiter;
import io.ppiofs.overlay.transport.upgrade.NameResolver;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Connections over QUIC version 1. Thread safe. */
public final class QuicTransport implements Transport {
    static final Duration IDLE_TIMEOUT = Duration.ofSeconds(45);

    private static final String DESCRIPTION = "quic-v1";
    private static final AttributeKey<QuicConnection> CONNECTION =
            AttributeKey.valueOf(QuicTransport.class, "connection");
    private static final long CONNECTION_WINDOW = 16L << 20;
    private static final long STREAM_WINDOW = 1L << 20;
    private static final int DATAGRAM = 2_048;
    private static final int DATAGRAMS_PER_READ = 64;
    private static final int SOCKET_BUFFER = 2 << 20;
    private static final int PUNCH_BYTES = 64;
    private static final int PUNCH_PAUSE_MIN = 10;
    private static final int PUNCH_PAUSE_SPREAD = 190;
    private static final int FIXED_BIT = 0x40;

    private final TransportOptions options;
    private final StreamAcceptor acceptor;
    private final EventLoopGroup group;
    private final SecureRandom random = new SecureRandom();
    private final QuicSslContext clientTls;
    private final QuicSslContext serverTls;
    private final NameResolver resolver = new NameResolver();
    private final HandshakeLimiter handshakes;
    private final ListeningSockets listening = new ListeningSockets(Multiaddr::quic);
    private final Map<Boolean, CompletableFuture<Channel>> dialSockets = new HashMap<>();
    private final Map<PeerId, CompletableFuture<Connection>> punches = new ConcurrentHashMap<>();

    /**
     * @param group NIO event loops; the caller shuts them down after closing the transport
     * @throws PpiofsException NOT_SUPPORTED if the native library does not load here
     */
    public QuicTransport(
            IdentityKey identity, StreamAcceptor acceptor, TransportOptions options, EventLoopGroup group) {
        if (!Quic.isAvailable()) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "offer",
                    "QUIC",
                    "the native library does not load on this platform, use TCP",
                    Quic.unavailabilityCause());
        }
        this.options = options;
        this.acceptor = acceptor;
        this.group = group;
        this.handshakes = new HandshakeLimiter(options.maxInboundHandshakes(), options.maxHandshakesPerAddress());
        PeerCertificate certificate = PeerCertificate.generate(identity, random);
        this.clientTls = QuicSslContextBuilder.forClient()
                .keyManager(certificate.key(), null, certificate.certificate())
                .trustManager(new PeerTrustManager())
                .endpointIdentificationAlgorithm(null)
                .applicationProtocols(TlsContext.FALLBACK)
                .earlyData(false)
                .build();
        this.serverTls = QuicSslContextBuilder.forServer(certificate.key(), null, certificate.certificate())
                .trustManager(new PeerTrustManager())
                .clientAuth(ClientAuth.REQUIRE)
                .applicationProtocols(TlsContext.FALLBACK)
                .earlyData(false)
                .build();
    }

    /** Whether the native library loads here. */
    public static boolean isAvailable() {
        return Quic.isAvailable();
    }

    // ---- addresses

    @Override
    public boolean dials(Multiaddr address) {
        List<Multiaddr.Part> parts = address.withoutPeer().parts();
        return parts.size() == 3
                && parts.get(1).protocol() == AddressProtocol.UDP
                && parts.get(2).protocol() == AddressProtocol.QUIC_V1
                && switch (parts.get(0).protocol()) {
                    case IP4, IP6, DNS, DNS4, DNS6 -> true;
                    default -> false;
                };
    }

    @Override
    public boolean listens(Multiaddr address) {
        return dials(address) && address.socketAddress() != null;
    }

    // ---- sockets

    private <B extends QuicCodecBuilder<B>> B configured(B builder) {
        return builder.maxIdleTimeout(IDLE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
                .initialMaxData(CONNECTION_WINDOW)
                .initialMaxStreamDataBidirectionalLocal(STREAM_WINDOW)
                .initialMaxStreamDataBidirectionalRemote(STREAM_WINDOW)
                .initialMaxStreamsBidirectional(options.yamux().maxInboundStreams())
                .initialMaxStreamsUnidirectional(0)
                .activeMigration(false);
    }

    private ChannelHandler clientCodec() {
        return configured(new QuicClientCodecBuilder().sslContext(clientTls)).build();
    }

    private ChannelHandler serverCodec(Consumer<Connection> accepted) {
        return configured(new QuicServerCodecBuilder().sslContext(serverTls))
                .tokenHandler(null)
                .handler(new Inbound(accepted))
                .streamOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .streamHandler(new InboundStreams())
                .build();
    }

    private Bootstrap socket(boolean six) {
        SocketProtocolFamily family = six ? SocketProtocolFamily.INET6 : SocketProtocolFamily.INET;
        return new Bootstrap()
                .group(group)
                .channelFactory(() -> new NioDatagramChannel(family))
                .option(ChannelOption.SO_RCVBUF, SOCKET_BUFFER)
                .option(ChannelOption.SO_SNDBUF, SOCKET_BUFFER)
                .option(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new FixedRecvByteBufAllocator(DATAGRAM).maxMessagesPerRead(DATAGRAMS_PER_READ));
    }

    /** The socket that a dial leaves from: a listening one if one fits, else one for dials only. */
    private CompletableFuture<Channel> socketFor(InetSocketAddress target) {
        Channel fitting = listening.fitting(target);
        return fitting != null ? CompletableFuture.completedFuture(fitting) : dialSocket(isSix(target));
    }

    private static boolean isSix(InetSocketAddress address) {
        return address.getAddress() instanceof Inet6Address;
    }

    private CompletableFuture<Channel> dialSocket(boolean six) {
        synchronized (dialSockets) {
            CompletableFuture<Channel> known = dialSockets.get(six);
            if (known != null && !known.isCompletedExceptionally()) {
                return known;
            }
            CompletableFuture<Channel> opened = new CompletableFuture<>();
            dialSockets.put(six, opened);
            ChannelFuture binding = socket(six).handler(clientCodec()).bind(0);
            binding.addListener(done -> {
                if (done.isSuccess()) {
                    opened.complete(binding.channel());
                } else {
                    opened.completeExceptionally(done.cause());
                }
            });
            return opened;
        }
    }

    // ---- dialling

    @Override
    public CompletableFuture<Connection> dial(
            Multiaddr address, @Nullable PeerId expected, ConnectionClass connectionClass, Duration timeout) {
        if (!dials(address)) {
            return CompletableFuture.failedFuture(notMine("dial", address));
        }
        PeerId peer = expected != null ? expected : address.peer().orElse(null);
        return resolver.resolve(address.withoutPeer()).thenCompose(targets -> {
            InetSocketAddress target = targets.get(0);
            return socketFor(target)
                    .thenCompose(socket -> dialFrom(socket, target, peer, connectionClass, address, timeout));
        });
    }

    private CompletableFuture<Connection> dialFrom(
            Channel socket,
            InetSocketAddress target,
            @Nullable PeerId expected,
            ConnectionClass connectionClass,
            Multiaddr address,
            Duration timeout) {
        CompletableFuture<Connection> result = new CompletableFuture<>();
        SharedSocket shared = socket.pipeline().get(SharedSocket.class);
        QuicChannelBootstrap bootstrap = QuicChannel.newBootstrap(socket)
                .handler(new OutboundHandshake(expected, connectionClass, result))
                .streamOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .streamHandler(new InboundStreams())
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) timeout.toMillis())
                .remoteAddress(target);
        if (shared != null) {
            bootstrap.localConnectionAddress(shared.dialId());
        }
        bootstrap.connect().addListener((Future<QuicChannel> connected) -> {
            if (!connected.isSuccess()) {
                result.completeExceptionally(explained(address, connected.cause()));
            }
        });
        return result;
    }

    /** Waits for the end of an outbound handshake: the connection is in place before streams of the peer can come. */
    private final class OutboundHandshake extends ChannelInboundHandlerAdapter {
        private final @Nullable PeerId expected;
        private final ConnectionClass connectionClass;
        private final CompletableFuture<Connection> result;
        private final long started = System.nanoTime();

        OutboundHandshake(
                @Nullable PeerId expected, ConnectionClass connectionClass, CompletableFuture<Connection> result) {
            this.expected = expected;
            this.connectionClass = connectionClass;
            this.result = result;
        }

        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            QuicChannel channel = (QuicChannel) ctx.channel();
            try {
                QuicConnection connection =
                        established(channel, Direction.OUTBOUND, expected, connectionClass, started);
                if (!result.complete(connection)) {
                    connection.close();
                }
            } catch (PpiofsException e) {
                // after the last words of the handshake, which are sent when this event is over: without them the other
                // side
                // cannot read that the connection is closed, and waits
                ctx.executor().execute(() -> channel.close(true, 1, Unpooled.EMPTY_BUFFER));
                result.completeExceptionally(e);
            }
        }
    }

    /** The handshake is over: who is it? */
    private QuicConnection established(
            QuicChannel channel,
            Direction direction,
            @Nullable PeerId expected,
            ConnectionClass connectionClass,
            long started) {
        PublicKey key = peerKey(channel);
        PeerId peer = PeerId.of(key);
        Multiaddr remote = address(channel.remoteSocketAddress());
        if (expected != null && !expected.equals(peer)) {
            options.metrics().onViolation(Violation.WRONG_PEER, remote);
            throw new PpiofsException(
                    ErrorKind.ACCESS_DENIED,
                    "connect to",
                    expected.toString(),
                    peer + " answers at " + remote + ", get a current address of the peer");
        }
        ConnectionInfo info = new ConnectionInfo(
                peer,
                key,
                remote,
                address(channel.localSocketAddress()),
                direction,
                connectionClass,
                false,
                DESCRIPTION);
        QuicConnection connection = new QuicConnection(channel, info, acceptor, options);
        channel.attr(CONNECTION).set(connection);
        options.metrics().onHandshake(DESCRIPTION, Duration.ofNanos(System.nanoTime() - started));
        return connection;
    }

    private static PublicKey peerKey(QuicChannel channel) {
        try {
            return PeerCertificate.peerKey(
                    (X509Certificate) channel.sslEngine().getSession().getPeerCertificates()[0]);
        } catch (SSLException | CertificateException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "connect to",
                    String.valueOf(channel.remoteSocketAddress()),
                    "no certificate",
                    e);
        }
    }

    private static Multiaddr address(@Nullable SocketAddress address) {
        return address instanceof InetSocketAddress internet
                ? Multiaddr.quic(internet)
                : Multiaddr.parse("/ip4/0.0.0.0/udp/0/quic-v1");
    }

    // ---- hole punching

    @Override
    public CompletableFuture<Connection> punch(Multiaddr address, PeerId expected, Direction role, Duration timeout) {
        InetSocketAddress target = address.socketAddress();
        if (!listens(address) || target == null) {
            return CompletableFuture.failedFuture(notMine("punch", address));
        }
        if (role == Direction.OUTBOUND) {
            return dial(address, expected, ConnectionClass.CONTROL, timeout);
        }
        Channel socket = listening.fitting(target);
        if (socket == null) {
            return CompletableFuture.failedFuture(new PpiofsException(
                    ErrorKind.NOT_SUPPORTED, "punch", address.toString(), "listen on a QUIC address first"));
        }
        CompletableFuture<Connection> result = new CompletableFuture<>();
        CompletableFuture<Connection> earlier = punches.put(expected, result);
        if (earlier != null) {
            earlier.cancel(false);
        }
        Future<?> timer = socket.eventLoop()
                .schedule(
                        () -> result.completeExceptionally(unreachable(address, null)),
                        timeout.toNanos(),
                        TimeUnit.NANOSECONDS);
        result.whenComplete((connection, failure) -> {
            timer.cancel(false);
            punches.remove(expected, result);
        });
        sendPunches(socket, target, result);
        return result;
    }

    /** Random datagrams that no QUIC stack takes for its own (the fixed bit is 0), every 10 to 200 ms. */
    private void sendPunches(Channel socket, InetSocketAddress target, CompletableFuture<Connection> until) {
        if (until.isDone() || !socket.isOpen()) {
            return;
        }
        byte[] noise = new byte[PUNCH_BYTES];
        random.nextBytes(noise);
        noise[0] &= ~FIXED_BIT;
        ByteBuf content = Unpooled.wrappedBuffer(noise);
        socket.writeAndFlush(new DatagramPacket(content, target));
        long pause = PUNCH_PAUSE_MIN + random.nextInt(PUNCH_PAUSE_SPREAD);
        socket.eventLoop().schedule(() -> sendPunches(socket, target, until), pause, TimeUnit.MILLISECONDS);
    }

    // ---- listening

    @Override
    public CompletableFuture<Listener> listen(Multiaddr address, Consumer<Connection> accepted) {
        InetSocketAddress local = address.socketAddress();
        if (!listens(address) || local == null) {
            return CompletableFuture.failedFuture(notMine("listen on", address));
        }
        SharedSocket shared = new SharedSocket(random, serverCodec(accepted), clientCodec());
        return listening.bound(socket(isSix(local)).handler(shared).bind(local), address);
    }

    /** Admits inbound connections. One for all of a socket. */
    private final class Inbound extends ChannelInitializer<QuicChannel> {
        private final Consumer<Connection> accepted;

        Inbound(Consumer<Connection> accepted) {
            this.accepted = accepted;
        }

        @Override
        public boolean isSharable() {
            return true;
        }

        @Override
        protected void initChannel(QuicChannel channel) {
            InetSocketAddress remote = (InetSocketAddress) channel.remoteSocketAddress();
            if (remote == null || !options.admits().test(remote)) {
                channel.close();
                return;
            }
            if (!handshakes.enter(remote.getAddress())) {
                options.metrics().onViolation(Violation.TOO_MANY_HANDSHAKES, Multiaddr.quic(remote));
                channel.close();
                return;
            }
            channel.pipeline().addLast(new InboundHandshake(channel, remote, accepted));
        }
    }

    /** Waits for the end of an inbound handshake. */
    private final class InboundHandshake extends ChannelInboundHandlerAdapter {
        private final InetSocketAddress remote;
        private final Consumer<Connection> accepted;
        private final long started = System.nanoTime();
        private final Future<?> timer;
        private boolean done;

        InboundHandshake(QuicChannel channel, InetSocketAddress remote, Consumer<Connection> accepted) {
            this.remote = remote;
            this.accepted = accepted;
            this.timer = channel.parent()
                    .eventLoop()
                    .schedule(
                            () -> {
                                if (leave()) {
                                    options.metrics().onViolation(Violation.SLOW_HANDSHAKE, Multiaddr.quic(remote));
                                    channel.close();
                                }
                            },
                            options.handshakeTimeout().toNanos(),
                            TimeUnit.NANOSECONDS);
            channel.closeFuture().addListener(closed -> {
                if (leave()) {
                    options.metrics().onViolation(Violation.BAD_HANDSHAKE, Multiaddr.quic(remote));
                }
            });
        }

        private boolean leave() {
            if (done) {
                return false;
            }
            done = true;
            timer.cancel(false);
            handshakes.leave(remote.getAddress());
            return true;
        }

        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            if (!leave()) {
                return;
            }
            QuicChannel channel = (QuicChannel) ctx.channel();
            try {
                give(established(channel, Direction.INBOUND, null, ConnectionClass.CONTROL, started));
            } catch (PpiofsException e) {
                options.metrics().onViolation(Violation.BAD_HANDSHAKE, Multiaddr.quic(remote));
                channel.close();
            }
        }

        private void give(QuicConnection connection) {
            CompletableFuture<Connection> punch = punches.get(connection.remotePeer());
            if (punch == null || !punch.complete(connection)) {
                accepted.accept(connection);
            }
        }
    }

    /** Gives inbound streams to their connection. One for all. */
    private static final class InboundStreams extends ChannelInitializer<QuicStreamChannel> {
        @Override
        public boolean isSharable() {
            return true;
        }

        @Override
        protected void initChannel(QuicStreamChannel stream) {
            QuicConnection connection = stream.parent().attr(CONNECTION).get();
            if (connection == null) {
                stream.close();
            } else {
                connection.admit(stream);
            }
        }
    }

    // ---- errors and end

    private PpiofsException explained(Multiaddr address, Throwable cause) {
        if (cause instanceof SSLException) {
            options.metrics().onViolation(Violation.BAD_HANDSHAKE, address);
            return new PpiofsException(
                    ErrorKind.CORRUPT,
                    "connect to",
                    address.toString(),
                    "the handshake failed: " + cause.getMessage(),
                    cause);
        }
        return unreachable(address, cause);
    }

    private static PpiofsException notMine(String operation, Multiaddr address) {
        return new PpiofsException(
                ErrorKind.NOT_SUPPORTED,
                operation,
                address.toString(),
                "QUIC takes addresses like /ip4/192.0.2.7/udp/4001/quic-v1");
    }

    private static PpiofsException unreachable(Multiaddr address, @Nullable Throwable cause) {
        return new PpiofsException(
                ErrorKind.NOT_CONNECTED, "connect to", address.toString(), "nobody answers there in time", cause);
    }

    /** Closes the sockets, and with them all connections. */
    @Override
    public void close() {
        listening.close();
        resolver.close();
        synchronized (dialSockets) {
            dialSockets.values().forEach(opened -> opened.thenAccept(Channel::close));
        }
    }
}
