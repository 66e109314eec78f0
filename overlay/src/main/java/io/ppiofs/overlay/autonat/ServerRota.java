package io.ppiofs.overlay.autonat;

import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Who is asked next for reachability: whoever was not asked for the longest time. Remembers who ended the connection over a
 * question of version 1: js-libp2p (3.3.11) takes that connection for the one that it has dialled back, closes it, and can
 * never answer, so each further question would cost a connection. Not safe for threads.
 */
final class ServerRota {
    private static final int MAX_RECENT = 16;
    private static final int MAX_REMEMBERED = 64;

    private final Deque<PeerId> recent = new ArrayDeque<>();
    private final Set<PeerId> hangUp = new LinkedHashSet<>();

    /** @param able not empty */
    PeerId next(List<PeerId> able) {
        PeerId chosen = able.stream()
                .filter(peer -> !recent.contains(peer))
                .findFirst()
                .orElseGet(
                        () -> recent.stream().filter(able::contains).findFirst().orElseThrow());
        recent.remove(chosen);
        recent.addLast(chosen);
        if (recent.size() > MAX_RECENT) {
            recent.removeFirst();
        }
        return chosen;
    }

    void hungUp(PeerId peer) {
        hangUp.remove(peer);
        hangUp.add(peer);
        if (hangUp.size() > MAX_REMEMBERED) {
            hangUp.remove(hangUp.iterator().next());
        }
    }

    boolean hangsUp(PeerId peer) {
        return hangUp.contains(peer);
    }
}
