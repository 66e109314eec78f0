package io.ppiofs.fs.tree;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.ppiofs.blockstore.BlockRef;
import org.jspecify.annotations.Nullable;

/**
 * Decoded nodes by ref, bounded by bytes. A node never changes under its ref, so nothing is ever invalidated.
 * Thread-safe; no lock is held while a node is read, two threads that miss at once both read.
 */
public final class NodeCache {
    private final Cache<BlockRef, Node> nodes;

    /** @param maxBytes bound on the heap that nodes in the cache take; 0 caches nothing */
    public NodeCache(long maxBytes) {
        if (maxBytes < 0) {
            throw new IllegalArgumentException("maxBytes " + maxBytes + " is negative");
        }
        nodes = Caffeine.newBuilder()
                .maximumWeight(maxBytes)
                .weigher((BlockRef ref, Node node) -> node.heapBytes())
                // Maintenance is short; on the caller's thread it needs no pool that others may have filled.
                .executor(Runnable::run)
                .build();
    }

    @Nullable
    Node get(BlockRef ref) {
        return nodes.getIfPresent(ref);
    }

    void put(BlockRef ref, Node node) {
        nodes.put(ref, node);
    }

    /** Forgets all nodes; the next reads go to the blocks. */
    public void clear() {
        nodes.invalidateAll();
    }

    /** Heap that the cached nodes take, about. */
    public long bytes() {
        nodes.cleanUp();
        return nodes.policy().eviction().map(e -> e.weightedSize().orElse(0)).orElse(0L);
    }
}
