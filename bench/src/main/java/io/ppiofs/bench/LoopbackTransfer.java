package io.ppiofs.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslHandler;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.StreamAcceptor;
import io.ppiofs.overlay.transport.Transport;
import io.ppiofs.overlay.transport.TransportOptions;
import io.ppiofs.overlay.transport.quic.QuicTransport;
import io.ppiofs.overlay.transport.tcp.TcpTransport;
import io.ppiofs.overlay.transport.tls.PeerCertificate;
import io.ppiofs.overlay.transport.tls.TlsContext;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Two ends on the loopback interface, each with one event loop, that carry bytes in one direction: {@link Bare} over
 * Netty's TLS alone, {@link Muxed} over a stream of a transport. Both write pieces of 64 KiB while the way is free.
 */
final class LoopbackTransfer {
    private static final int PIECE = 64 * 1024;
    private static final long TIMEOUT_SECONDS = 60;

    private LoopbackTransfer() {}

    private static EventLoopGroup loop() {
        return new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    }

    private static <T> T await(CompletableFuture<T> future) throws Exception {
        return future.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    }

    /** Counts down what arrives. Waits are set before the sender begins. */
    private static final class Countdown {
        private final CompletableFuture<Void> done = new CompletableFuture<>();
        private long left;

        Countdown(long bytes) {
            left = bytes;
        }

        void arrived(ByteBuf data) {
            left -= data.readableBytes();
            data.release();
            if (left <= 0) {
                done.complete(null);
            }
        }
    }

    /** TLS without anything above it, over the engine and certificates that the transport uses. */
    static final class Bare implements AutoCloseable {
        private final EventLoopGroup senderLoop = loop();
        private final EventLoopGroup receiverLoop = loop();
        private final TlsContext tls;
        private final Channel listening;
        private final Channel sender;
        private volatile @Nullable Countdown countdown;

        Bare() throws Exception {
            IdentityKey identity = IdentityKey.generate(new SecureRandom());
            tls = new TlsContext(PeerCertificate.generate(identity, new SecureRandom()), true, List.of());
            listening = new ServerBootstrap()
                    .group(receiverLoop)
                    .channel(NioServerSocketChannel.class)
                    .childHandler(new Receiver())
                    .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .sync()
                    .channel();
            sender = new Bootstrap()
                    .group(senderLoop)
                    .channel(NioSocketChannel.class)
                    .handler(new ChannelInitializer<Channel>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            channel.pipeline().addLast(tls.handler(true, channel.alloc()));
                        }
                    })
                    .connect(listening.localAddress())
                    .sync()
                    .channel();
            sender.pipeline().get(SslHandler.class).handshakeFuture().sync();
        }

        private final class Receiver extends ChannelInitializer<Channel> {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(tls.handler(false, channel.alloc()), new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext ctx, Object message) {
                        Countdown counting = countdown;
                        if (counting != null) {
                            counting.arrived((ByteBuf) message);
                        } else {
                            ctx.writeAndFlush(message, ctx.voidPromise());
                        }
                    }
                });
            }
        }

        /** As {@link Muxed#dialToPing}, over TLS alone. Not after {@link #transfer}. */
        long dialToPing() throws Exception {
            long begun = System.nanoTime();
            Countdown counting = new Countdown(32);
            Channel channel = new Bootstrap()
                    .group(senderLoop)
                    .channel(NioSocketChannel.class)
                    .handler(new ChannelInitializer<Channel>() {
                        @Override
                        protected void initChannel(Channel made) {
                            made.pipeline()
                                    .addLast(tls.handler(true, made.alloc()), new ChannelInboundHandlerAdapter() {
                                        @Override
                                        public void channelRead(ChannelHandlerContext ctx, Object message) {
                                            counting.arrived((ByteBuf) message);
                                        }
                                    });
                        }
                    })
                    .connect(listening.localAddress())
                    .sync()
                    .channel();
            channel.pipeline().get(SslHandler.class).handshakeFuture().sync();
            channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[32]));
            await(counting.done);
            long took = System.nanoTime() - begun;
            channel.close().sync();
            return took;
        }

        /** Nanoseconds to carry {@code bytes}. */
        long transfer(long bytes) throws Exception {
            Countdown counting = new Countdown(bytes);
            countdown = counting;
            long begun = System.nanoTime();
            Sender writing = new Sender(bytes);
            sender.eventLoop().execute(() -> {
                sender.pipeline().addLast(writing);
                writing.fill(sender);
            });
            await(counting.done);
            long took = System.nanoTime() - begun;
            sender.eventLoop().submit(() -> sender.pipeline().remove(writing)).sync();
            return took;
        }

        private static final class Sender extends ChannelInboundHandlerAdapter {
            private long left;

            Sender(long bytes) {
                left = bytes;
            }

            void fill(Channel channel) {
                while (left > 0 && channel.isWritable()) {
                    ByteBuf piece = channel.alloc().directBuffer(PIECE).writerIndex(PIECE);
                    left -= PIECE;
                    channel.writeAndFlush(piece, channel.voidPromise());
                }
            }

            @Override
            public void channelWritabilityChanged(ChannelHandlerContext ctx) {
                fill(ctx.channel());
            }
        }

        @Override
        public void close() throws Exception {
            sender.close().sync();
            listening.close().sync();
            senderLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
            receiverLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
            tls.close();
        }
    }

    /** One stream of a transport. */
    static final class Muxed implements AutoCloseable {
        private static final ProtocolId SINK = new ProtocolId("/ppiofs-bench/sink/1.0.0");
        private static final ProtocolId ECHO = new ProtocolId("/ppiofs-bench/echo/1.0.0");
        private static final Duration TIMEOUT = Duration.ofSeconds(10);

        private final EventLoopGroup senderLoop = loop();
        private final EventLoopGroup receiverLoop = loop();
        private final IdentityKey receiverKey = IdentityKey.generate(new SecureRandom());
        private final Transport sender;
        private final Transport receiver;
        private final Multiaddr address;
        private final Stream stream;
        private volatile @Nullable Countdown countdown;

        private Muxed(boolean quic, TransportOptions options) throws Exception {
            StreamAcceptor acceptor = (connection, protocol) -> protocol.equals(SINK)
                    ? opened -> opened.read(new Sink())
                    : protocol.equals(ECHO) ? opened -> opened.read(new Echo(opened)) : null;
            IdentityKey senderKey = IdentityKey.generate(new SecureRandom());
            sender = quic
                    ? new QuicTransport(senderKey, acceptor, options, senderLoop)
                    : new TcpTransport(senderKey, acceptor, options, senderLoop);
            receiver = quic
                    ? new QuicTransport(receiverKey, acceptor, options, receiverLoop)
                    : new TcpTransport(receiverKey, acceptor, options, receiverLoop);
            Multiaddr any = Multiaddr.parse(quic ? "/ip4/127.0.0.1/udp/0/quic-v1" : "/ip4/127.0.0.1/tcp/0");
            address = await(receiver.listen(any, connection -> {})).address();
            stream = await(dial().open(List.of(SINK)));
        }

        static Muxed tcp(TransportOptions options) throws Exception {
            return new Muxed(false, options);
        }

        static Muxed quic(TransportOptions options) throws Exception {
            return new Muxed(true, options);
        }

        private Connection dial() throws Exception {
            return await(sender.dial(address, receiverKey.peerId(), ConnectionClass.BULK, TIMEOUT));
        }

        /** Nanoseconds to carry {@code bytes}. */
        long transfer(long bytes) throws Exception {
            Countdown counting = new Countdown(bytes);
            countdown = counting;
            long begun = System.nanoTime();
            Sender writing = new Sender(stream, bytes);
            stream.read(writing);
            writing.fill();
            await(counting.done);
            return System.nanoTime() - begun;
        }

        /** Nanoseconds from dialling to the first echo of 32 bytes over a new connection, which is closed again. */
        long dialToPing() throws Exception {
            long begun = System.nanoTime();
            Connection connection = dial();
            Stream ping = await(connection.open(List.of(ECHO)));
            Countdown counting = new Countdown(32);
            ping.read(new Answer(counting));
            ping.write(Unpooled.wrappedBuffer(new byte[32]));
            await(counting.done);
            long took = System.nanoTime() - begun;
            await(connection.close());
            return took;
        }

        private static class Quiet implements Stream.Reader {
            @Override
            public void onData(ByteBuf data) {
                data.release();
            }

            @Override
            public void onEnd() {
                // the measurement counts bytes
            }

            @Override
            public void onReset(Throwable cause) {
                // the measurement counts bytes
            }
        }

        private final class Sink extends Quiet {
            @Override
            public void onData(ByteBuf data) {
                Countdown counting = countdown;
                if (counting == null) {
                    data.release();
                } else {
                    counting.arrived(data);
                }
            }
        }

        private static final class Answer extends Quiet {
            private final Countdown countdown;

            Answer(Countdown countdown) {
                this.countdown = countdown;
            }

            @Override
            public void onData(ByteBuf data) {
                countdown.arrived(data);
            }
        }

        private static final class Echo extends Quiet {
            private final Stream stream;

            Echo(Stream stream) {
                this.stream = stream;
            }

            @Override
            public void onData(ByteBuf data) {
                stream.write(data);
            }
        }

        /** Fills the stream on whatever thread tells that it is writable: one at a time. */
        private static final class Sender extends Quiet {
            private final Stream stream;
            private long left;

            Sender(Stream stream, long bytes) {
                this.stream = stream;
                this.left = bytes;
            }

            synchronized void fill() {
                while (left > 0 && stream.isWritable()) {
                    ByteBuf piece = ByteBufAllocator.DEFAULT.directBuffer(PIECE).writerIndex(PIECE);
                    left -= PIECE;
                    stream.write(piece);
                }
            }

            @Override
            public void onWritabilityChanged(boolean writable) {
                if (writable) {
                    fill();
                }
            }
        }

        @Override
        public void close() throws Exception {
            await(stream.connection().close());
            sender.close();
            receiver.close();
            senderLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
            receiverLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
        }
    }
}
