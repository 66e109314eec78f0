package io.ppiofs.overlay.swarm;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.host.StreamHandler;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.StreamUpgrader;
import io.ppiofs.overlay.transport.Transport;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A host on real transports. Make it, add handlers and listeners, then {@link #listen}; {@link #close} ends all. Errors
 * and thread rules as {@link Host}'s.
 */
public final class Swarm implements Host, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Swarm.class);
    private static final Duration HOUSEKEEPING = Duration.ofSeconds(10);
    private static final int SAVE_EVERY = 30;

    /** Who waits for a connection to a peer. */
    private record Waiter(OpenOptions options, CompletableFuture<Connection> result) {}

    private final IdentityKey key;
    private final SwarmOptions options;
    private final ConnectionGate gate;
    private final SwarmMetrics metrics;
    private final LoopScheduler scheduler;
    private final PeerStore book;
    private final @Nullable PeerFile file;
    private final Scores scores = new Scores();
    private final OwnAddresses own;
    private final StreamRouter router;
    private final ConnectionTable table;
    private final Dialer dialer;
    private final List<Transport> transports;
    private final StreamUpgrader upgrader;
    private final Runnable release;
    private final List<HostListener> listeners = new CopyOnWriteArrayList<>();
    private final List<Transport.Listener> sockets = new CopyOnWriteArrayList<>();
    private final Map<PeerId, List<Waiter>> waiters = new HashMap<>(); // on the scheduler
    private final AtomicBoolean pruning = new AtomicBoolean();
    private final AtomicBoolean closed = new AtomicBoolean();
    private int rounds; // on the scheduler

    /** @param peersFile where the address book is kept between runs, or null */
    public Swarm(
            IdentityKey key,
            SwarmOptions options,
            TransportFactory factory,
            ConnectionGate gate,
            SwarmMetrics metrics,
            @Nullable Path peersFile) {
        this.key = key;
        this.options = options;
        this.gate = gate;
        this.metrics = metrics;
        this.scheduler = new LoopScheduler("ppiofs-swarm");
        this.book = new PeerStore(scheduler, options.book());
        this.file = peersFile == null ? null : new PeerFile(peersFile);
        this.own = new OwnAddresses(options.book().announced());
        this.router = new StreamRouter(scheduler, options, gate, metrics);
        this.table = new ConnectionTable(key.peerId(), options, new TableEvents());
        TransportFactory.Set set = factory.create(key, router);
        this.transports = new CopyOnWriteArrayList<>(set.transports());
        this.upgrader = set.upgrader();
        this.release = set.release();
        this.dialer = new Dialer(
                scheduler, options.dialing(), transports, book, gate, metrics, own::all, raw -> register(raw));
        book.pin(table::has);
        restore();
        Duration half = options.pool().idle().dividedBy(2);
        scheduler.scheduleRepeating(half.compareTo(HOUSEKEEPING) < 0 ? half : HOUSEKEEPING, this::keepHouse);
    }

    /** A transport that needs the swarm itself: circuits over relays. */
    public void addTransport(Transport transport) {
        transports.add(transport);
    }

    /** Makes connections of relayed streams, for such a transport. */
    public StreamUpgrader upgrader() {
        return upgrader;
    }

    public SwarmMetrics metrics() {
        return metrics;
    }

    public SwarmOptions options() {
        return options;
    }

    // ------------------------------------------------------------------------------------------------ host

    @Override
    public IdentityKey key() {
        return key;
    }

    @Override
    public Scheduler scheduler() {
        return scheduler;
    }

    @Override
    public PeerStore addressBook() {
        return book;
    }

    @Override
    public List<Multiaddr> addresses() {
        return own.all();
    }

    @Override
    public void handle(ProtocolId protocol, HandlerOptions handlerOptions, StreamHandler handler) {
        router.handle(protocol, handlerOptions, handler);
        protocolsChanged();
    }

    @Override
    public void unhandle(ProtocolId protocol) {
        router.unhandle(protocol);
        protocolsChanged();
    }

    /** The swarm's own kind of listener hears of it: identify pushes to peers. */
    private void protocolsChanged() {
        each(listener -> {
            if (listener instanceof SwarmListener own) {
                own.onProtocolsChanged();
            }
        });
    }

    @Override
    public Set<ProtocolId> protocols() {
        return router.protocols();
    }

    @Override
    public List<Connection> connections() {
        return table.all();
    }

    @Override
    public List<Connection> connections(PeerId peer) {
        return table.of(peer);
    }

    @Override
    public boolean isConnected(PeerId peer) {
        return table.has(peer);
    }

    @Override
    public Set<PeerId> connectedPeers() {
        return table.peers();
    }

    @Override
    public void tag(PeerId peer, String tag, int value) {
        scores.tag(peer, tag, value);
    }

    /** Connections of this peer are neither pruned nor closed for idleness until {@link #unprotect} with the same reason. */
    public void protect(PeerId peer, String reason) {
        scores.protect(peer, reason);
    }

    public void unprotect(PeerId peer, String reason) {
        scores.unprotect(peer, reason);
    }

    @Override
    public void addListener(HostListener listener) {
        listeners.add(listener);
    }

    @Override
    public void removeListener(HostListener listener) {
        listeners.remove(listener);
    }

    private void each(Consumer<HostListener> call) {
        scheduler.execute(() -> listeners.forEach(listener -> {
            try {
                call.accept(listener);
            } catch (RuntimeException e) {
                LOG.warn("a listener of the swarm failed", e);
            }
        }));
    }

    @Override
    public CompletableFuture<Void> disconnect(PeerId peer) {
        return CompletableFuture.allOf(
                table.of(peer).stream().map(Connection::close).toArray(CompletableFuture<?>[]::new));
    }

    // ------------------------------------------------------------------------------------------- connecting

    @Override
    public CompletableFuture<Connection> connect(PeerId peer, OpenOptions open) {
        Optional<PpiofsException> senseless = refuseDial(peer);
        if (senseless.isPresent()) {
            return CompletableFuture.failedFuture(senseless.get());
        }
        boolean moreBulk = open.connectionClass() == ConnectionClass.BULK && open.dial() && table.wantsBulk(peer);
        Optional<SwarmConnection> ready = table.best(peer, open.connectionClass(), open.overLimited());
        if (ready.isPresent() && !(moreBulk && ready.get().connectionClass() != ConnectionClass.BULK)) {
            if (moreBulk) {
                scheduler.execute(() -> dialer.dial(peer, ConnectionClass.BULK));
            }
            return CompletableFuture.completedFuture(ready.get());
        }
        if (!open.dial()) {
            return CompletableFuture.failedFuture(new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "connect", peer.toString(), "there is no connection and none is wanted"));
        }
        CompletableFuture<Connection> result = new CompletableFuture<>();
        timeOut(result, open.timeout(), peer);
        scheduler.execute(() -> await(peer, new Waiter(open, result)));
        return result;
    }

    private Optional<PpiofsException> refuseDial(PeerId peer) {
        if (closed.get()) {
            return Optional.of(new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "connect", peer.toString(), "this node has been closed"));
        }
        return peer.equals(id())
                ? Optional.of(new PpiofsException(
                        ErrorKind.INVALID, "connect", peer.toString(), "this is the node's own peer id"))
                : Optional.empty();
    }

    private void timeOut(CompletableFuture<?> result, Duration timeout, PeerId peer) {
        Scheduler.Timer timer = scheduler.schedule(
                timeout,
                () -> result.completeExceptionally(new PpiofsException(
                        ErrorKind.NOT_CONNECTED,
                        "connect",
                        peer.toString(),
                        "no usable connection within " + timeout.toMillis() + " ms")));
        result.whenComplete((value, failure) -> timer.cancel());
    }

    private void await(PeerId peer, Waiter waiter) {
        waiters.computeIfAbsent(peer, p -> new ArrayList<>(1)).add(waiter);
        waiter.result.whenComplete((connection, failure) -> scheduler.execute(() -> forget(peer, waiter)));
        if (waiter.options.connectionClass() != ConnectionClass.BULK || !table.has(peer)) {
            satisfy(peer);
        }
        if (!waiter.result.isDone()) {
            dial(peer, waiter, true);
        }
    }

    private void dial(PeerId peer, Waiter waiter, boolean mayDialAgain) {
        dialer.dial(peer, waiter.options.connectionClass())
                .whenComplete((connection, failure) ->
                        scheduler.execute(() -> dialled(peer, waiter, connection, failure, mayDialAgain)));
    }

    private void dialled(
            PeerId peer,
            Waiter waiter,
            @Nullable Connection connection,
            @Nullable Throwable failure,
            boolean mayDialAgain) {
        OpenOptions open = waiter.options;
        Optional<SwarmConnection> best = table.best(peer, open.connectionClass(), open.overLimited());
        if (best.isPresent()) {
            waiter.result.complete(best.get());
        } else if (failure != null) {
            waiter.result.completeExceptionally(unwrapped(failure));
        } else if (mayDialAgain && connection != null && !connection.isOpen()) {
            dial(peer, waiter, false); // the dial was another's, who has closed the connection since
        } // else only a limited connection: hole punching may still bring a direct one before the timeout
    }

    private static Throwable unwrapped(Throwable failure) {
        Throwable cause = failure.getCause();
        return failure instanceof java.util.concurrent.CompletionException && cause != null ? cause : failure;
    }

    private void forget(PeerId peer, Waiter waiter) {
        List<Waiter> own = waiters.get(peer);
        if (own != null && own.remove(waiter) && own.isEmpty()) {
            waiters.remove(peer);
        }
    }

    private void satisfy(PeerId peer) {
        for (Waiter waiter : List.copyOf(waiters.getOrDefault(peer, List.of()))) {
            table.best(peer, waiter.options.connectionClass(), waiter.options.overLimited())
                    .ifPresent(waiter.result::complete);
        }
    }

    /**
     * Connects to exactly this address, which ends in {@code /p2p/PEER}; back-off does not count. An open connection to
     * the peer is returned as it is, unless it is relayed and the address is not.
     */
    public CompletableFuture<Connection> connect(Multiaddr address) {
        Optional<PeerId> peer = address.peer();
        if (peer.isEmpty()) {
            return CompletableFuture.failedFuture(new PpiofsException(
                    ErrorKind.INVALID, "connect", address.toString(), "the address must end in /p2p/PEER"));
        }
        Optional<PpiofsException> senseless = refuseDial(peer.get());
        if (senseless.isPresent()) {
            return CompletableFuture.failedFuture(senseless.get());
        }
        Optional<SwarmConnection> ready = table.best(peer.get(), ConnectionClass.CONTROL, true);
        boolean better = AddressScope.of(address) != AddressScope.RELAYED;
        if (ready.isPresent() && !(better && ready.get().relayed())) {
            return CompletableFuture.completedFuture(ready.get());
        }
        return dialDirect(peer.get(), address);
    }

    public CompletableFuture<Connection> dialDirect(PeerId peer, Multiaddr address) {
        return dialDirect(peer, List.of(address));
    }

    /**
     * Dials these addresses even if there is a connection to the peer already, whatever the back-off says; the first that
     * answers is the result. For upgrades from a relay, and AutoNAT.
     */
    public CompletableFuture<Connection> dialDirect(PeerId peer, List<Multiaddr> addresses) {
        CompletableFuture<Connection> result = new CompletableFuture<>();
        scheduler.execute(() -> dialer.dialAddresses(peer, addresses).whenComplete((connection, failure) -> {
            if (failure == null) {
                result.complete(connection);
            } else {
                result.completeExceptionally(unwrapped(failure));
            }
        }));
        return result;
    }

    /** Dials at an agreed moment, as {@link Transport#punch}. */
    public CompletableFuture<Connection> punch(PeerId peer, Multiaddr address, Direction role, Duration timeout) {
        Optional<Transport> transport =
                transports.stream().filter(t -> t.dials(address)).findFirst();
        if (transport.isEmpty() || !gate.mayDial(peer, address)) {
            return CompletableFuture.failedFuture(
                    PpiofsException.expected(ErrorKind.NOT_SUPPORTED, "punch", address.toString()));
        }
        return transport.get().punch(address, peer, role, timeout).thenCompose(this::register);
    }

    @Override
    public CompletableFuture<Stream> open(PeerId peer, List<ProtocolId> protocols, OpenOptions open) {
        CompletableFuture<Stream> result = new CompletableFuture<>();
        timeOut(result, open.timeout(), peer);
        tryOpen(peer, protocols, open, result, true);
        return result;
    }

    private void tryOpen(
            PeerId peer,
            List<ProtocolId> protocols,
            OpenOptions open,
            CompletableFuture<Stream> result,
            boolean again) {
        connect(peer, open).whenComplete((connection, failure) -> {
            if (failure != null) {
                result.completeExceptionally(unwrapped(failure));
                return;
            }
            connection.open(protocols).whenComplete((stream, cause) -> {
                boolean lost = cause != null && !connection.isOpen();
                if (lost && again && !result.isDone()) {
                    tryOpen(peer, protocols, open, result, false); // the connection had died unnoticed
                } else if (cause != null) {
                    result.completeExceptionally(unwrapped(cause));
                } else if (!result.complete(stream)) {
                    stream.reset(); // came after the timeout
                }
            });
        });
    }

    // -------------------------------------------------------------------------------------------- accepting

    /** Listens; the result is the address with its real port. Fails with NOT_SUPPORTED if no transport takes the address. */
    public CompletableFuture<Multiaddr> listen(Multiaddr address) {
        Optional<Transport> transport =
                transports.stream().filter(t -> t.listens(address)).findFirst();
        if (transport.isEmpty()) {
            return CompletableFuture.failedFuture(new PpiofsException(
                    ErrorKind.NOT_SUPPORTED, "listen on", address.toString(), "no transport takes this address"));
        }
        return transport.get().listen(address, this::accept).thenApply(socket -> {
            sockets.add(socket);
            if (closed.get()) {
                socket.close();
            }
            boolean relayed = AddressScope.of(socket.address()) == AddressScope.RELAYED;
            if (!relayed && own.listening(socket.address())) { // a relay's place announces itself while it stands
                addressesChanged();
            }
            return socket.address();
        });
    }

    /** Sockets as they are bound, without {@code /p2p}. */
    public List<Multiaddr> listening() {
        return own.bound();
    }

    /** Sets the addresses that {@code source} (observation, port mapping, relays, configuration) knows; replaces earlier ones. */
    public void announce(String source, List<Multiaddr> addresses) {
        if (own.set(source, addresses)) {
            addressesChanged();
        }
    }

    private void addressesChanged() {
        List<Multiaddr> now = own.all();
        each(listener -> listener.onAddressesChanged(now));
    }

    /** Takes a connection that was accepted by a transport outside of {@link #listen}: a relay's. */
    public void accept(Connection raw) {
        var unused = register(raw);
    }

    /**
     * Checks limits and gate, then makes the connection visible. Called on the thread that made it; a second call for the same
     * connection (accepted, and punched for) gives the same result.
     */
    private CompletableFuture<Connection> register(Connection raw) {
        SwarmConnection connection = router.view(raw);
        CompletableFuture<Connection> mine = new CompletableFuture<>();
        CompletableFuture<Connection> earlier = connection.registering(mine);
        if (earlier != null) {
            return earlier;
        }
        check(connection).whenComplete((admitted, failure) -> {
            if (failure == null) {
                mine.complete(admitted);
            } else {
                mine.completeExceptionally(failure);
            }
        });
        return mine;
    }

    private CompletableFuture<Connection> check(SwarmConnection connection) {
        SwarmMetrics.Refusal refusal = refusal(connection);
        if (refusal != null) {
            return refuse(connection, refusal, "a limit is reached or it is our own");
        }
        CompletableFuture<Connection> result = new CompletableFuture<>();
        connection.closed().whenComplete((done, failure) -> removed(connection, result));
        CompletableFuture<Void> check = gate.admit(connection);
        if (check.isDone()) {
            admitted(connection, check, result);
            return result;
        }
        Scheduler.Timer timer = scheduler.schedule(
                options.inbound().gateTimeout(),
                () -> check.completeExceptionally(
                        PpiofsException.expected(ErrorKind.ACCESS_DENIED, "admit", "no proof in time")));
        check.whenComplete((yes, failure) -> {
            timer.cancel();
            admitted(connection, check, result);
        });
        return result;
    }

    private SwarmMetrics.@Nullable Refusal refusal(SwarmConnection connection) {
        if (connection.remotePeer().equals(id())) {
            return SwarmMetrics.Refusal.SELF;
        }
        return connection.direction() == Direction.INBOUND ? table.reserve(connection) : null;
    }

    private <T> CompletableFuture<T> refuse(SwarmConnection connection, SwarmMetrics.Refusal why, String detail) {
        metrics.refused(why);
        LOG.debug("refused {}: {} {}", connection, why, detail);
        connection.refuse();
        return CompletableFuture.failedFuture(new PpiofsException(
                ErrorKind.ACCESS_DENIED, "connect", connection.remotePeer().toString(), why + ": " + detail));
    }

    private void admitted(
            SwarmConnection connection, CompletableFuture<Void> check, CompletableFuture<Connection> result) {
        if (check.isCompletedExceptionally() || closed.get()) {
            this.<Connection>refuse(connection, SwarmMetrics.Refusal.GATE, "the gate does not admit it")
                    .whenComplete((none, failure) -> result.completeExceptionally(failure));
            return;
        }
        table.add(connection);
        if (!connection.isOpen()) {
            removed(connection, result); // it ended while it was being added
            return;
        }
        connection.admit();
        result.complete(connection);
        if (table.size() > options.pool().highWater() && pruning.compareAndSet(false, true)) {
            scheduler.execute(this::prune);
        }
    }

    private void removed(SwarmConnection connection, CompletableFuture<Connection> result) {
        table.remove(connection);
        result.completeExceptionally(PpiofsException.expected(
                ErrorKind.NOT_CONNECTED, "connect", connection.remotePeer().toString()));
    }

    /** Called inside the table's lock: hands on to the scheduler, in order. */
    private final class TableEvents implements ConnectionTable.Events {
        @Override
        public void added(SwarmConnection connection, boolean firstOfPeer) {
            metrics.connectionOpened(connection);
            PeerId peer = connection.remotePeer();
            each(listener -> {
                if (firstOfPeer) {
                    listener.onConnected(peer);
                }
                listener.onConnection(connection);
            });
            scheduler.execute(() -> satisfy(peer));
            scheduler.schedule(options.pool().duplicateGrace(), () -> settleDuplicates(peer));
        }

        @Override
        public void removed(SwarmConnection connection, boolean lastOfPeer) {
            metrics.connectionClosed(connection, connection.age());
            if (lastOfPeer) {
                each(listener -> listener.onDisconnected(connection.remotePeer()));
            }
        }
    }

    // ------------------------------------------------------------------------------------------ housekeeping

    private void settleDuplicates(PeerId peer) {
        List<SwarmConnection> losers = table.losers(peer);
        boolean wait = false;
        for (SwarmConnection loser : losers) {
            if (loser.openStreams() == 0) {
                var unused = loser.close();
            } else {
                wait = true; // its streams live until they end; new ones go to the other connection
            }
        }
        if (wait) {
            scheduler.schedule(options.pool().duplicateGrace(), () -> settleDuplicates(peer));
        }
    }

    private void prune() {
        pruning.set(false);
        int surplus = table.size() - options.pool().lowWater();
        Iterator<SwarmConnection> least =
                table.prunable(scores, options.pool().grace()).iterator();
        while (surplus > 0 && least.hasNext()) {
            var unused = least.next().close();
            surplus--;
        }
    }

    private void keepHouse() {
        for (SwarmConnection connection : table.allViews()) {
            PeerId peer = connection.remotePeer();
            boolean unused = connection.foregroundStreams() == 0
                    && connection.sinceUse().compareTo(options.pool().idle()) > 0;
            if (unused && scores.score(peer) <= 0 && !scores.isProtected(peer)) {
                var ignored = connection.close();
            }
        }
        if (table.size() > options.pool().highWater()) {
            prune();
        }
        if (own.rebuild()) {
            addressesChanged();
        }
        book.sweep();
        if (++rounds % SAVE_EVERY == 0) {
            var ignored = CompletableFuture.runAsync(this::save);
        }
    }

    /** Connections on which nothing has been heard for this long; for keep-alive. */
    public List<Connection> silent(Duration time) {
        return table.allViews().stream()
                .filter(connection -> connection.sinceHeard().compareTo(time) > 0)
                .map(Connection.class::cast)
                .toList();
    }

    /** What a peer told of itself, checked; listeners hear of it. Called by identify. */
    public void identified(PeerId peer, Set<ProtocolId> protocols, @Nullable String agent) {
        book.setProtocols(peer, protocols);
        if (agent != null) {
            book.setAgent(peer, agent);
        }
        each(listener -> listener.onIdentified(peer, protocols));
    }

    private void restore() {
        if (file != null) {
            try {
                book.restore(file.load());
            } catch (IOException e) {
                LOG.warn("read the file of peers: {}; peers will be learnt again", e.toString());
            }
        }
    }

    private synchronized void save() {
        if (file != null) {
            try {
                file.save(book.snapshot());
            } catch (IOException e) {
                LOG.warn("write the file of peers: {}; free some space or check its directory", e.toString());
            }
        }
    }

    /** Ends listeners, connections and the scheduler; saves the address book. Idempotent; waits at most some seconds. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        save();
        sockets.forEach(Transport.Listener::close);
        CompletableFuture<?>[] ends =
                table.all().stream().map(Connection::close).toArray(CompletableFuture<?>[]::new);
        try {
            CompletableFuture.allOf(ends).get(3, java.util.concurrent.TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
            LOG.debug("some connections did not end in time", e);
        }
        List<Transport> reverse = new ArrayList<>(transports);
        java.util.Collections.reverse(reverse);
        reverse.forEach(Transport::close);
        release.run();
        scheduler.close();
    }
}
