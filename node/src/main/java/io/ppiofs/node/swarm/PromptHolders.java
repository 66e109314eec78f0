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

/** Holders of which those that do not answer fail at once: one frozen peer must not hold up the copies on the others. */
final class PromptHolders implements Holders {
    private final Holders holders;
    private final SilentPeers silent;

    PromptHolders(Holders holders, SilentPeers silent) {
        this.holders = holders;
        this.silent = silent;
    }

    @Override
    public List<PeerId> propose(GroupId group, List<@Nullable PeerId> slots, Set<PeerId> avoid) {
        return holders.propose(group, slots, avoid);
    }

    @Override
    public boolean isLeaving(PeerId holder) {
        return holders.isLeaving(holder);
    }

    @Override
    public CompletableFuture<Void> admit(PeerId holder, SlotTable.Signed table, long maxBytes) {
        return silent.ask(holder, () -> holders.admit(holder, table, maxBytes));
    }

    @Override
    public CompletableFuture<Void> tell(PeerId holder, SlotTable.Signed table) {
        return silent.ask(holder, () -> holders.tell(holder, table));
    }

    @Override
    public CompletableFuture<Void> retire(PeerId holder, SlotTable.Signed table) {
        return silent.ask(holder, () -> holders.retire(holder, table));
    }

    @Override
    public CompletableFuture<SlotTable.@Nullable Signed> table(PeerId holder, GroupId group) {
        return silent.ask(holder, () -> holders.table(holder, group));
    }

    @Override
    public CompletableFuture<BitSet> put(PeerId holder, SlotAddress slot, List<StoredBlock> blocks) {
        return silent.ask(holder, () -> holders.put(holder, slot, blocks));
    }

    @Override
    public CompletableFuture<@Nullable BitSet> lacks(PeerId holder, SlotAddress slot, boolean restore) {
        return silent.ask(holder, () -> holders.lacks(holder, slot, restore));
    }

    @Override
    public CompletableFuture<BitSet> have(PeerId holder, List<Cid> cids) {
        return silent.ask(holder, () -> holders.have(holder, cids));
    }

    @Override
    public CompletableFuture<Boolean> proves(PeerId holder, Cid cid, @Nullable ByteBuffer here) {
        return silent.ask(holder, () -> holders.proves(holder, cid, here));
    }
}
