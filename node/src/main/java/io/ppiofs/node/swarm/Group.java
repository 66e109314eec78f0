package io.ppiofs.node.swarm;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotTable;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * A placement group of this volume as this machine knows it. The newest table is replaced as a whole; entries are counted
 * here and kept in the {@link GroupBook}. Thread-safe.
 */
final class Group {
    private final int number;
    private volatile SlotTable.Signed table;
    private volatile int blocks;
    private volatile long bytes;

    Group(int number, SlotTable.Signed table) {
        this.number = number;
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

    boolean isOpen() {
        return table().state() == SlotTable.State.OPEN;
    }

    /** Entries written so far. */
    int blocks() {
        return blocks;
    }

    /** Stored bytes of these entries. */
    long bytes() {
        return bytes;
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
