package io.ppiofs.overlay.fetch;

import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * In which order holders are asked: as the caller prefers them (same region label first), except that measured speed decides: a peer goes before one that is known
 * to be less than half as fast. Who failed, or sent wrong bytes, goes behind those who did not.
 */
final class Ranking {
    private static final double CLEARLY = 2;

    private Ranking() {}

    static List<PeerId> of(Collection<PeerId> preferred, PeerMemory memory) {
        List<PeerId> ranked = new ArrayList<>();
        for (PeerId peer : new LinkedHashSet<>(preferred)) {
            int at = ranked.size();
            while (at > 0 && goesBefore(memory.recall(peer), memory.recall(ranked.get(at - 1)))) {
                at--;
            }
            ranked.add(at, peer);
        }
        return ranked;
    }

    private static boolean goesBefore(PeerMemory.Remembered a, PeerMemory.Remembered b) {
        boolean liar = a.wrongBlocks() > 0;
        if (liar != b.wrongBlocks() > 0) {
            return !liar;
        }
        if (a.penalty() == 0 && b.penalty() > 1) {
            return true;
        }
        return a.penalty() <= b.penalty()
                && b.bytesPerSecond() > 0
                && a.bytesPerSecond() > CLEARLY * b.bytesPerSecond();
    }
}
