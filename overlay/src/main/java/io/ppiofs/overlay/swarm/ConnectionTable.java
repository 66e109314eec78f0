package io.ppiofs.overlay.swarm;

import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which connections there are, and how many inbound ones each peer and prefix holds. Guarded by its own lock; the events
 * are called inside it, in the order of the changes, and must only hand on.
 */
final class ConnectionTable {
    /** First and last connections of peers. */
    interface Events {
        void added(SwarmConnection connection, boolean firstOfPeer);

        void removed(SwarmConnection connection, boolean lastOfPeer);
    }

    /** Streams on the least busy bulk connection from which on another one is worth its handshake. */
    private static final int BUSY_STREAMS = 8;

    private final PeerId self;
    private final SwarmOptions options;
    private final Events events;
    private final Map<PeerId, List<SwarmConnection>> peers = new HashMap<>();
    private final Map<PeerId, Integer> inboundPerPeer = new HashMap<>();
    private final Map<Prefix, Integer> inboundPerPrefix = new HashMap<>();
    private final Set<SwarmConnection> reserved = new HashSet<>();
    private int size;

    ConnectionTable(PeerId self, SwarmOptions options, Events events) {
        this.self = self;
        this.options = options;
        this.events = events;
    }

    /** Takes an inbound slot, held until {@link #remove}; says which limit forbids it. */
    synchronized SwarmMetrics.@Nullable Refusal reserve(SwarmConnection connection) {
        if (reserved.size() >= options.pool().most()) {
            return SwarmMetrics.Refusal.TOTAL_LIMIT;
        }
        PeerId peer = connection.remotePeer();
        if (inboundPerPeer.getOrDefault(peer, 0) >= options.inbound().perPeer()) {
            return SwarmMetrics.Refusal.PEER_LIMIT;
        }
        Optional<Prefix> prefix = Prefix.of(connection.remoteAddress());
        if (prefix.isPresent()
                && inboundPerPrefix.getOrDefault(prefix.get(), 0)
                        >= options.inbound().perPrefix()) {
            return SwarmMetrics.Refusal.PREFIX_LIMIT;
        }
        if (reserved.add(connection)) {
            inboundPerPeer.merge(peer, 1, Integer::sum);
            prefix.ifPresent(p -> inboundPerPrefix.merge(p, 1, Integer::sum));
        }
        return null;
    }

    /** Adds an admitted connection; a later inbound one beside another inbound one of the peer carries bulk. */
    synchronized void add(SwarmConnection connection) {
        List<SwarmConnection> list = peers.computeIfAbsent(connection.remotePeer(), peer -> new ArrayList<>(1));
        if (connection.direction() == Direction.INBOUND) {
            boolean further = list.stream()
                    .anyMatch(other -> !other.relayed()
                            && other.connectionClass() == ConnectionClass.CONTROL
                            && (other.direction() == Direction.INBOUND
                                    || other.age().compareTo(options.dialing().timeout()) > 0));
            connection.setConnectionClass(
                    further && !connection.relayed() ? ConnectionClass.BULK : ConnectionClass.CONTROL);
        }
        list.add(connection);
        size++;
        events.added(connection, list.size() == 1);
    }

    synchronized void remove(SwarmConnection connection) {
        PeerId peer = connection.remotePeer();
        if (reserved.remove(connection)) {
            inboundPerPeer.computeIfPresent(peer, (p, n) -> n == 1 ? null : n - 1);
            Prefix.of(connection.remoteAddress())
                    .ifPresent(prefix -> inboundPerPrefix.computeIfPresent(prefix, (p, n) -> n == 1 ? null : n - 1));
        }
        List<SwarmConnection> list = peers.get(peer);
        if (list != null && list.remove(connection)) {
            size--;
            if (list.isEmpty()) {
                peers.remove(peer);
            }
            events.removed(connection, list.isEmpty());
        }
    }

    /** The connection that a new stream of this class should use. */
    synchronized Optional<SwarmConnection> best(PeerId peer, ConnectionClass wanted, boolean overLimited) {
        return peers.getOrDefault(peer, List.of()).stream()
                .filter(c -> c.isOpen() && (overLimited || !c.limited()))
                .min(order(wanted));
    }

    private Comparator<SwarmConnection> order(ConnectionClass wanted) {
        return Comparator.comparing(SwarmConnection::relayed)
                .thenComparing(c -> c.connectionClass() != wanted)
                .thenComparing(c -> wanted == ConnectionClass.BULK ? c.foregroundStreams() : 0)
                .thenComparing(c -> !c.dialledBySmaller(self));
    }

    /** Whether a further connection for bulk transfers to this peer would help and is allowed. */
    synchronized boolean wantsBulk(PeerId peer) {
        List<SwarmConnection> direct = peers.getOrDefault(peer, List.of()).stream()
                .filter(c -> !c.relayed())
                .toList();
        boolean streamsAreIndependent =
                direct.stream().anyMatch(c -> c.description().startsWith("quic"));
        List<SwarmConnection> bulk = direct.stream()
                .filter(c -> c.connectionClass() == ConnectionClass.BULK)
                .toList();
        boolean free = bulk.stream().anyMatch(c -> c.foregroundStreams() < BUSY_STREAMS);
        return !direct.isEmpty()
                && !streamsAreIndependent
                && !free
                && bulk.size() < options.dialing().bulkPerPeer();
    }

    /**
     * Of control connections that both sides dialled at once, those that lose: the one that the smaller peer id dialled
     * stays. Both sides decide alike.
     */
    synchronized List<SwarmConnection> losers(PeerId peer) {
        List<SwarmConnection> control = peers.getOrDefault(peer, List.of()).stream()
                .filter(c -> c.isOpen() && !c.relayed() && c.connectionClass() == ConnectionClass.CONTROL)
                .toList();
        boolean won = control.stream().anyMatch(c -> c.dialledBySmaller(self));
        return won ? control.stream().filter(c -> !c.dialledBySmaller(self)).toList() : List.of();
    }

    synchronized List<Connection> all() {
        List<Connection> all = new ArrayList<>(size);
        peers.values().forEach(all::addAll);
        return all;
    }

    synchronized List<SwarmConnection> allViews() {
        List<SwarmConnection> all = new ArrayList<>(size);
        peers.values().forEach(all::addAll);
        return all;
    }

    synchronized List<Connection> of(PeerId peer) {
        return List.copyOf(peers.getOrDefault(peer, List.of()));
    }

    synchronized boolean has(PeerId peer) {
        return peers.containsKey(peer);
    }

    synchronized Set<PeerId> peers() {
        return new HashSet<>(peers.keySet());
    }

    synchronized int size() {
        return size;
    }

    /** Connections that may go, the least valuable first: unused ones before used ones, then by score and last use. */
    synchronized List<SwarmConnection> prunable(Scores scores, Duration grace) {
        return allViews().stream()
                .filter(c -> c.age().compareTo(grace) > 0 && !scores.isProtected(c.remotePeer()))
                .sorted(Comparator.comparingInt((SwarmConnection c) -> scores.score(c.remotePeer()))
                        .thenComparing(c -> c.foregroundStreams() > 0)
                        .thenComparing(SwarmConnection::sinceUse, Comparator.reverseOrder()))
                .toList();
    }
}
