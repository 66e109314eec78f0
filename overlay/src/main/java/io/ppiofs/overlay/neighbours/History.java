package io.ppiofs.overlay.neighbours;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Past neighbours. When it is full, the one with the least time together goes: who lives in two places keeps the peers of
 * both, in proportion to the time spent there. On the scheduler only.
 */
final class History {
    private final int most;
    private final Map<PeerId, PastNeighbour> past = new LinkedHashMap<>();

    History(int most) {
        this.most = most;
    }

    void add(PeerId peer, List<Multiaddr> addresses, Duration time, long nowMillis) {
        PastNeighbour known = past.get(peer);
        put(
                known == null
                        ? new PastNeighbour(peer, addresses, time, nowMillis)
                        : known.again(addresses, time, nowMillis),
                nowMillis);
    }

    void put(PastNeighbour one, long nowMillis) {
        past.put(one.peer(), one);
        if (past.size() > most) {
            past.values().stream()
                    .min(Comparator.comparingDouble(each -> each.weight(nowMillis)))
                    .ifPresent(least -> past.remove(least.peer()));
        }
    }

    /** The most time together first. */
    List<PastNeighbour> all(long nowMillis) {
        List<PastNeighbour> all = new ArrayList<>(past.values());
        all.sort(Comparator.comparingDouble((PastNeighbour each) -> each.weight(nowMillis))
                .reversed());
        return all;
    }
}
