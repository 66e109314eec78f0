package io.ppiofs.overlay.repair;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.blocks.BlockClient;
import io.ppiofs.overlay.blocks.BlockSink;
import io.ppiofs.overlay.blocks.Fetch;
import io.ppiofs.overlay.blocks.Priority;
import io.ppiofs.overlay.blocks.Verdict;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** Over the block protocol, behind all other traffic. */
public final class ClientBlockMover implements BlockMover {
    private final BlockClient client;

    public ClientBlockMover(BlockClient client) {
        this.client = client;
    }

    @Override
    public CompletableFuture<Map<Cid, ByteBuffer>> get(PeerId peer, List<Cid> cids) {
        Map<Cid, ByteBuffer> found = new ConcurrentHashMap<>();
        Fetch fetch = client.get(peer, cids, Priority.REPAIR, new BlockSink() {
            @Override
            public void onBlock(int index, Cid cid, ByteBuffer bytes) {
                found.put(cid, bytes);
            }
        });
        return fetch.done().thenApply(done -> found);
    }

    @Override
    public CompletableFuture<List<Verdict>> put(
            PeerId peer, PeerId tenant, SlotAddress slot, List<StoredBlock> blocks) {
        return client.put(peer, tenant, slot, blocks, Priority.REPAIR);
    }
}
