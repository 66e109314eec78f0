package io.ppiofs.overlay.repair;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.blocks.Verdict;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** How repair gets blocks from peers and gives them to peers. Safe for any thread. */
public interface BlockMover {
    /** Blocks of a peer, checked against their names; those that it does not have are left out. */
    CompletableFuture<Map<Cid, ByteBuffer>> get(PeerId peer, List<Cid> cids);

    /** Puts blocks into a slot; one verdict for each, in order. */
    CompletableFuture<List<Verdict>> put(PeerId peer, PeerId tenant, SlotAddress slot, List<StoredBlock> blocks);
}
