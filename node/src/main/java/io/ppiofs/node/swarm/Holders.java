package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The peers that hold groups, as the {@link Drainer} sees them. Thread-safe; futures end within a bounded time. */
interface Holders {
    /**
     * Proposes a peer for each empty slot: peers with room, none of {@code avoid}. Where there are fewer peers than slots a
     * peer comes several times.
     *
     * @param slots in order, null where a peer is wanted
     * @return one per slot, those that were given unchanged; empty if no peer at all is known
     */
    List<PeerId> propose(GroupId group, List<@Nullable PeerId> slots, Set<PeerId> avoid);

    /** Whether the peer has said that it gives its slots to others and takes no new ones. */
    boolean isLeaving(PeerId holder);

    /**
     * Gets the holder's consent: a grant if there is none, a lease of its slots in this table, the table itself.
     *
     * @param maxBytes most stored bytes of the group
     */
    CompletableFuture<Void> admit(PeerId holder, SlotTable.Signed table, long maxBytes);

    /** Gives the holder a table of a group that it holds already. */
    CompletableFuture<Void> tell(PeerId holder, SlotTable.Signed table);

    /** Tells the holder that nothing of a group is needed any more; done, too, if it has none of it. */
    CompletableFuture<Void> retire(PeerId holder, SlotTable.Signed table);

    /** The table by which the holder goes, signed by whom it may be; null if it knows none of the group. */
    CompletableFuture<SlotTable.@Nullable Signed> table(PeerId holder, GroupId group);

    /** Sends blocks into a slot of the holder; bit i is set once it has block i on its disk. */
    CompletableFuture<BitSet> put(PeerId holder, SlotAddress slot, List<StoredBlock> blocks);

    /**
     * Bit i is set if the slot lacks entry i of its part of the closed group's inventory; null if the holder does not know the
     * slot, or has not the inventory.
     *
     * @param restore whether the holder shall fetch what the slot lacks from the group's other holders
     */
    CompletableFuture<@Nullable BitSet> lacks(PeerId holder, SlotAddress slot, boolean restore);

    /** Bit i is set if the holder says that it has block i. */
    CompletableFuture<BitSet> have(PeerId holder, List<Cid> cids);

    /**
     * Whether the holder really has a block: a part of it, drawn anew each time, is compared with what is here.
     *
     * @param here the whole stored form; null if it is not here: then all of it is fetched and checked against its name
     * @return false if it has none or gave other bytes; fails if it did not answer
     */
    CompletableFuture<Boolean> proves(PeerId holder, Cid cid, @Nullable ByteBuffer here);
}
