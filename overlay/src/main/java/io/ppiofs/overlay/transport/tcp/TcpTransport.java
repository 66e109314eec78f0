package io.ppiofs.overlay.transport.tcp;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.ListeningSockets;
import io.ppiofs.overlay.transport.StreamAcceptor;
import io.ppiofs.overlay.transport.Transport;
import io.ppiofs.overlay.transport.TransportOptions;
import io.ppiofs.overlay.transport.Violation;
import io.ppiofs.overlay.transport.upgrade.HandshakeLimiter;
import io.ppiofs.overlay.transport.upgrade.NameResolver;
import io.ppiofs.overlay.transport.upgrade.UpgradeRequest;
import io.ppiofs.overlay.transport.upgrade.Upgrader;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.StandardSocketOptions;
import java.nio.channels.spi.SelectorProvider;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Connections over TCP, secured by TLS or Noise, multiplexed by yamux. Thread safe. */
public final class TcpTransport implements Transport {
    private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(32 * 1024, 64 * 1024);
    private static final ChannelOption<Boolean> REUSE_PORT = NioChannelOption.of(StandardSocketOptions.SO_REUSEPORT);
    private static final int BACKLOG = 1_024;
    private static final long PUNCH_PAUSE_MILLIS = 100;

    private final TransportOptions options;
    private final EventLoopGroup group;
    private final Upgrader upgrader;
    private final NameResolver resolver = new NameResolver();
    private final HandshakeLimiter handshakes;
    private final ListeningSockets listening = new ListeningSockets(Multiaddr::tcp);
    private final Map<InetSocketAddress, Dial> punches = new ConcurrentHashMap<>();
    private final Map<InetSocketAddress, Channel> inboundHandshakes = new ConcurrentHashMap<>();

    /** @param group NIO event loops; the caller shuts them down after closing the transport */
    public TcpTransport(IdentityKey identity, StreamAcceptor acceptor, TransportOptions options, EventLoopGroup group) {
        this.options = options;
        this.group = group;
        this.upgrader = new Upgrader(identity, acceptor, options, group);
        this.handshakes = new HandshakeLimiter(options.maxInboundHandshakes(), options.maxHandshakesPerAddress());
    }

    /** Upgrades relayed streams with the same identity, options and window budget. */
    public Upgrader upgrader() {
        return upgrader;
    }

    // ---- addresses

    @Override
    public boolean dials(Multiaddr address) {
        List<Multiaddr.Part> parts = address.withoutPeer().parts();
        return parts.size() == 2
                && parts.get(1).protocol() == AddressProtocol.TCP
                && switch (parts.get(0).protocol()) {
                    case IP4, IP6, DNS, DNS4, DNS6 -> true;
                    default -> false;
                };
    }

    @Override
    public boolean listens(Multiaddr address) {
        return dials(address) && address.socketAddress() != null;
    }

    // ---- dialling

    @Override
    public CompletableFuture<Connection> dial(
            Multiaddr address, @Nullable PeerId expected, ConnectionClass connectionClass, Duration timeout) {
        if (!dials(address)) {
            return CompletableFuture.failedFuture(notMine("dial", address));
        }
        PeerId peer = expected != null ? expected : address.peer().orElse(null);
        Dial dial = new Dial(address.withoutPeer(), peer, Direction.OUTBOUND, connectionClass, deadline(timeout));
        resolver.resolve(dial.address).whenComplete((targets, failure) -> {
            if (failure != null) {
                dial.fail(failure);
            } else {
                dial.tryTargets(targets, 0);
            }
        });
        return dial.result;
    }

    private static long deadline(Duration timeout) {
        return System.nanoTime() + timeout.toNanos();
    }

    /** One dial: targets in turn, from the listening port first where that is wanted. */
    private final class Dial {
        private final Multiaddr address;
        private final @Nullable PeerId expected;
        private final Direction role;
        private final ConnectionClass connectionClass;
        private final long deadline;
        private final CompletableFuture<Connection> result = new CompletableFuture<>();

        Dial(
                Multiaddr address,
                @Nullable PeerId expected,
                Direction role,
                ConnectionClass connectionClass,
                long deadline) {
            this.address = address;
            this.expected = expected;
            this.role = role;
            this.connectionClass = connectionClass;
            this.deadline = deadline;
        }

        void tryTargets(List<InetSocketAddress> targets, int index) {
            InetSocketAddress target = targets.get(index);
            InetSocketAddress local = localFor(target);
            attempt(target, local)
                    .exceptionallyCompose(failure -> local != null && mayRetry(failure)
                            ? attempt(target, null) // the port pair may be taken, or both sides dialled at once
                            : CompletableFuture.failedFuture(failure))
                    .whenComplete((connection, failure) -> {
                        if (failure == null) {
                            succeed(connection);
                        } else if (index + 1 < targets.size() && mayRetry(failure)) {
                            tryTargets(targets, index + 1);
                        } else {
                            fail(failure);
                        }
                    });
        }

        /** The same again and again until it works or time is up. */
        void punch(InetSocketAddress target, @Nullable InetSocketAddress local) {
            attempt(target, local).whenComplete((connection, failure) -> {
                if (failure == null) {
                    succeed(connection);
                } else if (mayRetry(failure)) {
                    group.next().schedule(() -> punch(target, local), PUNCH_PAUSE_MILLIS, TimeUnit.MILLISECONDS);
                } else {
                    fail(failure);
                }
            });
        }

        private boolean mayRetry(Throwable failure) {
            Throwable cause = unwrapped(failure);
            boolean final_ = cause instanceof PpiofsException p && p.kind() == ErrorKind.ACCESS_DENIED;
            return !final_ && !result.isDone() && System.nanoTime() - deadline < 0;
        }

        private CompletableFuture<Connection> attempt(InetSocketAddress target, @Nullable InetSocketAddress local) {
            CompletableFuture<Connection> attempt = new CompletableFuture<>();
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                attempt.completeExceptionally(unreachable(address, null));
                return attempt;
            }
            Bootstrap bootstrap = new Bootstrap()
                    .group(group)
                    .channelFactory(socketFactory(target))
                    .option(ChannelOption.TCP_NODELAY, true)
                    .option(ChannelOption.SO_KEEPALIVE, true)
                    .option(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                    .option(ChannelOption.AUTO_READ, false) // what comes before the upgrade's handlers would be lost
                    .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) Math.max(1, left / 1_000_000))
                    .handler(new Passive());
            if (local != null) {
                bootstrap.option(ChannelOption.SO_REUSEADDR, true).option(REUSE_PORT, true);
            }
            ChannelFuture connecting = local == null ? bootstrap.connect(target) : bootstrap.connect(target, local);
            result.whenComplete((connection, failure) -> {
                if (result.isCancelled()) {
                    connecting.channel().close();
                }
            });
            connecting.addListener(done -> {
                if (done.isSuccess()) {
                    upgrade(connecting.channel(), attempt);
                } else {
                    attempt.completeExceptionally(unreachable(address, done.cause()));
                }
            });
            return attempt;
        }

        private void upgrade(Channel channel, CompletableFuture<Connection> attempt) {
            InetSocketAddress local = (InetSocketAddress) channel.localAddress();
            InetSocketAddress remote = (InetSocketAddress) channel.remoteAddress();
            Duration left = Duration.ofNanos(Math.max(1, deadline - System.nanoTime()));
            UpgradeRequest request = new UpgradeRequest(
                    role, expected, Multiaddr.tcp(remote), Multiaddr.tcp(local), connectionClass, false, left);
            upgrader.upgrade(channel, request).whenComplete((connection, failure) -> {
                if (failure != null) {
                    attempt.completeExceptionally(failure);
                } else {
                    attempt.complete(connection);
                }
            });
            channel.config().setAutoRead(true);
        }

        private void succeed(Connection connection) {
            if (!result.complete(connection)) {
                connection.close();
            }
        }

        void fail(Throwable failure) {
            result.completeExceptionally(unwrapped(failure));
        }
    }

    private static Throwable unwrapped(Throwable failure) {
        Throwable cause = failure.getCause();
        return failure instanceof java.util.concurrent.CompletionException && cause != null ? cause : failure;
    }

    @Override
    public CompletableFuture<Connection> punch(Multiaddr address, PeerId expected, Direction role, Duration timeout) {
        InetSocketAddress target = address.socketAddress();
        if (!listens(address) || target == null) {
            return CompletableFuture.failedFuture(notMine("punch", address));
        }
        Dial dial = new Dial(address.withoutPeer(), expected, role, ConnectionClass.CONTROL, deadline(timeout));
        Dial earlier = punches.put(target, dial);
        if (earlier != null) {
            earlier.result.cancel(false);
        }
        dial.result.whenComplete((connection, failure) -> punches.remove(target, dial));
        Channel early = inboundHandshakes.get(target);
        if (early != null && role == Direction.OUTBOUND) {
            // its other end waits for this side's proposal, as this end does for its: it will try again, and a reset
            // leaves
            // nothing behind that holds up the same pair of ports
            early.config().setOption(ChannelOption.SO_LINGER, 0);
            early.close();
        }
        dial.punch(target, listeningFor(target));
        return dial.result;
    }

    /** The local end for a dial: the listening port if it is to be reused for this target. */
    private @Nullable InetSocketAddress localFor(InetSocketAddress target) {
        boolean near = target.getAddress().isLoopbackAddress();
        return options.reusePort() && !near ? listeningFor(target) : null;
    }

    private @Nullable InetSocketAddress listeningFor(InetSocketAddress target) {
        Channel socket = listening.fitting(target);
        return socket == null ? null : (InetSocketAddress) socket.localAddress();
    }

    private static ChannelFactory<NioSocketChannel> socketFactory(InetSocketAddress target) {
        return () -> new NioSocketChannel(SelectorProvider.provider(), family(target));
    }

    private static SocketProtocolFamily family(InetSocketAddress address) {
        return address.getAddress() instanceof Inet6Address ? SocketProtocolFamily.INET6 : SocketProtocolFamily.INET;
    }

    /** Holds a channel, which does not read yet, until its upgrade begins. */
    private static final class Passive extends ChannelInitializer<Channel> {
        @Override
        protected void initChannel(Channel channel) {
            // the upgrade adds the handlers
        }
    }

    // ---- listening

    @Override
    public CompletableFuture<Listener> listen(Multiaddr address, Consumer<Connection> accepted) {
        InetSocketAddress socket = address.socketAddress();
        if (!listens(address) || socket == null) {
            return CompletableFuture.failedFuture(notMine("listen on", address));
        }
        try {
            requireFree(address, socket);
        } catch (PpiofsException e) {
            return CompletableFuture.failedFuture(e);
        }
        ChannelFuture binding = new ServerBootstrap()
                .group(group)
                .channelFactory(() -> new NioServerSocketChannel(SelectorProvider.provider(), family(socket)))
                .option(ChannelOption.SO_REUSEADDR, true)
                .option(REUSE_PORT, options.reusePort())
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.SO_KEEPALIVE, true)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                .childHandler(new Inbound(accepted))
                .bind(socket);
        return listening.bound(binding, address);
    }

    /** A shared port would hide that another program of this user listens there: looks first without sharing. */
    private static void requireFree(Multiaddr address, InetSocketAddress socket) {
        if (socket.getPort() == 0) {
            return;
        }
        try (ServerSocket probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(socket);
        } catch (IOException e) {
            throw ListeningSockets.inUse(address, e);
        }
    }

    /** Admits inbound connections and upgrades them. */
    private final class Inbound extends ChannelInitializer<SocketChannel> {
        private final Consumer<Connection> accepted;

        Inbound(Consumer<Connection> accepted) {
            this.accepted = accepted;
        }

        @Override
        protected void initChannel(SocketChannel channel) {
            channel.pipeline().addLast(new Starter(accepted));
        }
    }

    /** Waits for the channel to be active, then leaves the pipeline to the upgrade. */
    private final class Starter extends ChannelInboundHandlerAdapter {
        private final Consumer<Connection> accepted;

        Starter(Consumer<Connection> accepted) {
            this.accepted = accepted;
        }

        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            InetSocketAddress remote = (InetSocketAddress) ctx.channel().remoteAddress();
            if (!options.admits().test(remote)) {
                ctx.close();
                return;
            }
            if (!handshakes.enter(remote.getAddress())) {
                options.metrics().onViolation(Violation.TOO_MANY_HANDSHAKES, Multiaddr.tcp(remote));
                ctx.close();
                return;
            }
            ctx.pipeline().remove(this);
            InetSocketAddress local = (InetSocketAddress) ctx.channel().localAddress();
            inboundHandshakes.put(remote, ctx.channel());
            Dial punch = punches.get(remote);
            UpgradeRequest request = new UpgradeRequest(
                    punch == null ? Direction.INBOUND : punch.role,
                    punch == null ? null : punch.expected,
                    Multiaddr.tcp(remote),
                    Multiaddr.tcp(local),
                    ConnectionClass.CONTROL,
                    false,
                    options.handshakeTimeout());
            upgrader.upgrade(ctx.channel(), request).whenComplete((connection, failure) -> {
                handshakes.leave(remote.getAddress());
                inboundHandshakes.remove(remote, ctx.channel());
                if (connection != null) {
                    give(connection, punches.get(remote));
                }
            });
        }

        /** To the punch that the connection answers: the other side's attempt has come before this side's, or before it began. */
        private void give(Connection connection, @Nullable Dial punch) {
            boolean answers = punch != null
                    && punch.role == connection.direction()
                    && (punch.expected == null || punch.expected.equals(connection.remotePeer()));
            if (punch == null || !answers || !punch.result.complete(connection)) {
                accepted.accept(connection);
            }
        }
    }

    // ---- errors and end

    private static PpiofsException notMine(String operation, Multiaddr address) {
        return new PpiofsException(
                ErrorKind.NOT_SUPPORTED,
                operation,
                address.toString(),
                "TCP takes addresses like /ip4/192.0.2.7/tcp/4001");
    }

    /**
     * A connection that is reset before it is up was accepted by the other side's kernel and turned away by its program:
     * somebody is there, and takes no more just now. The exception has no class of its own, only the message of ECONNRESET.
     */
    private static boolean turnedAway(@Nullable Throwable cause) {
        String message = cause == null ? null : cause.getMessage();
        return cause instanceof IOException && message != null && message.contains("reset");
    }

    private static PpiofsException unreachable(Multiaddr address, @Nullable Throwable cause) {
        if (turnedAway(cause)) {
            return new PpiofsException(
                    ErrorKind.BUSY, "connect to", address.toString(), "the connection was turned away", cause);
        }
        String detail = cause == null ? "no answer in time" : "nobody answers there";
        return new PpiofsException(ErrorKind.NOT_CONNECTED, "connect to", address.toString(), detail, cause);
    }

    /** Closes the listening sockets; connections stay until they are closed. */
    @Override
    public void close() {
        listening.close();
        resolver.close();
        upgrader.close();
    }
}
