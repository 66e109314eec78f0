package io.ppiofs.node.swarm;

import io.ppiofs.overlay.identity.PeerId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which holders were caught without what they say they have. One per node: what one volume finds out counts for all. Thread-safe.
 *
 * <p>Of a holder's last {@value #WINDOW} checks {@value #CAUGHT} must have failed: who lacks a fraction f is caught after 3/f
 * checks on average, and a disk of which 1 % is damaged, which its own scrub will find, comes under suspicion once in 2,000
 * windows. Whoever then passes {@value #WINDOW} checks in a row is trusted again.
 */
final class HolderTrust {
    private static final Logger LOG = LoggerFactory.getLogger(HolderTrust.class);
    private static final int WINDOW = 16;
    private static final int CAUGHT = 3;
    private static final int ALL = (1 << WINDOW) - 1;

    /** The last checks, the newest in the lowest bit, 1 where one failed. */
    private final Map<PeerId, Integer> failures = new HashMap<>();

    private final Set<PeerId> distrusted = new HashSet<>();

    /** The holder had what it was asked for. */
    synchronized void kept(PeerId holder) {
        Integer before = failures.get(holder);
        if (before == null) {
            return; // nothing is known against it
        }
        int now = before << 1 & ALL;
        if (now != 0) {
            failures.put(holder, now);
            return;
        }
        failures.remove(holder);
        if (distrusted.remove(holder)) {
            LOG.info("peer {} has what it says it has, {} times in a row", holder, WINDOW);
        }
    }

    /** It had not, or gave other bytes. */
    synchronized void broke(PeerId holder) {
        int now = (failures.getOrDefault(holder, 0) << 1 | 1) & ALL;
        failures.put(holder, now);
        if (Integer.bitCount(now) >= CAUGHT && distrusted.add(holder)) {
            LOG.warn(
                    "peer {} does not have what it says it has: {} of its last {} checks failed; its slots go to others",
                    holder,
                    Integer.bitCount(now),
                    WINDOW);
        }
    }

    synchronized boolean isDistrusted(PeerId holder) {
        return distrusted.contains(holder);
    }

    synchronized Set<PeerId> distrusted() {
        return Set.copyOf(distrusted);
    }
}
