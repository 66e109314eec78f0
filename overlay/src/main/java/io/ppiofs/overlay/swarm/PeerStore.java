package io.ppiofs.overlay.swarm;

import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PeerRecord;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The address book of a real host. Bounded in peers and in addresses per peer: the peer that was heard of least recently
 * goes first, unless it is connected. Safe for any thread; every method holds one lock for microseconds.
 */
public final class PeerStore implements AddressBook {
    /** One address with its life; a line of the file. */
    record Known(Multiaddr address, long expiresMillis, boolean signed) {}

    /** One peer as it is saved. */
    record Saved(PeerId peer, long sequence, byte[] envelope, List<Known> addresses) {}

    /** Addresses, protocols and record of one peer; guarded by the store's lock. */
    private static final class Entry {
        final Map<Multiaddr, Known> addresses = new LinkedHashMap<>();
        Set<ProtocolId> protocols = Set.of();
        String agent = "";
        long sequence = -1;
        byte[] envelope = new byte[0];

        @Nullable
        Multiaddr lastGood;
    }

    private final Scheduler scheduler;
    private final int maxPeers;
    private final int maxAddresses;
    private final Object lock = new Object();
    private final LinkedHashMap<PeerId, Entry> entries = new LinkedHashMap<>();
    private volatile Predicate<PeerId> pinned = peer -> false;

    public PeerStore(Scheduler scheduler, SwarmOptions.Book limits) {
        this.scheduler = scheduler;
        this.maxPeers = limits.peers();
        this.maxAddresses = limits.addressesPerPeer();
    }

    /** Peers that are never dropped for room: the connected ones. Must not call back into the store. */
    void pin(Predicate<PeerId> value) {
        this.pinned = value;
    }

    @Override
    public void addAddresses(PeerId peer, Collection<Multiaddr> addresses, Duration timeToLive) {
        add(peer, addresses, timeToLive, false);
    }

    private void add(PeerId peer, Collection<Multiaddr> addresses, Duration timeToLive, boolean signed) {
        long now = scheduler.wallMillis();
        long expires = now + timeToLive.toMillis();
        synchronized (lock) {
            Entry entry = touch(peer);
            for (Multiaddr told : addresses) {
                if (told.parts().get(0).protocol() == AddressProtocol.P2P && !isCircuit(told)) {
                    continue; // a peer alone is not an address
                }
                Multiaddr address = told.peer().isPresent() ? told.withoutPeer() : told;
                Known old = entry.addresses.get(address);
                if (old == null || old.expiresMillis < expires || (signed && !old.signed)) {
                    long until = old == null ? expires : Math.max(expires, old.expiresMillis);
                    entry.addresses.put(address, new Known(address, until, signed || (old != null && old.signed)));
                }
            }
            trim(entry, now);
        }
    }

    private static boolean isCircuit(Multiaddr address) {
        return address.has(AddressProtocol.P2P_CIRCUIT);
    }

    /** Moves the entry to the young end; makes room for a new one. */
    private Entry touch(PeerId peer) {
        Entry entry = entries.remove(peer);
        if (entry == null) {
            entry = new Entry();
            makeRoom();
        }
        entries.put(peer, entry);
        return entry;
    }

    private void makeRoom() {
        int looked = 0;
        Iterator<PeerId> oldest = entries.keySet().iterator();
        while (entries.size() >= maxPeers && oldest.hasNext()) {
            // connected peers at the old end must not make each addition a scan of the whole store
            if (!pinned.test(oldest.next()) || ++looked > 64) {
                oldest.remove();
            }
        }
    }

    private void trim(Entry entry, long now) {
        entry.addresses.values().removeIf(known -> known.expiresMillis <= now);
        while (entry.addresses.size() > maxAddresses) {
            entry.addresses.values().stream()
                    .min(Comparator.comparing(Known::signed).thenComparing(Known::expiresMillis))
                    .ifPresent(known -> entry.addresses.remove(known.address));
        }
    }

    /**
     * Takes over the addresses that a peer signed.
     *
     * @param envelope the record's encoded envelope, kept for those who ask for peers
     * @return false if a record with this or a higher sequence number is known: nothing has changed
     */
    public boolean consume(PeerRecord record, byte[] envelope) {
        synchronized (lock) {
            Entry entry = touch(record.peer());
            int order = Long.compareUnsigned(record.sequence(), entry.sequence);
            if (entry.envelope.length > 0 && order <= 0) {
                if (order == 0) {
                    add(record.peer(), record.addresses(), CONFIRMED, true); // heard again: they live on
                }
                return false;
            }
            entry.sequence = record.sequence();
            entry.envelope = envelope.clone();
            entry.addresses.values().removeIf(Known::signed);
            add(record.peer(), record.addresses(), CONFIRMED, true);
            return true;
        }
    }

    /** The newest signed record of the peer, encoded; empty if none is known. */
    public byte[] record(PeerId peer) {
        synchronized (lock) {
            Entry entry = entries.get(peer);
            return entry == null ? new byte[0] : entry.envelope.clone();
        }
    }

    @Override
    public List<Multiaddr> addresses(PeerId peer) {
        long now = scheduler.wallMillis();
        synchronized (lock) {
            Entry entry = entries.get(peer);
            if (entry == null) {
                return List.of();
            }
            List<Known> alive = new ArrayList<>();
            for (Known known : entry.addresses.values()) {
                if (known.expiresMillis > now) {
                    alive.add(known);
                }
            }
            Multiaddr good = entry.lastGood;
            alive.sort(Comparator.comparing((Known known) -> !known.address.equals(good))
                    .thenComparing(known -> !known.signed)
                    .thenComparing(known -> -known.expiresMillis));
            return alive.stream().map(Known::address).toList();
        }
    }

    /** The peer was reached under this address. */
    void reached(PeerId peer, Multiaddr address) {
        synchronized (lock) {
            add(peer, List.of(address), CONFIRMED, false);
            Entry entry = entries.get(peer);
            if (entry != null) {
                entry.lastGood = address.withoutPeer();
            }
        }
    }

    /** The peer was not reached under this address: it is the first to go. */
    void failed(PeerId peer, Multiaddr address) {
        synchronized (lock) {
            Entry entry = entries.get(peer);
            if (entry != null && address.withoutPeer().equals(entry.lastGood)) {
                entry.lastGood = null;
            }
        }
    }

    @Override
    public Set<ProtocolId> protocols(PeerId peer) {
        synchronized (lock) {
            Entry entry = entries.get(peer);
            return entry == null ? Set.of() : entry.protocols;
        }
    }

    void setProtocols(PeerId peer, Set<ProtocolId> protocols) {
        synchronized (lock) {
            touch(peer).protocols = Set.copyOf(protocols);
        }
    }

    /** The program that the peer says it runs; empty if nothing is known. */
    public String agent(PeerId peer) {
        synchronized (lock) {
            Entry entry = entries.get(peer);
            return entry == null ? "" : entry.agent;
        }
    }

    void setAgent(PeerId peer, String agent) {
        synchronized (lock) {
            touch(peer).agent = agent;
        }
    }

    @Override
    public Set<PeerId> peers() {
        long now = scheduler.wallMillis();
        Set<PeerId> peers = new HashSet<>();
        synchronized (lock) {
            entries.forEach((peer, entry) -> {
                if (entry.addresses.values().stream().anyMatch(known -> known.expiresMillis > now)) {
                    peers.add(peer);
                }
            });
        }
        return peers;
    }

    @Override
    public void forget(PeerId peer) {
        synchronized (lock) {
            entries.remove(peer);
        }
    }

    /** Drops what has expired; for a timer. Sequence numbers of connected peers are kept. */
    void sweep() {
        long now = scheduler.wallMillis();
        synchronized (lock) {
            entries.entrySet().removeIf(e -> {
                trim(e.getValue(), now);
                return e.getValue().addresses.isEmpty() && !pinned.test(e.getKey());
            });
        }
    }

    List<Saved> snapshot() {
        synchronized (lock) {
            List<Saved> all = new ArrayList<>();
            entries.forEach((peer, entry) -> {
                if (!entry.addresses.isEmpty()) {
                    List<Known> addresses = List.copyOf(entry.addresses.values());
                    all.add(new Saved(peer, entry.sequence, entry.envelope, addresses));
                }
            });
            return all;
        }
    }

    void restore(List<Saved> saved) {
        long now = scheduler.wallMillis();
        long latest = now + CONFIRMED.toMillis(); // a clock that was ahead must not make addresses immortal
        synchronized (lock) {
            for (Saved one : saved) {
                Entry entry = touch(one.peer);
                entry.sequence = one.sequence;
                entry.envelope = one.envelope;
                for (Known known : one.addresses) {
                    long expires = Math.min(known.expiresMillis, latest);
                    entry.addresses.put(known.address, new Known(known.address, expires, known.signed));
                }
                trim(entry, now);
            }
        }
    }
}
