package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotTable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A placement group of this volume as this machine knows it. The newest table is replaced as a whole; entries are counted
 * here and kept in the {@link GroupBook}. Thread-safe.
 */
final class Group {
    /** Whether its blocks are read from here. */
    enum Phase {
        /** A successor that is not whole yet; its blocks are read from the group that it is to replace. */
        PENDING,
        CURRENT,
        /** What is needed of it moves to other groups. It is read and published as before, but nothing counts as placed by it. */
        LEAVING,
        /** It keeps manifests and inventories of open groups, and no block of the volume. */
        METADATA,
        /** A successor has all that it had, or nothing of it is needed. Its holders keep it until a published manifest does without it. */
        REPLACED
    }

    private final int number;
    private final boolean metadata;
    private volatile Phase phase;
    private volatile SlotTable.Signed table;

    /** Where its public tags are. */
    private volatile @Nullable Tags tags;

    private volatile int blocks;
    private volatile long bytes;

    /** @param inventory that they are of @param index block that names them */
    record Tags(Cid inventory, Cid index) {}

    Group(int number, SlotTable.Signed table, Phase phase) {
        this.number = number;
        this.metadata = table.table().group().isForManifests();
        this.phase = phase;
        this.table = table;
    }

    /** Its place in the book. */
    int number() {
        return number;
    }

    GroupId id() {
        return table.table().group();
    }

    SlotTable.Signed signed() {
        return table;
    }

    SlotTable table() {
        return table.table();
    }

    /** The distinct peers that hold it. */
    Set<PeerId> holders() {
        return new LinkedHashSet<>(table().holders());
    }

    /** The slots into which blocks are sent: with copies one of each peer, with a code all. */
    List<Integer> slotsToFill() {
        List<PeerId> holders = table().holders();
        List<Integer> slots = new ArrayList<>();
        Set<PeerId> seen = new HashSet<>();
        for (int slot = 0; slot < holders.size(); slot++) {
            if (seen.add(holders.get(slot)) || !scheme().isCopies()) {
                slots.add(slot);
            }
        }
        return slots;
    }

    /** On how many peers of their own must be what fsync promises: a majority of the slots, all peers if they are fewer. */
    int majority() {
        return Math.min(holders().size(), scheme().slots() / 2 + 1);
    }

    /** Whether it is, or was until it was replaced, {@link Phase#METADATA}. */
    boolean isMetadata() {
        return metadata;
    }

    Phase phase() {
        return phase;
    }

    boolean isCurrent() {
        return phase == Phase.CURRENT;
    }

    void become(Phase next) {
        phase = next;
    }

    Scheme scheme() {
        return table().scheme();
    }

    boolean isOpen() {
        return table().state() == SlotTable.State.OPEN;
    }

    /** Entries written so far; of a code also those of parity and of empty places. */
    int blocks() {
        return blocks;
    }

    /** Stored bytes of these entries. */
    long bytes() {
        return bytes;
    }

    /** Stored bytes that a peer holds of it. */
    long bytesOn(PeerId peer) {
        int slots = table().slotsOf(peer).size();
        return scheme().isCopies() ? Math.min(1, slots) * bytes : bytes * slots / scheme().slots();
    }

    /** The block that names its public tags; null if there are none on peers, or they are of an inventory that it had before. */
    @Nullable
    Cid tagIndex() {
        Tags known = tags;
        return known != null && known.inventory().equals(table().inventory()) ? known.index() : null;
    }

    /** Whether tags of it are known, those of an inventory that it had before included. */
    boolean hasTags() {
        return tags != null;
    }

    void isTagged(@Nullable Tags by) {
        tags = by;
    }

    void replaceTable(SlotTable.Signed newer) {
        table = newer;
    }

    /** Under the book's lock. */
    void count(int moreBlocks, long moreBytes) {
        blocks += moreBlocks;
        bytes += moreBytes;
    }
}
