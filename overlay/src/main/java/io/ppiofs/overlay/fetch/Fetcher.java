package io.ppiofs.overlay.fetch;

import io.ppiofs.overlay.blocks.BlockSink;
import io.ppiofs.overlay.blocks.Priority;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Fetches blocks from whoever has them, as fast as the peers together can. Safe for any thread; no method blocks. */
public interface Fetcher {
    /**
     * Fetches blocks and gives each to {@code sink} when it is whole and checked; at most a window of blocks is in memory.
     * Completes after the last call of the sink. A block that no holder delivers is told as missing ({@link BlockSink#onMissing}), and the
     * future still completes. Fails with INTERRUPTED after {@link Transfer#cancel}.
     *
     * @param wants what to fetch, in the order in which it is wanted
     */
    Transfer fetch(List<Want> wants, Priority priority, BlockSink sink);

    /**
     * Fetches blocks into memory. With {@link Priority#FOREGROUND} a single block is hedged: asked of a second holder when the first one
     * takes longer than 95 of 100 fetches took.
     *
     * @return the blocks in the order of {@code wants}; fails with NOT_FOUND if no holder has one of them, CORRUPT if what holders have of it is wrong,
     *     NOT_CONNECTED if no holder can be reached
     */
    CompletableFuture<List<ByteBuffer>> fetch(List<Want> wants, Priority priority);

    /**
     * As the first, for blocks that are wanted one after the other and named as their reader goes on. It ends by itself a while after the last
     * of them. What has begun and was not taken by the sink is at most {@code window} of the options and 32 MiB.
     */
    StreamTransfer stream(Priority priority, BlockSink sink);
}
