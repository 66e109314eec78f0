package io.ppiofs.overlay.fetch;

import java.util.concurrent.CompletableFuture;

/** A fetch from several peers under way. Safe for any thread. */
public interface Transfer {
    /** See {@link Fetcher#fetch(java.util.List, io.ppiofs.overlay.blocks.Priority, io.ppiofs.overlay.blocks.BlockSink)}. */
    CompletableFuture<Void> done();

    /** Ends it; idempotent. */
    void cancel();
}
