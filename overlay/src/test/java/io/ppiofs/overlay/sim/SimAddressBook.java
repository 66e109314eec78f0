package io.ppiofs.overlay.sim;

import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** In memory, at most 2,000 peers of at most 16 addresses; the peer that was longest not asked for goes first. */
final class SimAddressBook implements AddressBook {
    private static final int MAX_PEERS = 2_000;
    private static final int MAX_ADDRESSES = 16;

    private static final class Known {
        List<Multiaddr> addresses = List.of();
        /** When each expires; null for a single one, which expires at {@link #earliest}: ten thousand books are full of those. */
        long @Nullable [] until;

        Set<ProtocolId> protocols = Set.of();
        /** When the first of the addresses expires. */
        long earliest = Long.MAX_VALUE;

        long until(int i) {
            return until == null ? earliest : until[i];
        }

        void set(List<Multiaddr> all, long[] times) {
            addresses = all;
            earliest = Arrays.stream(times).min().orElse(Long.MAX_VALUE);
            until = times.length == 1 ? null : times;
        }
    }

    private final SimNetwork network;
    private final SimHost host;
    private final Map<PeerId, Known> peers = new LinkedHashMap<>(16, 0.75f, true);

    SimAddressBook(SimNetwork network, SimHost host) {
        this.network = network;
        this.host = host;
    }

    @Override
    public void addAddresses(PeerId peer, Collection<Multiaddr> addresses, Duration timeToLive) {
        if (addresses.isEmpty()) {
            return;
        }
        Known known = known(peer);
        long until = network.nanoTime() + timeToLive.toNanos();
        for (Multiaddr address : addresses) {
            add(known, network.shared(address.withoutPeer()), until);
        }
    }

    private void add(Known known, Multiaddr address, long until) {
        int at = known.addresses.indexOf(address);
        if (at >= 0) {
            long[] times = new long[known.addresses.size()];
            Arrays.setAll(times, known::until);
            times[at] = Math.max(times[at], until);
            known.set(known.addresses, times);
            return;
        }
        List<Multiaddr> kept = new ArrayList<>();
        List<Long> ends = new ArrayList<>();
        for (int i = 0; i < known.addresses.size() && kept.size() < MAX_ADDRESSES - 1; i++) {
            if (known.until(i) > network.nanoTime()) {
                kept.add(known.addresses.get(i));
                ends.add(known.until(i));
            }
        }
        kept.add(address);
        ends.add(until);
        known.set(
                kept.size() == 1 ? network.sharedList(address) : List.copyOf(kept),
                ends.stream().mapToLong(Long::longValue).toArray());
    }

    private Known known(PeerId peer) {
        Known known = peers.get(peer);
        if (known == null) {
            known = new Known();
            peers.put(network.shared(peer), known);
            if (peers.size() > MAX_PEERS) {
                peers.remove(peers.keySet().iterator().next());
            }
        }
        return known;
    }

    @Override
    public List<Multiaddr> addresses(PeerId peer) {
        Known known = peers.get(peer);
        if (known == null) {
            return List.of();
        }
        long now = network.nanoTime();
        if (known.earliest > now || host.isConnected(peer)) { // those in use do not age
            return known.addresses;
        }
        List<Multiaddr> valid = new ArrayList<>();
        for (int i = 0; i < known.addresses.size(); i++) {
            if (known.until(i) > now) {
                valid.add(known.addresses.get(i));
            }
        }
        return valid;
    }

    void setProtocols(PeerId peer, Set<ProtocolId> protocols) {
        known(peer).protocols = protocols;
    }

    @Override
    public Set<ProtocolId> protocols(PeerId peer) {
        Known known = peers.get(peer);
        return known == null ? Set.of() : known.protocols;
    }

    @Override
    public Set<PeerId> peers() {
        Set<PeerId> valid = new HashSet<>();
        for (PeerId peer : List.copyOf(peers.keySet())) {
            if (!addresses(peer).isEmpty()) {
                valid.add(peer);
            }
        }
        return valid;
    }

    @Override
    public void forget(PeerId peer) {
        peers.remove(peer);
    }
}
