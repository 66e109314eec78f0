package io.ppiofs.overlay.identify;

import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.Prefix;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Under which addresses others see this node, and how many of them. Only connections whose own end is a listening port
 * count: the address that a NAT gives to any other port leads nowhere. Bounded, forgets after 40 minutes; on the
 * scheduler only.
 */
public final class ObservedAddresses {
    private static final Duration LIFE = Duration.ofMinutes(40);
    private static final int MAX_ADDRESSES = 64;
    private static final int MAX_OBSERVERS = 16;

    private final Scheduler scheduler;
    private final LinkedHashMap<Multiaddr, Map<Object, Long>> seen = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Multiaddr, Map<Object, Long>> eldest) {
            return size() > MAX_ADDRESSES;
        }
    };

    ObservedAddresses(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    /** @return whether it counts */
    boolean add(Connection connection, Multiaddr told, List<Multiaddr> listening) {
        Multiaddr observed = told.withoutPeer();
        InetSocketAddress socket = observed.socketAddress();
        boolean circuit = observed.has(AddressProtocol.P2P_CIRCUIT);
        if (connection.limited() || circuit || socket == null || socket.getPort() == 0) {
            return false;
        }
        boolean fromListener = listening.stream().anyMatch(own -> samePort(own, connection.localAddress()));
        boolean sameKind = listening.stream().anyMatch(own -> sameKind(own, observed));
        if (!fromListener || !sameKind || socket.getAddress().isAnyLocalAddress()) {
            return false;
        }
        Object observer =
                Prefix.of(connection.remoteAddress()).map(Object.class::cast).orElse(connection.remotePeer());
        Map<Object, Long> observers = seen.remove(observed);
        if (observers == null) {
            observers = new LinkedHashMap<>();
        }
        seen.put(observed, observers);
        if (observers.size() < MAX_OBSERVERS || observers.containsKey(observer)) {
            observers.put(observer, scheduler.nanoTime() + LIFE.toNanos());
        }
        return true;
    }

    private static boolean samePort(Multiaddr listening, Multiaddr local) {
        InetSocketAddress a = listening.socketAddress();
        InetSocketAddress b = local.socketAddress();
        return a != null && b != null && a.getPort() == b.getPort() && sameKind(listening, local);
    }

    /** Whether both are TCP or both UDP. */
    private static boolean sameKind(Multiaddr a, Multiaddr b) {
        return a.has(AddressProtocol.TCP) == b.has(AddressProtocol.TCP);
    }

    /** Addresses that at least this many peers of different networks have seen, the most seen first. */
    List<Multiaddr> seenBy(int observers) {
        long now = scheduler.nanoTime();
        seen.values().forEach(own -> own.values().removeIf(until -> until - now < 0));
        seen.values().removeIf(Map::isEmpty);
        List<Map.Entry<Multiaddr, Map<Object, Long>>> entries = new ArrayList<>(seen.entrySet());
        entries.sort(Comparator.comparingInt(e -> -e.getValue().size()));
        return entries.stream()
                .filter(e -> e.getValue().size() >= observers)
                .map(Map.Entry::getKey)
                .toList();
    }
}
