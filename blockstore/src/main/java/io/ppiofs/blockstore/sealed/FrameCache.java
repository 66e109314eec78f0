package io.ppiofs.blockstore.sealed;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.ppiofs.blockstore.BlockKey;
import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.Cid;
import org.jspecify.annotations.Nullable;

/**
 * Decoded frames and block layouts, bounded by bytes. The key of the block is part of the entry's name: who asks with
 * another key misses, and then fails the frame tag.
 */
final class FrameCache {
    /** In the place of a frame index: the block's layout. */
    private static final int LAYOUT = -1;

    /** Heap bytes of an entry beside its content: key, node, two objects. */
    private static final int ENTRY = 160;

    private record Name(Cid cid, BlockKey key, BlockType type, int epoch, int index) {
        @Override
        public int hashCode() {
            return (int) cid.word(1) ^ index * 0x9e3779b9;
        }
    }

    private final Cache<Name, Object> entries;

    FrameCache(long bytes) {
        entries = Caffeine.newBuilder()
                .maximumWeight(bytes)
                .<Name, Object>weigher((name, value) ->
                        ENTRY + (value instanceof byte[] b ? b.length : ((BlockLayout) value).weight()))
                .executor(Runnable::run)
                .build();
    }

    byte @Nullable [] frame(BlockType type, BlockRef ref, int index) {
        return (byte[]) entries.getIfPresent(new Name(ref.cid(), ref.key(), type, ref.epoch(), index));
    }

    void keepFrame(BlockType type, BlockRef ref, int index, byte[] plaintext) {
        entries.put(new Name(ref.cid(), ref.key(), type, ref.epoch(), index), plaintext);
    }

    @Nullable
    BlockLayout layout(BlockType type, BlockRef ref) {
        BlockLayout layout =
                (BlockLayout) entries.getIfPresent(new Name(ref.cid(), ref.key(), type, ref.epoch(), LAYOUT));
        return layout != null && layout.length() == ref.length() ? layout : null;
    }

    void keepLayout(BlockType type, BlockRef ref, BlockLayout layout) {
        entries.put(new Name(ref.cid(), ref.key(), type, ref.epoch(), LAYOUT), layout);
    }

    void clear() {
        entries.invalidateAll();
    }
}
