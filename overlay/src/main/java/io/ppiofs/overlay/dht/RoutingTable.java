package io.ppiofs.overlay.dht;

import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The k-buckets of Kademlia: bucket i holds peers that share exactly i leading bits with the own key, the longest unheard
 * first. A live peer is never pushed out by a new one; the new one waits in the bucket's replacement list for a place. Of
 * one network prefix only a few peers get in, per bucket and in all, so that who owns one /24 does not own the table. For
 * one thread.
 *
 * <p>Costs: {@link #heard} and {@link #failed} walk one bucket, {@link #closest} sorts two or three.
 */
final class RoutingTable {
    /** A peer in the table. */
    static final class Entry {
        final PeerId peer;
        final DhtKey key;
        final long prefix;
        private long lastHeard;
        private int failures;

        Entry(PeerId peer, DhtKey key, long prefix, long lastHeard) {
            this.peer = peer;
            this.key = key;
            this.prefix = prefix;
            this.lastHeard = lastHeard;
        }

        long lastHeard() {
            return lastHeard;
        }

        /** Whether the last request to it was answered. */
        boolean answers() {
            return failures == 0;
        }
    }

    /** What became of a peer that was heard of. */
    enum Outcome {
        /** It is new in the table. */
        ADDED,
        /** It was there and is now the most recent. */
        REFRESHED,
        /** The bucket is full; it waits. */
        WAITING,
        /** Too many of its network are there. */
        TOO_SIMILAR,
        /** It is this node. */
        OWN
    }

    /** Two failures in a row, and a peer goes even if none waits for its place. */
    private static final int MAX_FAILURES = 2;

    private static final class Bucket {
        final List<Entry> entries = new ArrayList<>();
        final List<Entry> waiting = new ArrayList<>(0);
        long lookedUp = Long.MIN_VALUE;
    }

    private final DhtKey own;
    private final int bucketSize;
    private final int maxWaiting;
    private final int maxPerPrefixInBucket;
    private final int maxPerPrefix;
    private final @Nullable Bucket[] buckets = new @Nullable Bucket[DhtKey.BITS];
    private final Map<Long, Integer> prefixes = new HashMap<>();
    private int used; // buckets from this one on have never been needed
    private int size;

    RoutingTable(DhtKey own, int bucketSize, int maxPerPrefixInBucket, int maxPerPrefix) {
        this.own = own;
        this.bucketSize = bucketSize;
        this.maxWaiting = bucketSize / 2;
        this.maxPerPrefixInBucket = maxPerPrefixInBucket;
        this.maxPerPrefix = maxPerPrefix;
    }

    int size() {
        return size;
    }

    /** The peer has just shown that it lives and serves. */
    Outcome heard(PeerId peer, DhtKey key, long prefix, long now) {
        int index = own.commonPrefix(key);
        if (index == DhtKey.BITS) {
            return Outcome.OWN;
        }
        Bucket bucket = bucket(index);
        Entry there = remove(bucket.entries, peer);
        if (there != null) {
            there.lastHeard = now;
            there.failures = 0;
            bucket.entries.add(there);
            return Outcome.REFRESHED;
        }
        Entry entry = new Entry(peer, key, prefix, now);
        if (bucket.entries.size() < bucketSize) {
            if (!fits(bucket, entry)) {
                return Outcome.TOO_SIMILAR;
            }
            remove(bucket.waiting, peer);
            add(bucket, entry);
            return Outcome.ADDED;
        }
        Entry waits = remove(bucket.waiting, peer);
        bucket.waiting.add(waits == null ? entry : new Entry(waits.peer, waits.key, prefix, now));
        if (bucket.waiting.size() > maxWaiting) {
            bucket.waiting.remove(0);
        }
        return Outcome.WAITING;
    }

    /** A request to the peer failed: it gives its place to one that waits, or goes at the second time. True if it is gone. */
    boolean failed(PeerId peer, DhtKey key) {
        Bucket bucket = existing(own.commonPrefix(key));
        Entry entry = bucket == null ? null : find(bucket.entries, peer);
        if (bucket == null || entry == null) {
            if (bucket != null) {
                remove(bucket.waiting, peer);
            }
            return false;
        }
        entry.failures++;
        if (entry.failures >= MAX_FAILURES || !bucket.waiting.isEmpty()) {
            drop(bucket, entry);
            return true;
        }
        return false;
    }

    /** The peer does not serve: it goes at once. True if it was there. */
    boolean remove(PeerId peer, DhtKey key) {
        Bucket bucket = existing(own.commonPrefix(key));
        if (bucket == null) {
            return false;
        }
        remove(bucket.waiting, peer);
        Entry entry = find(bucket.entries, peer);
        if (entry != null) {
            drop(bucket, entry);
        }
        return entry != null;
    }

    private void drop(Bucket bucket, Entry entry) {
        bucket.entries.remove(entry);
        size--;
        if (entry.prefix != AddressPrefix.NONE) {
            prefixes.computeIfPresent(entry.prefix, (prefix, n) -> n == 1 ? null : n - 1);
        }
        for (int i = bucket.waiting.size() - 1; i >= 0; i--) { // the most recently heard first
            if (fits(bucket, bucket.waiting.get(i))) {
                add(bucket, bucket.waiting.remove(i));
                return;
            }
        }
    }

    private void add(Bucket bucket, Entry entry) {
        bucket.entries.add(entry);
        size++;
        if (entry.prefix != AddressPrefix.NONE) {
            prefixes.merge(entry.prefix, 1, Integer::sum);
        }
    }

    private boolean fits(Bucket bucket, Entry entry) {
        if (entry.prefix == AddressPrefix.NONE) {
            return true;
        }
        if (prefixes.getOrDefault(entry.prefix, 0) >= maxPerPrefix) {
            return false;
        }
        int same = 0;
        for (Entry other : bucket.entries) {
            same += other.prefix == entry.prefix ? 1 : 0;
        }
        return same < maxPerPrefixInBucket;
    }

    boolean contains(PeerId peer, DhtKey key) {
        Bucket bucket = existing(own.commonPrefix(key));
        return bucket != null && find(bucket.entries, peer) != null;
    }

    /** Who in the bucket of {@code key} was heard of longest ago, if that is before {@code before}. */
    @Nullable
    Entry stalest(DhtKey key, long before) {
        Bucket bucket = existing(own.commonPrefix(key));
        if (bucket == null || bucket.entries.isEmpty()) {
            return null;
        }
        Entry first = bucket.entries.get(0);
        return first.lastHeard < before ? first : null;
    }

    /** All that were heard of before {@code before}. */
    List<Entry> stale(long before) {
        List<Entry> stale = new ArrayList<>();
        for (Bucket bucket : buckets) {
            if (bucket != null) {
                bucket.entries.stream()
                        .filter(entry -> entry.lastHeard < before)
                        .forEach(stale::add);
            }
        }
        return stale;
    }

    List<Entry> all() {
        return stale(Long.MAX_VALUE);
    }

    /**
     * The {@code n} peers of the table that are nearest to {@code target}, nearest first.
     *
     * @param onlyAnswering leaves out those whose last request failed
     */
    List<Entry> closest(DhtKey target, int n, boolean onlyAnswering) {
        int at = Math.min(own.commonPrefix(target), used);
        List<Entry> found = new ArrayList<>(2 * bucketSize);
        collect(found, at, at + 1, target, onlyAnswering); // they share more bits with the target than any other
        if (found.size() < n) {
            collect(found, at + 1, used, target, onlyAnswering); // they differ from it in bit `at`
        }
        for (int i = at - 1; i >= 0 && found.size() < n; i--) {
            collect(found, i, i + 1, target, onlyAnswering);
        }
        return found.size() <= n ? found : new ArrayList<>(found.subList(0, n));
    }

    /** Appends the peers of buckets {@code from} to {@code to} in the order of their distance. */
    private void collect(List<Entry> found, int from, int to, DhtKey target, boolean onlyAnswering) {
        int start = found.size();
        for (int i = from; i < Math.min(to, used); i++) {
            Bucket bucket = buckets[i];
            if (bucket != null) {
                for (Entry entry : bucket.entries) {
                    if (!onlyAnswering || entry.answers()) {
                        found.add(entry);
                    }
                }
            }
        }
        found.subList(start, found.size()).sort((a, b) -> target.compareDistance(a.key, b.key));
    }

    /** A lookup for {@code target} runs: it refreshes the bucket that the target falls into. */
    void lookedUp(DhtKey target, long now) {
        int index = own.commonPrefix(target);
        if (index < DhtKey.BITS) {
            bucket(index).lookedUp = now;
        }
    }

    /** A lookup has found all peers that share more than {@code bits} bits with the own key. */
    void lookedUpBeyond(int bits, long now) {
        for (int i = bits + 1; i < used; i++) {
            bucket(i).lookedUp = now;
        }
    }

    /** Whether the bucket has as many peers as it takes, all of them heard of at or after {@code since}. */
    boolean isFullSince(int index, long since) {
        Bucket bucket = existing(index);
        return bucket != null
                && bucket.entries.size() >= bucketSize
                && bucket.entries.get(0).lastHeard >= since; // the longest unheard is the first
    }

    /** Buckets into which no lookup has gone since {@code before}, up to the last one that has peers. */
    List<Integer> bucketsNotLookedUpSince(long before) {
        List<Integer> found = new ArrayList<>();
        int last = used - 1;
        while (last >= 0 && peersOf(last).isEmpty()) {
            last--;
        }
        for (int i = 0; i <= last; i++) {
            Bucket bucket = buckets[i];
            if (bucket == null || bucket.lookedUp < before) { // one without peers needs it most
                found.add(i);
            }
        }
        return found;
    }

    /** The peers of one bucket. */
    List<PeerId> peersOf(int index) {
        Bucket bucket = existing(index);
        return bucket == null
                ? List.of()
                : bucket.entries.stream().map(entry -> entry.peer).toList();
    }

    private Bucket bucket(int index) {
        Bucket bucket = buckets[index];
        if (bucket == null) {
            bucket = new Bucket();
            buckets[index] = bucket;
            used = Math.max(used, index + 1);
        }
        return bucket;
    }

    private @Nullable Bucket existing(int index) {
        return index == DhtKey.BITS ? null : buckets[index];
    }

    private static @Nullable Entry find(List<Entry> entries, PeerId peer) {
        for (Entry entry : entries) {
            if (entry.peer.equals(peer)) {
                return entry;
            }
        }
        return null;
    }

    private static @Nullable Entry remove(List<Entry> entries, PeerId peer) {
        for (int i = 0; i < entries.size(); i++) {
            if (entries.get(i).peer.equals(peer)) {
                return entries.remove(i);
            }
        }
        return null;
    }
}
