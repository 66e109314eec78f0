package io.ppiofs.overlay.swarm;

import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.DefaultEventExecutor;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.host.StreamHandler;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.StreamAcceptor;
import io.ppiofs.overlay.transport.StreamUpgrader;
import io.ppiofs.overlay.transport.Transport;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Transports without sockets: any address that begins with an IP or a memory name may be listened on, handshakes take no
 * time and lie about nothing. Dials to addresses in {@code blackHoles} never end before their timeout; an address in {@code
 * turnsAway} closes so many connections before the handshake.
 */
public final class MemoryNetwork implements AutoCloseable {
    private record Socket(Node node, Consumer<Connection> accepted) {}

    private final EventExecutor loop = new DefaultEventExecutor(new DefaultThreadFactory("memory-network", true));
    private final Map<Multiaddr, Socket> sockets = new ConcurrentHashMap<>();
    public final Set<Multiaddr> blackHoles = ConcurrentHashMap.newKeySet();
    public final Map<Multiaddr, Integer> turnsAway = new ConcurrentHashMap<>();
    public final List<Multiaddr> dialled = java.util.Collections.synchronizedList(new ArrayList<>());

    /** Transports of a node whose outbound connections seem to come from {@code source}. */
    public TransportFactory factory(Multiaddr source) {
        return (key, acceptor) -> {
            Node node = new Node(key, acceptor, source);
            return new TransportFactory.Set(List.of(node), node, () -> {});
        };
    }

    @Override
    public void close() {
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    private final class Node implements Transport, StreamUpgrader {
        final IdentityKey key;
        final StreamAcceptor acceptor;
        final Multiaddr source;

        Node(IdentityKey key, StreamAcceptor acceptor, Multiaddr source) {
            this.key = key;
            this.acceptor = acceptor;
            this.source = source;
        }

        @Override
        public boolean dials(Multiaddr address) {
            return AddressScope.of(address) != AddressScope.RELAYED;
        }

        @Override
        public boolean listens(Multiaddr address) {
            return dials(address);
        }

        @Override
        public CompletableFuture<Connection> dial(
                Multiaddr address, PeerId expected, ConnectionClass connectionClass, Duration timeout) {
            dialled.add(address);
            CompletableFuture<Connection> result = new CompletableFuture<>();
            Socket socket = sockets.get(address.withoutPeer());
            if (blackHoles.contains(address.withoutPeer())) {
                loop.schedule(
                        () -> result.completeExceptionally(failure(ErrorKind.NOT_CONNECTED, address)),
                        timeout.toMillis(),
                        TimeUnit.MILLISECONDS);
                return result;
            }
            loop.execute(() -> {
                if (turnsAway.merge(address.withoutPeer(), -1, Integer::sum) >= 0) {
                    result.completeExceptionally(failure(ErrorKind.BUSY, address));
                } else if (socket == null) {
                    result.completeExceptionally(failure(ErrorKind.NOT_CONNECTED, address));
                } else if (expected != null && !socket.node.key.peerId().equals(expected)) {
                    result.completeExceptionally(failure(ErrorKind.ACCESS_DENIED, address));
                } else {
                    Link here = new Link(this, socket.node, Direction.OUTBOUND, address.withoutPeer(), connectionClass);
                    Link there = new Link(socket.node, this, Direction.INBOUND, source, ConnectionClass.CONTROL);
                    here.other = there;
                    there.other = here;
                    socket.accepted.accept(there);
                    result.complete(here);
                }
            });
            return result;
        }

        private PpiofsException failure(ErrorKind kind, Multiaddr address) {
            return new PpiofsException(kind, "dial", address.toString(), "nobody or another peer listens");
        }

        @Override
        public CompletableFuture<Connection> punch(
                Multiaddr address, PeerId expected, Direction role, Duration timeout) {
            return dial(address, expected, ConnectionClass.CONTROL, timeout);
        }

        @Override
        public CompletableFuture<Listener> listen(Multiaddr address, Consumer<Connection> accepted) {
            sockets.put(address, new Socket(this, accepted));
            return CompletableFuture.completedFuture(new Listener() {
                @Override
                public Multiaddr address() {
                    return address;
                }

                @Override
                public void close() {
                    sockets.remove(address);
                }
            });
        }

        @Override
        public CompletableFuture<Connection> upgrade(
                Stream stream, Direction role, PeerId expected, Multiaddr remote, boolean limited, Duration timeout) {
            return CompletableFuture.failedFuture(failure(ErrorKind.NOT_SUPPORTED, remote));
        }

        @Override
        public void close() {}
    }

    private final class Link implements Connection {
        final Node own;
        final Node peer;
        final Direction direction;
        final Multiaddr remote;
        final ConnectionClass connectionClass;
        final CompletableFuture<Void> closed = new CompletableFuture<>();
        final Set<Pipe> pipes = ConcurrentHashMap.newKeySet();
        Link other;

        Link(Node own, Node peer, Direction direction, Multiaddr remote, ConnectionClass connectionClass) {
            this.own = own;
            this.peer = peer;
            this.direction = direction;
            this.remote = remote;
            this.connectionClass = connectionClass;
        }

        @Override
        public PeerId remotePeer() {
            return peer.key.peerId();
        }

        @Override
        public PublicKey remoteKey() {
            return peer.key.publicKey();
        }

        @Override
        public Multiaddr remoteAddress() {
            return remote;
        }

        @Override
        public Multiaddr localAddress() {
            return direction == Direction.OUTBOUND ? own.source : other.remote;
        }

        @Override
        public Direction direction() {
            return direction;
        }

        @Override
        public ConnectionClass connectionClass() {
            return connectionClass;
        }

        @Override
        public boolean limited() {
            return false;
        }

        @Override
        public String description() {
            return "memory";
        }

        @Override
        public CompletableFuture<Stream> open(List<ProtocolId> protocols) {
            CompletableFuture<Stream> result = new CompletableFuture<>();
            loop.execute(() -> {
                if (!isOpen()) {
                    result.completeExceptionally(new PpiofsException(
                            ErrorKind.NOT_CONNECTED, "open", remote.toString(), "the connection has ended"));
                    return;
                }
                for (ProtocolId protocol : protocols) {
                    StreamHandler handler = other.own.acceptor.handler(other, protocol);
                    if (handler != null) {
                        Pipe here = new Pipe(this, protocol, Direction.OUTBOUND);
                        Pipe there = new Pipe(other, protocol, Direction.INBOUND);
                        here.other = there;
                        there.other = here;
                        result.complete(here);
                        handler.onStream(there);
                        return;
                    }
                }
                result.completeExceptionally(new PpiofsException(
                        ErrorKind.NOT_SUPPORTED, "open", remote.toString(), "none of " + protocols));
            });
            return result;
        }

        @Override
        public boolean isOpen() {
            return !closed.isDone();
        }

        @Override
        public CompletableFuture<Void> closed() {
            return closed;
        }

        @Override
        public CompletableFuture<Void> close() {
            loop.execute(() -> {
                end();
                other.end();
            });
            return closed;
        }

        private void end() {
            if (closed.complete(null)) {
                pipes.forEach(pipe -> pipe.lost(new IllegalStateException("the connection has ended")));
            }
        }
    }

    /** One end of a stream; all events on the network's loop. */
    private final class Pipe implements Stream {
        final Link link;
        final ProtocolId protocol;
        final Direction direction;
        final Deque<ByteBuf> queue = new ArrayDeque<>();
        Pipe other;
        Reader reader;
        boolean reading = true;
        boolean ended;
        boolean endDelivered;
        boolean dead;

        Pipe(Link link, ProtocolId protocol, Direction direction) {
            this.link = link;
            this.protocol = protocol;
            this.direction = direction;
            link.pipes.add(this);
        }

        @Override
        public ProtocolId protocol() {
            return protocol;
        }

        @Override
        public Connection connection() {
            return link;
        }

        @Override
        public Direction direction() {
            return direction;
        }

        @Override
        public void read(Reader value) {
            loop.execute(() -> {
                reader = value;
                deliver();
            });
        }

        @Override
        public void setReading(boolean value) {
            loop.execute(() -> {
                reading = value;
                deliver();
            });
        }

        private void deliver() {
            while (!dead && reader != null && reading && !queue.isEmpty()) {
                reader.onData(queue.poll());
            }
            if (!dead && reader != null && reading && ended && !endDelivered && queue.isEmpty()) {
                endDelivered = true;
                reader.onEnd();
            }
        }

        @Override
        public CompletableFuture<Void> write(ByteBuf data) {
            CompletableFuture<Void> done = new CompletableFuture<>();
            loop.execute(() -> {
                if (dead || other.dead) {
                    data.release();
                    done.completeExceptionally(new IllegalStateException("the stream has ended"));
                    return;
                }
                other.queue.add(data);
                other.deliver();
                done.complete(null);
            });
            return done;
        }

        @Override
        public boolean isWritable() {
            return true;
        }

        @Override
        public CompletableFuture<Void> closeWrite() {
            loop.execute(() -> {
                other.ended = true;
                other.deliver();
            });
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void reset() {
            loop.execute(() -> {
                lost(new IllegalStateException("reset"));
                other.lost(new IllegalStateException("reset by the other side"));
            });
        }

        void lost(Throwable cause) {
            if (!dead) {
                dead = true;
                link.pipes.remove(this);
                queue.forEach(ByteBuf::release);
                queue.clear();
                if (reader != null && !endDelivered) {
                    reader.onReset(cause);
                }
            }
        }
    }
}
