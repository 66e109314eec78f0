package io.ppiofs.overlay.blocks;

import io.ppiofs.blockstore.Cid;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is left of a fetch that failed. Resumed once; {@link BlockSink} hears the indices of the first request.
 */
public final class FetchRest {
    /** A block that had begun to arrive: its index in {@code cids}, and its bytes up to now. */
    private final @Nullable BlockBuffer begun;

    private final List<Cid> cids;
    private final List<Integer> indices;

    FetchRest(List<Cid> cids, List<Integer> indices, @Nullable BlockBuffer begun) {
        this.cids = List.copyOf(cids);
        this.indices = List.copyOf(indices);
        this.begun = begun;
    }

    /** The blocks that are missing; the one that had begun to arrive is the first. */
    public List<Cid> cids() {
        return cids;
    }

    /** Bytes of the first block that need not be sent again. */
    public int resumeOffset() {
        return begun == null ? 0 : begun.filled();
    }

    List<Integer> indices() {
        return indices;
    }

    @Nullable
    BlockBuffer begun() {
        return begun;
    }
}
