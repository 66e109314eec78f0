package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;

/** Blocks that no test has twice. */
final class RandomBlocks {
    private static final SecureRandom RANDOM = new SecureRandom();

    private RandomBlocks() {}

    /** Puts blocks one by one; block i has {@code length(i)} bytes. */
    static List<Cid> put(BlockStore store, int count, IntUnaryOperator length) {
        List<Cid> cids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] bytes = new byte[length.applyAsInt(i)];
            RANDOM.nextBytes(bytes);
            StoredBlock block = SwarmReader.asBlock(bytes);
            store.put(List.of(block));
            cids.add(block.cid());
        }
        return cids;
    }
}
