package io.ppiofs.node.audit;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A volume on peers, as its auditor sees it. Thread-safe. */
public interface AuditedVolume {
    String name();

    NetworkId network();

    /** The closed groups from which blocks are read, as their newest tables have them. */
    List<SlotTable> closedGroups();

    /** What a group's table names; null if the group is not there any more. */
    @Nullable
    Inventory inventory(SlotTable table);

    /** Whether the slot's holder has said that it has all of it; who is still being sent something is not audited. */
    boolean isFilled(SlotAddress slot);

    /** Whether blocks wait to be brought to peers: that comes first. */
    boolean isBusy();

    /** The blocks that are on this machine. */
    BlockStore here();

    /** The same, and behind it what peers have. */
    BlockStore everywhere();

    /** The holder had what it was asked for. */
    void kept(PeerId holder);

    /** It had not: told once for each audit that failed. */
    void broke(PeerId holder);
}
