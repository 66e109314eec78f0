package io.ppiofs.overlay.swarm;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.host.StreamHandler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A transport's connection with what the swarm knows of it: whether it was admitted, its streams, when it was last used.
 * All that protocols see of a connection is this object.
 */
final class SwarmConnection implements Connection {
    /** Admission: streams wait while PENDING. */
    private enum State {
        PENDING,
        ADMITTED,
        REFUSED
    }

    /** An inbound stream that waits for the admission of its connection. */
    private record Waiting(StreamHandler handler, TrackedStream stream) {}

    private final Connection raw;
    private final Scheduler scheduler;
    private final SwarmMetrics metrics;
    private final Duration negotiation;
    private final long openedNanos;
    private final Set<TrackedStream> streams = ConcurrentHashMap.newKeySet();
    private final AtomicInteger foreground = new AtomicInteger();
    private final Deque<Waiting> waiting = new ArrayDeque<>(); // guarded by this
    private State state = State.PENDING; // guarded by this
    private volatile ConnectionClass connectionClass;
    private volatile long lastUseNanos;
    private volatile long lastHeardNanos;

    private final AtomicReference<@Nullable CompletableFuture<Connection>> registration = new AtomicReference<>();

    SwarmConnection(Connection raw, Scheduler scheduler, SwarmMetrics metrics, Duration negotiation) {
        this.raw = raw;
        this.scheduler = scheduler;
        this.metrics = metrics;
        this.negotiation = negotiation;
        this.connectionClass = raw.connectionClass();
        this.openedNanos = scheduler.nanoTime();
        this.lastUseNanos = openedNanos;
        this.lastHeardNanos = openedNanos;
    }

    @Override
    public PeerId remotePeer() {
        return raw.remotePeer();
    }

    @Override
    public PublicKey remoteKey() {
        return raw.remoteKey();
    }

    @Override
    public Multiaddr remoteAddress() {
        return raw.remoteAddress();
    }

    @Override
    public Multiaddr localAddress() {
        return raw.localAddress();
    }

    @Override
    public Direction direction() {
        return raw.direction();
    }

    @Override
    public ConnectionClass connectionClass() {
        return connectionClass;
    }

    void setConnectionClass(ConnectionClass value) {
        connectionClass = value;
    }

    @Override
    public boolean limited() {
        return raw.limited();
    }

    /** Whether a third node carries it, with limits or without: worse than any direct one. */
    boolean relayed() {
        return raw.limited() || raw.remoteAddress().has(AddressProtocol.P2P_CIRCUIT);
    }

    @Override
    public String description() {
        return raw.description();
    }

    @Override
    public boolean isOpen() {
        return raw.isOpen();
    }

    @Override
    public CompletableFuture<Void> closed() {
        return raw.closed();
    }

    @Override
    public CompletableFuture<Void> close() {
        return raw.close();
    }

    @Override
    public CompletableFuture<Stream> open(List<ProtocolId> protocols) {
        CompletableFuture<Stream> result = new CompletableFuture<>();
        Scheduler.Timer timer = scheduler.schedule(
                negotiation,
                () -> result.completeExceptionally(new PpiofsException(
                        ErrorKind.NOT_CONNECTED,
                        "open stream to",
                        remotePeer().toString(),
                        "no answer within " + negotiation.toMillis() + " ms")));
        raw.open(protocols).whenComplete((stream, failure) -> {
            timer.cancel();
            if (failure != null) {
                result.completeExceptionally(failure);
                return;
            }
            TrackedStream tracked = track(stream);
            if (!result.complete(tracked)) {
                tracked.reset(); // came after the timeout
            }
        });
        return result;
    }

    /** Takes {@code mine} as the outcome of this connection's admission, unless there is one already: then that is returned. */
    @Nullable
    CompletableFuture<Connection> registering(CompletableFuture<Connection> mine) {
        return registration.compareAndSet(null, mine) ? null : registration.get();
    }

    TrackedStream track(Stream stream) {
        TrackedStream tracked = new TrackedStream(stream, this, metrics);
        streams.add(tracked);
        if (!tracked.background()) {
            foreground.incrementAndGet();
            lastUseNanos = scheduler.nanoTime();
        }
        if (!raw.isOpen()) {
            tracked.end(); // the end of the connection may have passed by already
        }
        return tracked;
    }

    void streamEnded(TrackedStream stream) {
        if (streams.remove(stream) && !stream.background()) {
            foreground.decrementAndGet();
            lastUseNanos = scheduler.nanoTime();
        }
        stream.ended();
    }

    void endAllStreams() {
        streams.forEach(TrackedStream::end);
    }

    /** Streams of protocols that are not about the connection itself. */
    int foregroundStreams() {
        return foreground.get();
    }

    int openStreams() {
        return streams.size();
    }

    void later(Duration delay, Runnable task) {
        scheduler.schedule(delay, task);
    }

    void heard() {
        lastHeardNanos = scheduler.nanoTime();
    }

    Duration sinceUse() {
        return Duration.ofNanos(scheduler.nanoTime() - lastUseNanos);
    }

    Duration sinceHeard() {
        return Duration.ofNanos(scheduler.nanoTime() - lastHeardNanos);
    }

    Duration age() {
        return Duration.ofNanos(scheduler.nanoTime() - openedNanos);
    }

    /** Whether the connection was dialled by the peer with the smaller id: of two made at once, this one stays. */
    boolean dialledBySmaller(PeerId self) {
        return (direction() == Direction.OUTBOUND) == (self.compareTo(remotePeer()) < 0);
    }

    /** Serves {@code stream} now, when the connection is admitted, or not at all. */
    void serve(StreamHandler handler, TrackedStream stream, int mostWaiting) {
        synchronized (this) {
            if (state == State.PENDING && waiting.size() < mostWaiting) {
                waiting.add(new Waiting(handler, stream));
                return;
            }
            if (state != State.ADMITTED) {
                stream.reset();
                return;
            }
        }
        handler.onStream(stream);
    }

    /** Streams that waited are served on the caller's thread. */
    void admit() {
        while (true) {
            Waiting next;
            synchronized (this) {
                next = waiting.poll();
                if (next == null) {
                    state = state == State.PENDING ? State.ADMITTED : state;
                    return;
                }
            }
            next.handler.onStream(next.stream);
        }
    }

    void refuse() {
        synchronized (this) {
            state = State.REFUSED;
            waiting.clear(); // closing the connection ends them
        }
        var unused = raw.close();
    }

    synchronized boolean admitted() {
        return state == State.ADMITTED;
    }

    @Override
    public String toString() {
        return description() + " " + direction() + " " + remoteAddress() + "/p2p/" + remotePeer();
    }
}
