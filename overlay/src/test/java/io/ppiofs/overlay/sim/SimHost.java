package io.ppiofs.overlay.sim;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.AddressBook;
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
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A host of the simulated network. Dialling takes two round trips, then identify tells both sides the other's addresses
 * and protocols after one more; changes of protocols are pushed.
 */
public final class SimHost implements Host {
    /** How long a cone NAT lets a host in that was dialled from behind it. */
    private static final long MAPPING_NANOS = 10_000_000_000L;

    record Service(HandlerOptions options, StreamHandler handler) {}

    private record Target(PeerId peer, ConnectionClass connectionClass) {}

    private final SimNetwork network;
    private final int index;
    private final IdentityKey key;
    private final Multiaddr address;
    private final Nat nat;
    private final List<Multiaddr> own;
    private final SimAddressBook addressBook;
    private final Map<ProtocolId, Service> services = new HashMap<>(4);
    private final Map<ProtocolId, Service> hijacked = new HashMap<>(2);
    private final Map<PeerId, List<SimConnection>> connections = new HashMap<>();
    private final Map<Target, CompletableFuture<Connection>> dials = new HashMap<>(4);
    private final Map<PeerId, Map<String, Integer>> tags = new HashMap<>(2);
    private final Map<SimHost, Long> dialled = new HashMap<>(2);
    private final List<HostListener> listeners = new ArrayList<>(2);
    private List<Multiaddr> addresses;
    private Set<ProtocolId> protocols = Set.of();
    private Predicate<ProtocolId> swallowed = protocol -> false;
    private SimScheduler scheduler;
    private boolean up = true;
    private int life;
    private int connectionCount;
    private long uploadFree;

    SimHost(SimNetwork network, int index, IdentityKey key, Multiaddr address, Nat nat) {
        this.network = network;
        this.index = index;
        this.key = key;
        this.address = address;
        this.nat = nat;
        this.own = List.of(address);
        this.addresses = own;
        this.addressBook = new SimAddressBook(network, this);
        this.scheduler = new SimScheduler(network, this, life);
    }

    // --- what tests do to a host
    // --------------------------------------------------------------------------------------

    /** Number in the order of adding, from 0. */
    public int index() {
        return index;
    }

    public Multiaddr address() {
        return address;
    }

    public Nat nat() {
        return nat;
    }

    public boolean isUp() {
        return up;
    }

    /** Puts a host's address into the address book, as a bootstrap list does. */
    public void knows(SimHost other) {
        addressBook.addAddresses(other.id(), List.of(other.address), AddressBook.CONFIRMED);
    }

    /** Streams of these protocols open, and then nothing ever comes back: a peer that silently drops requests. */
    public void swallow(Predicate<ProtocolId> which) {
        swallowed = which;
    }

    /**
     * Serves this protocol by {@code handler} in the place of the one that is registered, which stays registered and
     * announced: a node that has turned hostile. Null gives the host back to its own handler.
     */
    public void hijack(ProtocolId protocol, @Nullable StreamHandler handler) {
        if (handler == null) {
            hijacked.remove(protocol);
        } else {
            hijacked.put(protocol, new Service(HandlerOptions.DEFAULT, handler));
        }
    }

    /** Tells peers these addresses instead of the true one. */
    public void announce(List<Multiaddr> value) {
        addresses = List.copyOf(value);
        listeners.forEach(listener -> scheduler.execute(() -> listener.onAddressesChanged(addresses)));
    }

    /** Power off: peers notice after the dead peer timeout. Handlers, listeners and timers are gone; addresses stay. */
    public void crash() {
        down(false);
    }

    /** The process ends: peers notice at once. */
    public void stop() {
        down(true);
    }

    private void down(boolean tell) {
        for (List<SimConnection> some : connections.values()) {
            some.forEach(connection -> connection.die(tell));
        }
        up = false;
        life++;
        connections.clear();
        connectionCount = 0;
        dials.clear();
        services.clear();
        protocols = Set.of();
        listeners.clear();
        tags.clear();
    }

    /** Comes back with the same key and address, without protocols: the test sets them up again on this object. */
    public void restart() {
        if (up) {
            throw new IllegalStateException("the host is up");
        }
        up = true;
        life++;
        scheduler = new SimScheduler(network, this, life);
    }

    // --- Host
    // ---------------------------------------------------------------------------------------------------------

    @Override
    public IdentityKey key() {
        return key;
    }

    @Override
    public Scheduler scheduler() {
        return scheduler;
    }

    @Override
    public AddressBook addressBook() {
        return addressBook;
    }

    @Override
    public List<Multiaddr> addresses() {
        return addresses;
    }

    @Override
    public void handle(ProtocolId protocol, HandlerOptions options, StreamHandler handler) {
        services.put(protocol, new Service(options, handler));
        protocolsChanged();
    }

    @Override
    public void unhandle(ProtocolId protocol) {
        services.remove(protocol);
        protocolsChanged();
    }

    private void protocolsChanged() {
        Set<ProtocolId> now = Collections.unmodifiableSet(new LinkedHashSet<>(services.keySet()));
        if (!now.equals(protocols)) {
            protocols = now;
            for (List<SimConnection> some : connections.values()) {
                identifyTo(some.get(0));
            }
        }
    }

    @Override
    public Set<ProtocolId> protocols() {
        return protocols;
    }

    @Override
    public CompletableFuture<Connection> connect(PeerId peer, OpenOptions options) {
        SimConnection there = existing(peer, options.connectionClass());
        if (there != null) {
            return CompletableFuture.completedFuture(there);
        }
        if (peer.equals(id())) {
            return failed(ErrorKind.INVALID, peer, "that is this host itself");
        }
        List<Multiaddr> known = addressBook.addresses(peer);
        if (!options.dial()) {
            return failed(ErrorKind.NOT_CONNECTED, peer, "there is no connection and none is to be made");
        }
        if (known.isEmpty()) {
            return failed(ErrorKind.NOT_FOUND, peer, "no address is known");
        }
        Target target = new Target(peer, options.connectionClass());
        CompletableFuture<Connection> dial = dials.get(target);
        if (dial == null) {
            dial = new CompletableFuture<>();
            dials.put(target, dial);
            CompletableFuture<Connection> started = dial;
            started.whenComplete((connection, error) -> dials.remove(target, started));
            dialAll(target, known, started);
        }
        return bounded(dial, options);
    }

    private static <T> CompletableFuture<T> failed(ErrorKind kind, PeerId peer, String detail) {
        return CompletableFuture.failedFuture(new PpiofsException(kind, "connect to", peer.toString(), detail));
    }

    /** A view of {@code dial} that ends by the caller's timeout. */
    private <T> CompletableFuture<T> bounded(CompletableFuture<T> dial, OpenOptions options) {
        CompletableFuture<T> view = dial.copy();
        Scheduler.Timer timer = scheduler.schedule(
                options.timeout(),
                () -> view.completeExceptionally(
                        PpiofsException.expected(ErrorKind.NOT_CONNECTED, "connect", "timed out")));
        view.whenComplete((value, error) -> timer.cancel());
        return view;
    }

    private void dialAll(Target target, List<Multiaddr> known, CompletableFuture<Connection> dial) {
        int[] left = {known.size()};
        Runnable oneFailed = () -> {
            if (--left[0] == 0) {
                dial.completeExceptionally(new PpiofsException(
                        ErrorKind.NOT_CONNECTED, "connect to", target.peer.toString(), "no address answers"));
            }
        };
        for (Multiaddr to : known) {
            SimHost other = network.at(to);
            if (other == null || !other.lets(this) || !network.reachable(this, other)) {
                network.post(network.dialTimeout().toNanos(), true, this, life, oneFailed);
            } else {
                handshake(other, target, dial, oneFailed);
            }
            if (other != null && nat == Nat.CONE) {
                dialled.put(other, network.nanoTime());
            }
        }
    }

    /** Whether the NAT in front of this host lets a packet of {@code from} in. */
    private boolean lets(SimHost from) {
        Long mapped = dialled.get(from);
        return switch (nat) {
            case PUBLIC -> true;
            case CONE -> mapped != null && from.nat != Nat.SYMMETRIC && network.nanoTime() - mapped < MAPPING_NANOS;
            case SYMMETRIC -> false;
        };
    }

    /** Three ways until the other side has the connection, the fourth brings it here. */
    private void handshake(SimHost other, Target target, CompletableFuture<Connection> dial, Runnable oneFailed) {
        long oneWay = network.oneWay(this, other);
        int remoteLife = other.life;
        long timeout = network.dialTimeout().toNanos();
        Scheduler.Timer timer = network.post(timeout + 4 * oneWay, true, this, life, oneFailed);
        network.post(3 * oneWay, false, other, remoteLife, () -> {
            if (!network.reachable(this, other)) {
                return; // the timer will tell
            }
            if (!other.id().equals(target.peer)) {
                network.post(oneWay, false, this, life, () -> {
                    timer.cancel();
                    oneFailed.run(); // somebody else lives there
                });
                return;
            }
            SimConnection existing = other.existing(id(), target.connectionClass);
            SimConnection there = existing != null ? existing : other.accept(this, target.connectionClass);
            network.post(oneWay, false, this, life, () -> {
                timer.cancel();
                established(there, dial);
            });
        });
    }

    private SimConnection accept(SimHost from, ConnectionClass connectionClass) {
        SimConnection here = new SimConnection(network, this, from, Direction.INBOUND, connectionClass);
        here.pairWith(new SimConnection(network, from, this, Direction.OUTBOUND, connectionClass));
        added(here);
        return here;
    }

    private void established(SimConnection there, CompletableFuture<Connection> dial) {
        SimConnection here = there.other();
        if (!here.isOpen()) {
            dial.completeExceptionally(
                    PpiofsException.expected(ErrorKind.NOT_CONNECTED, "connect", "closed by the peer"));
            return;
        }
        added(here);
        dial.complete(here);
    }

    private void added(SimConnection connection) {
        List<SimConnection> some = connections.computeIfAbsent(connection.remotePeer(), peer -> new ArrayList<>(1));
        if (some.contains(connection)) {
            return;
        }
        some.add(connection);
        connectionCount++;
        boolean first = some.size() == 1;
        tell(listener -> {
            if (first) {
                listener.onConnected(connection.remotePeer());
            }
            listener.onConnection(connection);
        });
        if (first) {
            identifyTo(connection);
        }
        if (connectionCount > network.maxConnections()) {
            prune();
        }
    }

    /** The other side learns this host's addresses and protocols one round trip after the connection was made. */
    private void identifyTo(SimConnection connection) {
        SimHost to = connection.remote();
        network.post(2 * network.oneWay(this, to), false, to, to.life, () -> {
            if (connection.other().isOpen() && up) {
                to.identified(this);
            }
        });
    }

    private void identified(SimHost peer) {
        addressBook.addAddresses(peer.id(), peer.addresses, AddressBook.CONFIRMED);
        addressBook.setProtocols(peer.id(), peer.protocols);
        Set<ProtocolId> spoken = peer.protocols;
        tell(listener -> listener.onIdentified(peer.id(), spoken));
    }

    private void tell(Consumer<HostListener> event) {
        for (HostListener listener : listeners) {
            scheduler.execute(() -> event.accept(listener));
        }
    }

    void ended(SimConnection connection) {
        List<SimConnection> some = connections.get(connection.remotePeer());
        if (some == null || !some.remove(connection)) {
            return;
        }
        connectionCount--;
        if (some.isEmpty()) {
            connections.remove(connection.remotePeer());
            addressBook.addAddresses(connection.remotePeer(), connection.remote().addresses, AddressBook.CONFIRMED);
            tell(listener -> listener.onDisconnected(connection.remotePeer()));
        }
    }

    void dropUnreachable() {
        for (List<SimConnection> some : List.copyOf(connections.values())) {
            for (SimConnection connection : some) {
                if (!network.reachable(this, connection.remote())) {
                    connection.doom();
                }
            }
        }
    }

    /** A connection that may be closed, and what it is worth. */
    private record Idle(SimConnection connection, int worth) {}

    private void prune() {
        List<Idle> idle = new ArrayList<>();
        for (List<SimConnection> some : connections.values()) {
            for (SimConnection connection : some) {
                if (connection.idle() && connection.lastUsed() < network.nanoTime() - 1_000_000_000L) {
                    idle.add(new Idle(connection, worth(connection.remotePeer())));
                }
            }
        }
        idle.sort(Comparator.comparingInt(Idle::worth)
                .thenComparingLong(one -> one.connection.lastUsed())
                .thenComparingInt(one -> one.connection.remote().index));
        int excess = connectionCount - network.maxConnections() * 9 / 10;
        for (int i = 0; i < Math.min(excess, idle.size()); i++) {
            idle.get(i).connection.close();
        }
    }

    private int worth(PeerId peer) {
        int sum = 0;
        for (int value : tags.getOrDefault(peer, Map.of()).values()) {
            sum += value;
        }
        return sum;
    }

    private @Nullable SimConnection existing(PeerId peer, ConnectionClass connectionClass) {
        for (SimConnection connection : connections.getOrDefault(peer, List.of())) {
            if (connection.isOpen() && connection.connectionClass() == connectionClass) {
                return connection;
            }
        }
        return null;
    }

    @Override
    public CompletableFuture<Stream> open(PeerId peer, List<ProtocolId> wanted, OpenOptions options) {
        SimConnection there = existing(peer, options.connectionClass());
        CompletableFuture<Stream> opened = there != null
                ? there.open(wanted)
                : connect(peer, options).thenCompose(connection -> connection.open(wanted));
        return bounded(opened, options).whenComplete((stream, error) -> {
            if (error != null) {
                opened.completeExceptionally(error); // a late answer resets the stream
            }
        });
    }

    @Override
    public List<Connection> connections() {
        List<Connection> all = new ArrayList<>();
        connections.values().forEach(all::addAll);
        return all;
    }

    @Override
    public List<Connection> connections(PeerId peer) {
        return List.copyOf(connections.getOrDefault(peer, List.of()));
    }

    @Override
    public Set<PeerId> connectedPeers() {
        return new LinkedHashSet<>(connections.keySet()); // Set.copyOf has another order in each JVM
    }

    @Override
    public boolean isConnected(PeerId peer) {
        return connections.containsKey(peer);
    }

    @Override
    public CompletableFuture<Void> disconnect(PeerId peer) {
        for (SimConnection connection : List.copyOf(connections.getOrDefault(peer, List.of()))) {
            connection.close();
        }
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public void tag(PeerId peer, String tag, int value) {
        Map<String, Integer> mine = tags.computeIfAbsent(peer, p -> new HashMap<>(2));
        if (value == 0) {
            mine.remove(tag);
        } else {
            mine.put(tag, value);
        }
        if (mine.isEmpty()) {
            tags.remove(peer);
        }
    }

    @Override
    public void addListener(HostListener listener) {
        listeners.add(listener);
    }

    @Override
    public void removeListener(HostListener listener) {
        listeners.remove(listener);
    }

    // --- for connections
    // ----------------------------------------------------------------------------------------------

    /** Its true address, alone. */
    List<Multiaddr> own() {
        return own;
    }

    boolean lives(int which) {
        return up && life == which;
    }

    int life() {
        return life;
    }

    boolean swallows(ProtocolId protocol) {
        return swallowed.test(protocol);
    }

    @Nullable
    Service service(ProtocolId protocol) {
        Service other = hijacked.get(protocol);
        return other == null ? services.get(protocol) : other;
    }

    /** When a message of this size has left, if it is given to the network card now. */
    long upload(int bytes) {
        uploadFree = Math.max(uploadFree, network.nanoTime()) + network.uploadNanos(bytes);
        return uploadFree;
    }

    @Override
    public String toString() {
        return "host " + index;
    }
}
