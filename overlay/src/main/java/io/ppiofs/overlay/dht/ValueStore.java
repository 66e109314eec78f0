package io.ppiofs.overlay.dht;

import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Values kept for others, ordered by the distance of their keys from this node, each until it expires. When the bytes are
 * used up, the value farthest from this node goes: others are nearer to it. Bytes are counted per peer that stored them,
 * so that one peer cannot fill the store. For one thread.
 */
final class ValueStore {
    /** Bytes that an entry costs beside key and value. */
    private static final int OVERHEAD = 200;

    /** A value, who brought it, when it was received and goes (nanoseconds of the scheduler). */
    record Stored(byte[] key, byte[] value, PeerId from, long receivedMillis, long expiresNanos) {
        long cost() {
            return OVERHEAD + key.length + value.length;
        }
    }

    private final DhtKey own;
    private final long maxBytes;
    private final long maxBytesPerPeer;
    private final TreeMap<DhtKey, Stored> byDistance = new TreeMap<>();
    private final Map<PeerId, Long> byPeer = new HashMap<>();
    private long bytes;

    ValueStore(DhtKey own, long maxBytes, long maxBytesPerPeer) {
        this.own = own;
        this.maxBytes = maxBytes;
        this.maxBytesPerPeer = maxBytesPerPeer;
    }

    int size() {
        return byDistance.size();
    }

    long bytes() {
        return bytes;
    }

    /** The value under a key (whose point is given), unless it has expired. */
    @Nullable
    Stored get(DhtKey point, long now) {
        Stored stored = byDistance.get(own.distance(point));
        return stored == null || stored.expiresNanos <= now ? null : stored;
    }

    /** Puts a value in the place of an older one. False if its peer has used up its share or everything else is nearer. */
    boolean put(DhtKey point, Stored value) {
        DhtKey distance = own.distance(point);
        Stored old = byDistance.get(distance);
        long used = byPeer.getOrDefault(value.from, 0L) - (old != null && old.from.equals(value.from) ? old.cost() : 0);
        if (used + value.cost() > maxBytesPerPeer || value.cost() > maxBytes) {
            return false;
        }
        if (old != null) {
            remove(distance);
        }
        while (bytes + value.cost() > maxBytes) {
            DhtKey farthest = byDistance.lastKey();
            if (farthest.compareTo(distance) < 0) {
                return false;
            }
            remove(farthest);
        }
        byDistance.put(distance, value);
        bytes += value.cost();
        byPeer.merge(value.from, value.cost(), Long::sum);
        return true;
    }

    private void remove(DhtKey distance) {
        Stored gone = byDistance.remove(distance);
        if (gone != null) {
            bytes -= gone.cost();
            byPeer.computeIfPresent(gone.from, (peer, used) -> used == gone.cost() ? null : used - gone.cost());
        }
    }

    void expire(long now) {
        List<DhtKey> expired = new ArrayList<>();
        byDistance.forEach((distance, stored) -> {
            if (stored.expiresNanos <= now) {
                expired.add(distance);
            }
        });
        expired.forEach(this::remove);
    }

    List<Stored> all() {
        return new ArrayList<>(byDistance.values());
    }
}
