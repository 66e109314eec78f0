package io.ppiofs.overlay.relay;

import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.transport.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds places at relays while this node cannot be dialled: at the configured ones, else at connected peers that offer to
 * relay. Gives them up when the node turns out to be public. State is on the scheduler.
 */
public final class AutoRelay implements HostListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AutoRelay.class);
    private static final int WANTED = 2;
    private static final Duration PERIOD = Duration.ofSeconds(15);

    private final Swarm swarm;
    private final RelayTransport transport;
    private final List<Multiaddr> configured;
    private final java.util.function.Consumer<Connection> accepted;
    private final Map<PeerId, Transport.Listener> held = new HashMap<>();
    private final Set<PeerId> asking = new HashSet<>();
    private volatile io.ppiofs.overlay.host.Scheduler.Timer timer = () -> {};
    private Reachability reachability = Reachability.UNKNOWN;
    private boolean closed;

    /** @param configured relays to use first, ending in {@code /p2p/PEER}; with none, nothing is done before the node is known to be private */
    public AutoRelay(Swarm swarm, RelayTransport transport, List<Multiaddr> configured) {
        this.swarm = swarm;
        this.transport = transport;
        this.configured = configured;
        this.accepted = swarm::accept;
    }

    /** Begins to reserve places where they are needed. */
    public void start() {
        swarm.addListener(this);
        timer = swarm.scheduler().scheduleRepeating(PERIOD, this::look);
        swarm.scheduler().execute(this::look);
    }

    /** What AutoNAT found out. */
    public void reachability(Reachability value) {
        swarm.scheduler().execute(() -> {
            reachability = value;
            look();
        });
    }

    @Override
    public void onIdentified(PeerId peer, Set<ProtocolId> protocols) {
        if (protocols.contains(RelayProtocol.HOP)) {
            look();
        }
    }

    private boolean wanted() {
        boolean unknown = reachability == Reachability.UNKNOWN && !configured.isEmpty();
        return !closed && (reachability == Reachability.PRIVATE || unknown);
    }

    private void look() {
        if (!wanted()) {
            held.values().forEach(Transport.Listener::close);
            held.clear();
            return;
        }
        for (Map.Entry<PeerId, Multiaddr> candidate : candidates().entrySet()) {
            if (held.size() + asking.size() >= WANTED) {
                return;
            }
            PeerId relay = candidate.getKey();
            if (!held.containsKey(relay) && asking.add(relay)) {
                reserve(relay, candidate.getValue());
            }
        }
    }

    private Map<PeerId, Multiaddr> candidates() {
        Map<PeerId, Multiaddr> found = new LinkedHashMap<>();
        for (Multiaddr address : configured) {
            address.peer().ifPresent(peer -> found.put(peer, address));
        }
        List<PeerId> connected = new ArrayList<>(swarm.connectedPeers());
        for (PeerId peer : connected) {
            boolean direct = swarm.connections(peer).stream().anyMatch(c -> !c.limited());
            if (direct && swarm.addressBook().protocols(peer).contains(RelayProtocol.HOP)) {
                found.putIfAbsent(peer, Multiaddr.parse("/p2p/" + peer));
            }
        }
        found.remove(swarm.id());
        return found;
    }

    private void reserve(PeerId relay, Multiaddr address) {
        transport
                .listen(Multiaddr.parse(address + "/p2p-circuit"), accepted)
                .whenCompleteAsync(
                        (listener, failure) -> {
                            asking.remove(relay);
                            if (failure != null) {
                                LOG.debug("reserve at {}: {}", relay, failure.toString());
                            } else if (wanted()) {
                                held.put(relay, listener);
                            } else {
                                listener.close();
                            }
                        },
                        swarm.scheduler());
    }

    @Override
    public void close() {
        timer.cancel();
        swarm.removeListener(this);
        swarm.scheduler().execute(() -> {
            closed = true;
            look();
        });
    }
}
