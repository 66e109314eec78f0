package io.ppiofs.overlay.blocks;

import io.ppiofs.overlay.identity.PeerId;
import java.util.concurrent.CompletableFuture;

/** Blocks on their way from one peer. Safe for any thread. */
public interface Fetch {
    PeerId peer();

    /**
     * Completes when each block was given to the sink or is known to be missing, after the last call of the sink. Fails with
     * CORRUPT if the peer sent bytes that are not those of the CID, BUSY if it does too much already, IO if it was too slow,
     * NOT_CONNECTED if the connection could not be made or was lost, INTERRUPTED after {@link #cancel}, INTERNAL if the sink threw.
     */
    CompletableFuture<Void> done();

    /** Tells the peer to stop; idempotent, no error after the end. */
    void cancel();

    /**
     * After a failure: what has not been given to the sink, with the checked-so-far beginning of the block that was under
     * way, to be {@linkplain BlockClient#resume resumed} with this peer or another one.
     *
     * @throws IllegalStateException while the fetch is under way
     */
    FetchRest rest();
}
