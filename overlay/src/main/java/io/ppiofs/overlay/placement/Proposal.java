package io.ppiofs.overlay.placement;

import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Holders for the slots of a group.
 *
 * @param holders one per slot; a peer may come several times where there are fewer peers than slots
 */
public record Proposal(List<PeerId> holders) {
    public Proposal {
        holders = List.copyOf(holders);
    }

    /** How many peers may fail at once, whichever they are, so that the data is still there; −1: it is not even there now. */
    public int tolerates(Scheme scheme) {
        return tolerates(scheme, holders);
    }

    /** As {@link #tolerates(Scheme)} for any list of holders. */
    public static int tolerates(Scheme scheme, List<PeerId> holders) {
        return toleratesBy(scheme, holders, peer -> peer);
    }

    /**
     * How many units of failure may fail at once.
     *
     * @param unit the peer itself, or what fails with it: its domain, its network prefix
     */
    public static <U> int toleratesBy(Scheme scheme, List<PeerId> holders, Function<PeerId, U> unit) {
        Map<U, Integer> slots = new HashMap<>();
        holders.forEach(peer -> slots.merge(unit.apply(peer), 1, Integer::sum));
        List<Integer> most = new ArrayList<>(slots.values());
        most.sort(Collections.reverseOrder());
        int left = holders.size();
        int failures = -1;
        for (int lost : most) {
            if (left < scheme.data()) {
                return failures;
            }
            failures++;
            left -= lost;
        }
        return left >= scheme.data() ? failures + 1 : failures;
    }
}
