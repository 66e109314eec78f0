package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Slots whose holders fetch what they lack from the other holders, because it is not on this machine: a lost byte moves once, or as
 * often as a stripe has data blocks, and not through the writer's line. A holder that gets nowhere is sent everything for a while. For one
 * thread.
 */
final class Restores {
    private static final Logger LOG = LoggerFactory.getLogger(Restores.class);

    /** Slots of one holder that it is asked about at a time; it restores one after the other. */
    private static final int AT_ONCE = 4;

    private static final Duration SENT_FOR = Duration.ofHours(1);

    private static final class Holder {
        /** How many blocks each of its slots lacked when that was last asked. */
        final Map<SlotAddress, Integer> lacks = new HashMap<>();

        /** System.nanoTime by which one of them should have come. */
        long deadline;

        /** System.nanoTime until which it is sent what it lacks. */
        long sentUntil = System.nanoTime();
    }

    private final String name;
    private final Regrouper regrouper;
    private final long patienceNanos;
    private final Map<PeerId, Holder> holders = new HashMap<>();

    /** @param patience how long a holder may take for the first or the next block that it restores */
    Restores(String name, Regrouper regrouper, Duration patience) {
        this.name = name;
        this.regrouper = regrouper;
        this.patienceNanos = patience.toNanos();
    }

    /** Whether what a slot lacks, and is not here, is its holder's business: it knows by an inventory what that is. */
    boolean isLeftToHolder(Group group, int slot) {
        Holder holder = holders.get(group.table().holders().get(slot));
        return group.table().inventory() != null
                && !group.isMetadata()
                && (holder == null || System.nanoTime() - holder.sentUntil >= 0);
    }

    /**
     * Asks the holder to restore what its slot lacks, and what that is by now.
     *
     * @param missing what is known of that; what the holder has now is taken out
     */
    void look(Group group, int slot, Set<Cid> missing) throws InterruptedException {
        PeerId peer = group.table().holders().get(slot);
        SlotAddress address = group.table().slot(slot);
        Holder holder = holders.computeIfAbsent(peer, p -> new Holder());
        if (!holder.lacks.containsKey(address) && holder.lacks.size() >= AT_ONCE) {
            return;
        }
        if (holder.lacks.isEmpty()) {
            holder.deadline = System.nanoTime() + patienceNanos;
        }
        Integer before = holder.lacks.putIfAbsent(address, missing.size());
        @Nullable Set<Cid> now = regrouper.compare(group, slot, true);
        if (now != null) {
            missing.retainAll(now);
            if (now.size() < (before == null ? missing.size() : before)) {
                holder.deadline = System.nanoTime() + patienceNanos;
            }
            holder.lacks.put(address, now.size());
        }
        if (missing.isEmpty()) {
            holder.lacks.remove(address);
        } else if (System.nanoTime() - holder.deadline > 0) {
            LOG.info(
                    "volume {}: peer {} does not restore what it lacks of group {}; it is sent that",
                    name,
                    peer,
                    group.id());
            holder.lacks.clear();
            holder.sentUntil = System.nanoTime() + SENT_FOR.toNanos();
        }
    }

    /** Slots that lack something; of others nothing is kept. */
    void retain(Set<SlotAddress> behind) {
        holders.values().forEach(holder -> holder.lacks.keySet().retainAll(behind));
        holders.values().removeIf(holder -> holder.lacks.isEmpty() && System.nanoTime() - holder.sentUntil >= 0);
    }
}
