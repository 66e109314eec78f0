package io.ppiofs.overlay.gossip;

import io.ppiofs.overlay.identity.PeerId;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Messages that peers said they have and were asked for: one id for each IWANT is remembered, and who has not sent it in
 * time (nor anybody else) has broken a promise. Bounded by the IWANTs sent per heartbeat and the time.
 */
final class Promises {
    private record Promise(String topic, long due) {}

    private final Map<MessageId, Map<PeerId, Promise>> byId = new LinkedHashMap<>();

    void add(MessageId id, String topic, PeerId peer, long due) {
        byId.computeIfAbsent(id, key -> new HashMap<>(2)).putIfAbsent(peer, new Promise(topic, due));
    }

    /** The message has come, from whomever. */
    void kept(MessageId id) {
        byId.remove(id);
    }

    /**
     * A message that was new came from {@code peer} under an id that nobody had promised: it may be what it promised under
     * another name, since names are each implementation's own. Takes one promise of it in the topic off.
     */
    void keptUnderAnotherName(MessageId id, String topic, PeerId peer) {
        if (byId.containsKey(id)) {
            return;
        }
        Iterator<Map<PeerId, Promise>> all = byId.values().iterator();
        while (all.hasNext()) {
            Map<PeerId, Promise> promises = all.next();
            Promise promise = promises.get(peer);
            if (promise != null && promise.topic.equals(topic)) {
                promises.remove(peer);
                if (promises.isEmpty()) {
                    all.remove();
                }
                return;
            }
        }
    }

    void forget(PeerId peer) {
        byId.values().removeIf(promises -> {
            promises.remove(peer);
            return promises.isEmpty();
        });
    }

    /** How many promises of which peer were due by {@code now}; they are forgotten. */
    Map<PeerId, Integer> broken(long now) {
        Map<PeerId, Integer> broken = new HashMap<>();
        byId.values().removeIf(promises -> {
            promises.entrySet().removeIf(entry -> {
                boolean due = now - entry.getValue().due >= 0;
                if (due) {
                    broken.merge(entry.getKey(), 1, Integer::sum);
                }
                return due;
            });
            return promises.isEmpty();
        });
        return broken;
    }
}
