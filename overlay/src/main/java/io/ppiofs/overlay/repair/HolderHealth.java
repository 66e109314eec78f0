package io.ppiofs.overlay.repair;

import io.ppiofs.overlay.identity.PeerId;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/** When each co-holder was heard last, and what that makes of it. Thread-safe. */
final class HolderHealth {
    private final RepairOptions options;
    private final LongSupplier nanoTime;
    private final Map<PeerId, Long> heard = new HashMap<>();
    private final Map<PeerId, Long> heardMyself = new HashMap<>();

    HolderHealth(RepairOptions options, LongSupplier nanoTime) {
        this.options = options;
        this.nanoTime = nanoTime;
    }

    /** Watches these and no others. One that is new counts as heard {@code silentNanos} ago. */
    synchronized void watch(Set<PeerId> peers, Map<PeerId, Long> silentNanos) {
        heard.keySet().retainAll(peers);
        heardMyself.keySet().retainAll(peers);
        long now = nanoTime.getAsLong();
        for (PeerId peer : peers) {
            long at = now - silentNanos.getOrDefault(peer, 0L);
            heard.putIfAbsent(peer, at);
            heardMyself.putIfAbsent(peer, at);
        }
    }

    synchronized void heard(PeerId peer) {
        if (heard.containsKey(peer)) {
            heard.put(peer, nanoTime.getAsLong());
            heardMyself.put(peer, nanoTime.getAsLong());
        }
    }

    /** Another holder has heard it lately. That puts off what silence means, but not longer than {@code out} once more. */
    synchronized void vouched(PeerId peer) {
        long now = nanoTime.getAsLong();
        Long own = heardMyself.get(peer);
        if (own != null && now - own < 2 * options.out().toNanos()) {
            heard.merge(peer, now - options.suspect().toNanos(), Math::max);
        }
    }

    /** How long this host itself has not heard of it; the longest time of one that is not watched. */
    synchronized long silentNanos(PeerId peer) {
        Long at = heardMyself.get(peer);
        return at == null ? Long.MAX_VALUE : nanoTime.getAsLong() - at;
    }

    /** Alive if it is not watched. */
    synchronized Liveness state(PeerId peer) {
        Long at = heard.get(peer);
        long silent = at == null ? 0 : nanoTime.getAsLong() - at;
        if (silent >= options.out().toNanos()) {
            return Liveness.OUT;
        }
        if (silent >= options.down().toNanos()) {
            return Liveness.DOWN;
        }
        return silent >= options.suspect().toNanos() ? Liveness.SUSPECT : Liveness.ALIVE;
    }

    /** Silences of all that are watched, to be kept over a restart. */
    synchronized Map<PeerId, Long> silences() {
        long now = nanoTime.getAsLong();
        Map<PeerId, Long> all = new HashMap<>();
        heardMyself.forEach((peer, at) -> all.put(peer, now - at));
        return all;
    }
}
