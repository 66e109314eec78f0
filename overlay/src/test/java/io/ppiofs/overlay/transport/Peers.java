package io.ppiofs.overlay.transport;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.host.StreamHandler;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.tcp.TcpTransport;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** One peer of a test: transports with handlers, connections that came in, violations that it counted. */
final class Peers {
    static final ProtocolId ECHO = new ProtocolId("/test/echo/1.0.0");
    static final Duration TIMEOUT = Duration.ofSeconds(10);

    private Peers() {}

    /** A node with a TCP or other transport. */
    static final class Node implements AutoCloseable {
        final IdentityKey key = IdentityKey.generate(new SecureRandom());
        final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        final Map<ProtocolId, StreamHandler> handlers = new ConcurrentHashMap<>();
        final BlockingQueue<Connection> inbound = new LinkedBlockingQueue<>();
        final BlockingQueue<Violation> violations = new LinkedBlockingQueue<>();
        final Transport transport;

        Node(TransportOptions options) {
            this(options, TcpTransport::new);
        }

        Node(TransportOptions options, Factory factory) {
            handlers.put(ECHO, stream -> stream.read(new Echo(stream)));
            StreamAcceptor acceptor = (connection, protocol) -> handlers.get(protocol);
            transport = factory.make(key, acceptor, options.withMetrics(metrics()), group);
        }

        private TransportMetrics metrics() {
            return new TransportMetrics() {
                @Override
                public void onViolation(Violation reason, Multiaddr remote) {
                    violations.add(reason);
                }
            };
        }

        Multiaddr listen(String address) {
            return await(transport.listen(Multiaddr.parse(address), inbound::add))
                    .address();
        }

        Multiaddr listen() {
            return listen("/ip4/127.0.0.1/tcp/0");
        }

        Connection dial(Multiaddr address, Node to) {
            return await(transport.dial(address, to.key.peerId(), ConnectionClass.CONTROL, TIMEOUT));
        }

        @Override
        public void close() {
            inbound.forEach(Connection::close);
            transport.close();
            group.shutdownGracefully(0, 2, TimeUnit.SECONDS).syncUninterruptibly();
        }
    }

    interface Factory {
        Transport make(IdentityKey key, StreamAcceptor acceptor, TransportOptions options, EventLoopGroup group);
    }

    static <T> T await(CompletableFuture<T> future) {
        try {
            return future.get(30, TimeUnit.SECONDS);
        } catch (java.util.concurrent.ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new AssertionError(e);
        } catch (InterruptedException | java.util.concurrent.TimeoutException e) {
            throw new AssertionError("not done in 30 s", e);
        }
    }

    /** Sends back what comes, stops reading while the way back is full. */
    static final class Echo implements Stream.Reader {
        private final Stream stream;

        Echo(Stream stream) {
            this.stream = stream;
        }

        @Override
        public void onData(ByteBuf data) {
            stream.write(data);
            if (!stream.isWritable()) {
                stream.setReading(false);
            }
        }

        @Override
        public void onEnd() {
            stream.closeWrite();
        }

        @Override
        public void onReset(Throwable cause) {
            // nothing is kept
        }

        @Override
        public void onWritabilityChanged(boolean writable) {
            stream.setReading(writable);
        }
    }

    /** Collects all bytes until the end. */
    static class Collector implements Stream.Reader {
        final CompletableFuture<byte[]> all = new CompletableFuture<>();
        private final java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();

        @Override
        public void onData(ByteBuf data) {
            byte[] piece = new byte[data.readableBytes()];
            data.readBytes(piece);
            data.release();
            bytes.writeBytes(piece);
        }

        @Override
        public void onEnd() {
            all.complete(bytes.toByteArray());
        }

        @Override
        public void onReset(Throwable cause) {
            all.completeExceptionally(cause);
        }
    }

    static Stream open(Connection connection, ProtocolId protocol) {
        return await(connection.open(List.of(protocol)));
    }
}
