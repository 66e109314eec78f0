package io.ppiofs.overlay.fetch;

import java.util.concurrent.CompletableFuture;

/** A fetch from several peers under way. Safe for any thread. */
public interface Transfer {
    /** See {@link Fetcher#fetch(java.util.List, io.ppiofs.overlay.blocks.Priority, io.ppiofs.overlay.blocks.BlockSink)}. */
    CompletableFuture<Void> done();

    /**
     * Whether a holder failed or did not answer so far: what is missing then may be had a moment later. False if each one that was asked
     * has said what it has.
     */
    boolean isDoubtful();

    /** Ends it; idempotent. */
    void cancel();
}
