package io.ppiofs.overlay.gossip;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Ids of messages that were seen: each for at least the lifetime, and longer while there is room, so that an old message
 * that somebody replays is not new. Under a flood the oldest go before their time: memory is bounded.
 */
final class SeenMessages {
    /** Ids kept beyond their lifetime. */
    static final int ROOM = 1 << 16;

    /** Ids kept in any case, about 100 MB. */
    static final int LIMIT = 1 << 20;

    private final long lifetimeNanos;
    private final Map<MessageId, Long> seen = new LinkedHashMap<>();

    SeenMessages(long lifetimeNanos) {
        this.lifetimeNanos = lifetimeNanos;
    }

    boolean contains(MessageId id) {
        return seen.containsKey(id);
    }

    /** False if it had been seen. */
    boolean add(MessageId id, long now) {
        if (seen.putIfAbsent(id, now) != null) {
            return false;
        }
        Iterator<Map.Entry<MessageId, Long>> oldest = seen.entrySet().iterator();
        while (seen.size() > ROOM) {
            long age = now - oldest.next().getValue();
            if (age < lifetimeNanos && seen.size() <= LIMIT) {
                break;
            }
            oldest.remove();
        }
        return true;
    }
}
