package io.ppiofs.overlay.swarm;

import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Under which addresses this host can be reached, by where the knowledge comes from. Thread safe. */
final class OwnAddresses {
    private static final Logger LOG = LoggerFactory.getLogger(OwnAddresses.class);

    private final int most;
    private final List<Multiaddr> listening = new ArrayList<>(); // guarded by this
    private final Map<String, List<Multiaddr>> sources = new LinkedHashMap<>(); // guarded by this
    private volatile List<Multiaddr> all = List.of();

    OwnAddresses(int most) {
        this.most = most;
    }

    /** All of them, the told ones first, without {@code /p2p} at the end. */
    List<Multiaddr> all() {
        return all;
    }

    /** The sockets as they are bound. */
    synchronized List<Multiaddr> bound() {
        return List.copyOf(listening);
    }

    /** @return whether the announced addresses have changed */
    synchronized boolean listening(Multiaddr address) {
        listening.add(address);
        return rebuild();
    }

    synchronized boolean notListening(Multiaddr address) {
        listening.remove(address);
        return rebuild();
    }

    synchronized boolean set(String source, List<Multiaddr> addresses) {
        if (addresses.isEmpty()) {
            sources.remove(source);
        } else {
            sources.put(source, addresses.stream().map(Multiaddr::withoutPeer).toList());
        }
        return rebuild();
    }

    /** Interfaces may have come or gone. */
    synchronized boolean rebuild() {
        LinkedHashSet<Multiaddr> found = new LinkedHashSet<>();
        sources.values().forEach(found::addAll);
        for (Multiaddr address : listening) {
            found.addAll(expanded(address));
        }
        List<Multiaddr> next = found.stream().limit(most).toList();
        boolean changed = !next.equals(all);
        all = next;
        return changed;
    }

    private static Collection<Multiaddr> expanded(Multiaddr address) {
        boolean any =
                AddressScope.ip(address).filter(InetAddress::isAnyLocalAddress).isPresent();
        if (!any) {
            return List.of(address);
        }
        boolean six = address.toString().startsWith("/ip6/");
        String[] words = address.toString().substring(1).split("/", 3);
        List<Multiaddr> found = new ArrayList<>();
        List<Multiaddr> loopback = new ArrayList<>();
        for (InetAddress ip : interfaces()) {
            boolean fits = six != (ip instanceof Inet4Address) && !ip.isLinkLocalAddress();
            if (fits) {
                String text =
                        com.google.common.net.InetAddresses.toAddrString(ip).replaceFirst("%.*", "");
                Multiaddr one = Multiaddr.parse((six ? "/ip6/" : "/ip4/") + text + "/" + words[2]);
                (ip.isLoopbackAddress() ? loopback : found).add(one);
            }
        }
        found.addAll(loopback);
        return found;
    }

    private static List<InetAddress> interfaces() {
        List<InetAddress> found = new ArrayList<>();
        try {
            for (NetworkInterface one : Collections.list(NetworkInterface.getNetworkInterfaces())) {
                if (one.isUp()) {
                    found.addAll(Collections.list(one.getInetAddresses()));
                }
            }
        } catch (SocketException e) {
            LOG.warn("list network interfaces: {}; only loopback is announced", e.getMessage());
            found.add(InetAddress.getLoopbackAddress());
        }
        return found;
    }
}
