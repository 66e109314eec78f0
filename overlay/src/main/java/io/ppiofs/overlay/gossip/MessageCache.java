package io.ppiofs.overlay.gossip;

import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The messages of the last heartbeats ("mcache"): kept for {@code length} of them to answer IWANT, named in IHAVE for the
 * first {@code gossip} of them. Bounded in bytes: under a flood the oldest leave early.
 */
final class MessageCache {
    private static final class Entry {
        final Message message;
        final Map<PeerId, Integer> sent = new HashMap<>(2);

        Entry(Message message) {
            this.message = message;
        }
    }

    private final int length;
    private final int gossip;
    private final long maxBytes;
    private final ArrayDeque<List<MessageId>> windows = new ArrayDeque<>(); // newest first
    private final Map<MessageId, Entry> entries = new HashMap<>();
    private long bytes;

    MessageCache(int length, int gossip, long maxBytes) {
        this.length = length;
        this.gossip = gossip;
        this.maxBytes = maxBytes;
        windows.addFirst(new ArrayList<>());
    }

    void put(MessageId id, Message message) {
        if (entries.putIfAbsent(id, new Entry(message)) != null) {
            return;
        }
        windows.getFirst().add(id);
        bytes += message.data().length;
        while (bytes > maxBytes && windows.size() > 1) {
            drop(windows.removeLast());
        }
        if (bytes > maxBytes) {
            List<MessageId> only = windows.getFirst();
            int half = (only.size() + 1) / 2;
            drop(new ArrayList<>(only.subList(0, half)));
            only.subList(0, half).clear();
        }
    }

    @Nullable
    Message get(MessageId id) {
        Entry entry = entries.get(id);
        return entry == null ? null : entry.message;
    }

    /** Counts one more sending of the message to {@code peer} and gives how many there were; 0: the message is not here. */
    int countSending(MessageId id, PeerId peer) {
        Entry entry = entries.get(id);
        return entry == null ? 0 : entry.sent.merge(peer, 1, Integer::sum);
    }

    /** Ids to tell of in this topic. */
    List<MessageId> recent(String topic) {
        List<MessageId> ids = new ArrayList<>();
        int i = 0;
        for (List<MessageId> window : windows) {
            if (i++ == gossip) {
                break;
            }
            for (MessageId id : window) {
                Entry entry = entries.get(id);
                if (entry != null && entry.message.topic().equals(topic)) {
                    ids.add(id);
                }
            }
        }
        return ids;
    }

    /** A heartbeat has passed. */
    void shift() {
        windows.addFirst(new ArrayList<>());
        while (windows.size() > length) {
            drop(windows.removeLast());
        }
    }

    long bytes() {
        return bytes;
    }

    private void drop(List<MessageId> ids) {
        for (MessageId id : ids) {
            Entry entry = entries.remove(id);
            if (entry != null) {
                bytes -= entry.message.data().length;
            }
        }
    }
}
