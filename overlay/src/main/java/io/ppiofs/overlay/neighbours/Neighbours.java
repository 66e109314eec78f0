package io.ppiofs.overlay.neighbours;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.ping.Ping;
import io.ppiofs.overlay.swarm.AddressScope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a node connected with peers near to it. Each round: neighbours are pinged, and dropped when they do not answer; the
 * next candidates are pinged; one neighbour is asked for its neighbours, which become candidates; free places go to the
 * fastest candidates, and a candidate that is clearly faster than the slowest neighbour takes its place. Any thread may call;
 * state is on the host's scheduler.
 */
public final class Neighbours implements HostListener, AutoCloseable {
    /** The tag that keeps a neighbour's connection when some must go. */
    public static final String TAG = "neighbour";

    private static final Logger LOG = LoggerFactory.getLogger(Neighbours.class);
    private static final int TAG_VALUE = 50;
    private static final int MAX_REQUEST = 16;
    private static final int MAX_ASKERS = 1_024;
    private static final int REPLACED_PER_ROUND = 2;
    private static final int SEARCH_EVERY = 8;
    private static final Duration ASK_PAUSE = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    /** What a new measurement counts beside the older ones. */
    private static final double FRESH = 0.3;

    private final Host host;
    private final Scheduler scheduler;
    private final Ping ping;
    private final ProtocolId protocol;
    private final NeighbourOptions options;
    private final Map<PeerId, Measured> neighbours = new LinkedHashMap<>();
    private final Map<PeerId, Measured> candidates = new LinkedHashMap<>();
    private final Map<PeerId, Long> askers = new LinkedHashMap<>();
    private final History history;
    private Supplier<CompletableFuture<? extends Collection<PeerId>>> source =
            () -> CompletableFuture.completedFuture(List.of());
    private Scheduler.@Nullable Timer timer;
    private volatile List<Neighbour> view = List.of();
    private int rounds;
    private boolean closed;

    /** @param network the network's id, or empty for {@code /ppiofs/neighbours/1.0.0} */
    public Neighbours(Host host, String network, NeighbourOptions options) {
        this.host = host;
        this.scheduler = host.scheduler();
        this.ping = new Ping(host, PATIENCE);
        this.protocol = new ProtocolId(
                network.isEmpty() ? "/ppiofs/neighbours/1.0.0" : "/ppiofs/" + network + "/neighbours/1.0.0");
        this.options = options;
        this.history = new History(options.past());
    }

    /** A peer and what its pings have shown. */
    private static final class Measured {
        final PeerId peer;
        double nanos;
        int failures;
        boolean busy;
        long since;

        Measured(PeerId peer) {
            this.peer = peer;
        }

        boolean known() {
            return nanos > 0 && failures == 0;
        }

        void took(Duration time) {
            nanos = nanos == 0 ? time.toNanos() : nanos + FRESH * (time.toNanos() - nanos);
            failures = 0;
        }

        Optional<Duration> roundTrip() {
            return nanos == 0 ? Optional.empty() : Optional.of(Duration.ofNanos((long) nanos));
        }
    }

    public ProtocolId protocol() {
        return protocol;
    }

    /**
     * Where candidates come from beside neighbours, asked now and then: peers near a random point of the DHT, say. Their
     * addresses must be in the address book by then. Before {@link #start}.
     */
    public void candidatesFrom(Supplier<CompletableFuture<? extends Collection<PeerId>>> value) {
        source = value;
    }

    /** Begins to answer and to look for neighbours, those of the past first. */
    public void start(List<PastNeighbour> past) {
        host.handle(protocol, HandlerOptions.DEFAULT.withMaxStreamsPerPeer(2), this::accept);
        host.addListener(this);
        scheduler.execute(() -> {
            long now = scheduler.wallMillis();
            for (PastNeighbour one : past) {
                history.put(one, now);
            }
            for (PastNeighbour one : history.all(now)) {
                host.addressBook().addAddresses(one.peer(), one.addresses(), AddressBook.TOLD);
                consider(one.peer());
            }
            host.connectedPeers().forEach(this::consider);
            round();
        });
    }

    /** Ends the looking; connections stay. Idempotent. */
    @Override
    public void close() {
        host.removeListener(this);
        host.unhandle(protocol);
        scheduler.execute(() -> {
            closed = true;
            if (timer != null) {
                timer.cancel();
            }
            List.copyOf(neighbours.keySet()).forEach(this::remember);
        });
    }

    /** The neighbours now, fastest first. */
    public List<Neighbour> neighbours() {
        return view;
    }

    /** How far a neighbour is; empty if the peer is none. */
    public Optional<Duration> roundTrip(PeerId peer) {
        return view.stream().filter(one -> one.peer().equals(peer)).findFirst().flatMap(Neighbour::roundTrip);
    }

    /** Peers that may become neighbours, measured or not. */
    public CompletableFuture<List<Neighbour>> candidates() {
        return CompletableFuture.supplyAsync(
                () -> candidates.values().stream()
                        .map(one -> new Neighbour(one.peer, one.roundTrip(), Duration.ZERO))
                        .toList(),
                scheduler);
    }

    /** Past and present neighbours, for {@link HistoryFile} and the next {@link #start}; most time together first. */
    public CompletableFuture<List<PastNeighbour>> history() {
        return CompletableFuture.supplyAsync(
                () -> {
                    List.copyOf(neighbours.keySet()).forEach(this::remember);
                    return history.all(scheduler.wallMillis());
                },
                scheduler);
    }

    /** The user has moved: all neighbours become candidates to be measured anew, and the list is built again. */
    public void reset() {
        scheduler.execute(() -> {
            List<PeerId> old = List.copyOf(neighbours.keySet());
            old.forEach(this::demote);
            candidates.values().forEach(one -> one.nanos = 0);
            history.all(scheduler.wallMillis()).forEach(one -> consider(one.peer()));
            show();
            for (Measured one : List.copyOf(candidates.values())) {
                measure(one);
            }
        });
    }

    // ------------------------------------------------------------------------------------------------- rounds

    private void round() {
        if (closed) {
            return;
        }
        fill();
        replaceSlowest();
        show();
        List.copyOf(neighbours.values()).forEach(this::measure);
        int probes = neighbours.size() < options.neighbours() ? 4 * options.probes() : options.probes();
        nextCandidates(probes).forEach(this::measure);
        askOne();
        if (rounds++ % SEARCH_EVERY == 0 || candidates.size() < options.neighbours()) {
            search();
        }
        timer = scheduler.schedule(options.round(), this::round);
    }

    /** Free places go to the fastest candidates. */
    private void fill() {
        while (neighbours.size() < options.neighbours()) {
            Optional<Measured> best = fastest();
            if (best.isEmpty()) {
                return;
            }
            promote(best.get());
        }
    }

    private void replaceSlowest() {
        for (int i = 0; i < REPLACED_PER_ROUND; i++) {
            Optional<Measured> best = fastest();
            Optional<Measured> worst =
                    neighbours.values().stream().max(Comparator.comparingDouble((Measured one) -> one.nanos));
            boolean better = best.isPresent()
                    && worst.isPresent()
                    && neighbours.size() >= options.neighbours()
                    && best.get().nanos < options.advantage() * worst.get().nanos;
            if (!better) {
                return;
            }
            demote(worst.get().peer);
            promote(best.get());
        }
    }

    private Optional<Measured> fastest() {
        return candidates.values().stream()
                .filter(one -> one.known() && host.isConnected(one.peer) && speaks(one.peer))
                .min(Comparator.comparingDouble(one -> one.nanos));
    }

    private boolean speaks(PeerId peer) {
        return host.addressBook().protocols(peer).contains(protocol);
    }

    private void promote(Measured one) {
        candidates.remove(one.peer);
        one.since = scheduler.nanoTime();
        neighbours.put(one.peer, one);
        host.tag(one.peer, TAG, TAG_VALUE);
    }

    private void demote(PeerId peer) {
        Measured one = neighbours.get(peer);
        if (one != null) {
            remember(peer);
            neighbours.remove(peer);
            host.tag(peer, TAG, 0);
            add(one);
        }
    }

    /** Puts down the time together up to now. */
    private void remember(PeerId peer) {
        Measured one = neighbours.get(peer);
        if (one != null) {
            long now = scheduler.nanoTime();
            history.add(
                    peer,
                    host.addressBook().addresses(peer),
                    Duration.ofNanos(now - one.since),
                    scheduler.wallMillis());
            one.since = now;
        }
    }

    private void show() {
        long now = scheduler.nanoTime();
        view = neighbours.values().stream()
                .sorted(Comparator.comparingDouble(one -> one.nanos))
                .map(one -> new Neighbour(one.peer, one.roundTrip(), Duration.ofNanos(now - one.since)))
                .toList();
    }

    // ---------------------------------------------------------------------------------------------- measuring

    /** The candidates whose turn it is; they go to the end of the queue. */
    private List<Measured> nextCandidates(int count) {
        List<Measured> next = new ArrayList<>();
        for (Measured one : candidates.values()) {
            if (next.size() < count && !one.busy) {
                next.add(one);
            }
        }
        next.forEach(one -> {
            candidates.remove(one.peer);
            candidates.put(one.peer, one);
        });
        return next;
    }

    private void measure(Measured one) {
        if (one.busy) {
            return;
        }
        one.busy = true;
        ping.ping(one.peer)
                .whenComplete((time, failure) -> scheduler.execute(() -> {
                    one.busy = false;
                    if (failure == null && direct(one.peer)) {
                        one.took(time);
                    } else {
                        failed(one);
                    }
                }));
    }

    /** Over a relay the time says nothing of the peer. */
    private boolean direct(PeerId peer) {
        return host.connections(peer).stream()
                .anyMatch(connection -> !connection.remoteAddress().has(AddressProtocol.P2P_CIRCUIT));
    }

    private void failed(Measured one) {
        one.failures++;
        if (one.failures < options.failures()) {
            return;
        }
        if (neighbours.get(one.peer) == one) {
            LOG.debug("neighbour {} does not answer", one.peer);
            remember(one.peer);
            neighbours.remove(one.peer);
            host.tag(one.peer, TAG, 0);
            fill();
            show();
        }
        candidates.remove(one.peer, one);
    }

    // ---------------------------------------------------------------------------------------------- candidates

    @Override
    public void onIdentified(PeerId peer, Set<ProtocolId> protocols) {
        if (protocols.contains(protocol)) {
            consider(peer);
        } else {
            candidates.remove(peer);
            if (neighbours.remove(peer) != null) {
                host.tag(peer, TAG, 0);
            }
        }
    }

    private void consider(PeerId peer) {
        if (!peer.equals(host.id()) && !neighbours.containsKey(peer) && !candidates.containsKey(peer)) {
            add(new Measured(peer));
        }
    }

    /** When there is no room, the slowest measured one goes, or the oldest. */
    private void add(Measured one) {
        candidates.put(one.peer, one);
        if (candidates.size() > options.candidates()) {
            candidates.values().stream()
                    .filter(Measured::known)
                    .max(Comparator.comparingDouble(each -> each.nanos))
                    .or(() -> candidates.values().stream().findFirst())
                    .ifPresent(slowest -> candidates.remove(slowest.peer));
        }
    }

    private void search() {
        source.get()
                .whenComplete((found, failure) -> scheduler.execute(() -> {
                    if (failure == null) {
                        found.forEach(this::consider);
                    } else {
                        LOG.debug("search for candidates: {}", failure.toString());
                    }
                }));
    }

    /** Asks one neighbour, or candidate while there is none, for its neighbours: one after the other from round to round. */
    private void askOne() {
        Collection<Measured> all = neighbours.isEmpty() ? candidates.values() : neighbours.values();
        List<PeerId> connected = all.stream()
                .map(one -> one.peer)
                .filter(peer -> host.isConnected(peer) && speaks(peer))
                .toList();
        if (!connected.isEmpty()) {
            PeerId peer = connected.get(rounds % connected.size());
            host.open(peer, List.of(protocol), OpenOptions.DEFAULT.withDial(false))
                    .whenComplete((stream, failure) -> {
                        if (failure == null) {
                            question(stream);
                        } else {
                            LOG.debug("ask {} for its neighbours: {}", peer, failure.toString());
                        }
                    });
        }
    }

    private void question(Stream stream) {
        Scheduler.Timer late = scheduler.schedule(PATIENCE, stream::reset);
        MessageChannel channel = new MessageChannel(stream, NeighbourList.MAX_BYTES);
        channel.receive(new Quiet(late) {
            @Override
            public void onMessage(byte[] message) {
                late.cancel();
                try {
                    NeighbourList list = NeighbourList.decode(message);
                    boolean far =
                            AddressScope.of(stream.connection().remoteAddress()).global();
                    scheduler.execute(() -> list.entries().forEach(entry -> told(entry, far)));
                    var unused = stream.closeWrite();
                } catch (PpiofsException e) {
                    LOG.debug("neighbours of {}: {}", stream.connection().remotePeer(), e.getMessage());
                    stream.reset();
                }
            }
        });
        var unused = channel.send(new byte[0]);
    }

    /** Somebody far away must not make us dial our own network. */
    private void told(NeighbourList.Entry entry, boolean far) {
        List<Multiaddr> credible = entry.addresses().stream()
                .filter(address -> !far
                        || switch (AddressScope.of(address)) {
                            case LOOPBACK, LINK_LOCAL, PRIVATE -> false;
                            case PUBLIC, NAMED, RELAYED, OTHER -> true;
                        })
                .toList();
        if (!entry.peer().equals(host.id()) && !(credible.isEmpty() && !host.isConnected(entry.peer()))) {
            host.addressBook().addAddresses(entry.peer(), credible, AddressBook.TOLD);
            consider(entry.peer());
        }
    }

    // ---------------------------------------------------------------------------------------------- answering

    private void accept(Stream stream) {
        Scheduler.Timer late = scheduler.schedule(PATIENCE, stream::reset);
        MessageChannel channel = new MessageChannel(stream, MAX_REQUEST);
        channel.receive(new Quiet(late) {
            private boolean asked;

            @Override
            public void onMessage(byte[] message) {
                late.cancel();
                if (asked) {
                    stream.reset();
                    return;
                }
                asked = true;
                scheduler.execute(() -> answer(stream));
            }
        });
    }

    private void answer(Stream stream) {
        Connection connection = stream.connection();
        if (!mayAsk(connection.remotePeer())) {
            stream.reset();
            return;
        }
        List<NeighbourList.Entry> entries = new ArrayList<>();
        Set<PeerId> named = new HashSet<>(Set.of(connection.remotePeer()));
        List<Measured> all = new ArrayList<>(neighbours.values());
        all.sort(Comparator.comparingDouble(one -> one.nanos));
        for (Measured one : all) {
            List<Multiaddr> addresses = host.addressBook().addresses(one.peer);
            if (entries.size() < NeighbourList.MAX_ENTRIES && !addresses.isEmpty() && named.add(one.peer)) {
                entries.add(new NeighbourList.Entry(one.peer, (long) one.nanos / 1_000, addresses));
            }
        }
        var unused = new MessageChannel(stream, NeighbourList.MAX_BYTES).send(new NeighbourList(entries).encode());
        var ignored = stream.closeWrite();
    }

    private boolean mayAsk(PeerId peer) {
        long now = scheduler.nanoTime();
        Long last = askers.remove(peer);
        askers.put(peer, now);
        if (askers.size() > MAX_ASKERS) {
            askers.remove(askers.keySet().iterator().next());
        }
        return last == null || now - last >= ASK_PAUSE.toNanos();
    }

    /** The end of a short conversation needs nothing but its timer's end. */
    private abstract static class Quiet implements MessageChannel.Receiver {
        private final Scheduler.Timer timer;

        Quiet(Scheduler.Timer timer) {
            this.timer = timer;
        }

        @Override
        public void onEnd(boolean complete) {
            timer.cancel();
        }

        @Override
        public void onReset(Throwable cause) {
            timer.cancel();
        }
    }
}
