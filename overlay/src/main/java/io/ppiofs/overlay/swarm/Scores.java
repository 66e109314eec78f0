package io.ppiofs.overlay.swarm;

import io.ppiofs.overlay.identity.PeerId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** What peers are worth to the protocols that tagged them. Bounded; thread safe. */
final class Scores {
    private static final int MAX_PEERS = 20_000;

    private final LinkedHashMap<PeerId, Map<String, Integer>> tags = new LinkedHashMap<>();
    private final Map<PeerId, Set<String>> protectors = new HashMap<>();

    synchronized void tag(PeerId peer, String tag, int value) {
        Map<String, Integer> own = tags.computeIfAbsent(peer, p -> new HashMap<>(2));
        if (value == 0) {
            own.remove(tag);
        } else {
            own.put(tag, value);
        }
        if (own.isEmpty()) {
            tags.remove(peer);
        }
        Iterator<PeerId> oldest = tags.keySet().iterator();
        while (tags.size() > MAX_PEERS) {
            oldest.next();
            oldest.remove();
        }
    }

    synchronized int score(PeerId peer) {
        long sum = 0;
        for (int value : tags.getOrDefault(peer, Map.of()).values()) {
            sum += value;
        }
        return (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, sum));
    }

    synchronized void protect(PeerId peer, String reason) {
        protectors.computeIfAbsent(peer, p -> new HashSet<>(2)).add(reason);
    }

    synchronized void unprotect(PeerId peer, String reason) {
        Set<String> reasons = protectors.get(peer);
        if (reasons != null && reasons.remove(reason) && reasons.isEmpty()) {
            protectors.remove(peer);
        }
    }

    synchronized boolean isProtected(PeerId peer) {
        return protectors.containsKey(peer);
    }
}
