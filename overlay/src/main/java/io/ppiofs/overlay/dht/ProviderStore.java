package io.ppiofs.overlay.dht;

import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Who provides what, for others, each record until it expires. Of one key at most 128 providers are kept, the longest not
 * renewed goes first; when the records are used up, those of the key farthest from this node go. Records are counted per
 * provider. Addresses are not here but in the address book, where they age faster. For one thread.
 */
final class ProviderStore {
    /** Most providers of one key. */
    static final int MAX_PER_KEY = 128;

    record Stored(byte[] key, PeerId provider, long expiresNanos) {}

    private record Providers(byte[] key, LinkedHashMap<PeerId, Long> expires) {}

    private final DhtKey own;
    private final int max;
    private final int maxPerPeer;
    private final TreeMap<DhtKey, Providers> byDistance = new TreeMap<>();
    private final Map<PeerId, Integer> byPeer = new HashMap<>();
    private int size;

    ProviderStore(DhtKey own, int max, int maxPerPeer) {
        this.own = own;
        this.max = max;
        this.maxPerPeer = maxPerPeer;
    }

    int size() {
        return size;
    }

    /** Adds or renews. False if the provider has used up its share or everything else is nearer. */
    boolean add(DhtKey point, Stored record) {
        DhtKey distance = own.distance(point);
        Providers there = byDistance.get(distance);
        boolean known = there != null && there.expires.containsKey(record.provider);
        if (known) {
            removeAt(distance, record.provider);
        } else if (byPeer.getOrDefault(record.provider, 0) >= maxPerPeer || !makeRoom(distance, there)) {
            return false;
        }
        byDistance
                .computeIfAbsent(distance, d -> new Providers(record.key, new LinkedHashMap<>(2)))
                .expires
                .put(record.provider, record.expiresNanos);
        byPeer.merge(record.provider, 1, Integer::sum);
        size++;
        return true;
    }

    private boolean makeRoom(DhtKey distance, @Nullable Providers there) {
        if (there != null && there.expires.size() >= MAX_PER_KEY) {
            removeAt(distance, there.expires.keySet().iterator().next());
            return true;
        }
        while (size >= max) {
            Map.Entry<DhtKey, Providers> farthest = byDistance.lastEntry();
            if (farthest.getKey().compareTo(distance) <= 0) {
                return false;
            }
            for (PeerId peer : List.copyOf(farthest.getValue().expires.keySet())) {
                removeAt(farthest.getKey(), peer);
            }
        }
        return true;
    }

    /** Takes one provider off the key at {@code point}. */
    void remove(DhtKey point, PeerId provider) {
        removeAt(own.distance(point), provider);
    }

    private void removeAt(DhtKey distance, PeerId provider) {
        Providers there = byDistance.get(distance);
        if (there == null || there.expires.remove(provider) == null) {
            return;
        }
        size--;
        byPeer.computeIfPresent(provider, (peer, n) -> n == 1 ? null : n - 1);
        if (there.expires.isEmpty()) {
            byDistance.remove(distance);
        }
    }

    /** At most {@code n} providers of the key at {@code point}, the most recently renewed first. */
    List<PeerId> providers(DhtKey point, int n, long now) {
        Providers there = byDistance.get(own.distance(point));
        if (there == null) {
            return List.of();
        }
        List<PeerId> valid = new ArrayList<>();
        there.expires.forEach((peer, expires) -> {
            if (expires > now) {
                valid.add(0, peer);
            }
        });
        return valid.size() <= n ? valid : valid.subList(0, n);
    }

    void expire(long now) {
        for (Stored record : all()) {
            if (record.expiresNanos <= now) {
                removeAt(own.distance(DhtKey.of(record.key)), record.provider);
            }
        }
    }

    List<Stored> all() {
        List<Stored> all = new ArrayList<>(size);
        for (Providers providers : byDistance.values()) {
            providers.expires.forEach((peer, expires) -> all.add(new Stored(providers.key, peer, expires)));
        }
        return all;
    }
}
