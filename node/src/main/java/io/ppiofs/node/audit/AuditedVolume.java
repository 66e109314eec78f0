package io.ppiofs.node.audit;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.sdr.SealParameters;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
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

    /** The form in which the volume is audited in the background. */
    AuditForm form();

    /** How the slots of closed groups shall be sealed; null: they shall not, or it is not this node's to say. */
    default @Nullable SealParameters seals() {
        return null;
    }

    /** Whether this node audits the slot in this epoch. */
    boolean isDrawn(SlotTable table, int slot, long epoch);

    /** This node, which does not challenge itself. */
    PeerId self();

    /** Whether the public tags of a group shall be with peers, and are not yet. Of who cannot tag never. */
    boolean wantsTags(SlotTable table);

    /** Brings public tags to peers, soon; they are named when they are there. @param blocks those of the index */
    void shareTags(SlotTable table, TagIndex index, List<StoredBlock> blocks);

    /** Where peers have the public tags of a group; null if that is not known, or they are of another inventory. */
    @Nullable
    TagIndex tagIndex(SlotTable table);

    /** Blocks that an index names, from wherever they can be had, each as its name says. */
    Map<Cid, ByteBuffer> tagBlocks(TagIndex index);

    /** The blocks that are on this machine. */
    BlockStore here();

    /** The same, and behind it what peers have. */
    BlockStore everywhere();

    /** The holder had what it was asked for. */
    void kept(PeerId holder);

    /** It had not: told once for each audit that failed. */
    void broke(PeerId holder);

    /** An audit of this node failed, or shows nothing: others may want to know. */
    void failed(AuditOutcome outcome);
}
