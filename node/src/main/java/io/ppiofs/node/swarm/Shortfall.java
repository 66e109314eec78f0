package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.placement.GroupId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which blocks the slots of groups lack, as far as is known. For one thread. */
final class Shortfall {
    private final Map<GroupId, Map<Integer, Set<Cid>>> missing = new HashMap<>();

    void add(Group group, int slot, Cid cid) {
        add(group, slot, Set.of(cid));
    }

    void add(Group group, int slot, Collection<Cid> cids) {
        if (!cids.isEmpty()) {
            missing.computeIfAbsent(group.id(), id -> new HashMap<>())
                    .computeIfAbsent(slot, s -> new LinkedHashSet<>())
                    .addAll(cids);
        }
    }

    /** What a slot lacks, in the order in which that was found; changes are seen here. */
    Set<Cid> of(Group group, int slot) {
        Map<Integer, Set<Cid>> slots = missing.get(group.id());
        Set<Cid> cids = slots == null ? null : slots.get(slot);
        return cids == null ? new LinkedHashSet<>() : cids;
    }

    /** The slots of a group that lack something. */
    List<Integer> slots(Group group) {
        Map<Integer, Set<Cid>> slots = missing.get(group.id());
        return slots == null ? List.of() : new ArrayList<>(slots.keySet());
    }

    boolean isWhole(Group group) {
        return !missing.containsKey(group.id());
    }

    boolean isEmpty() {
        return missing.isEmpty();
    }

    /** The slot has another holder, or none. */
    void clear(Group group, int slot) {
        Map<Integer, Set<Cid>> slots = missing.get(group.id());
        if (slots != null) {
            slots.remove(slot);
        }
        prune();
    }

    void forget(Group group) {
        missing.remove(group.id());
    }

    /** These are needed by nobody any more. */
    void forget(Set<Cid> cids) {
        missing.values().forEach(slots -> slots.values().forEach(each -> each.removeAll(cids)));
        prune();
    }

    /** Slots that lack nothing any more are forgotten. */
    void prune() {
        missing.values().forEach(slots -> slots.values().removeIf(Set::isEmpty));
        missing.values().removeIf(Map::isEmpty);
    }
}
