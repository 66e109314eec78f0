package io.ppiofs.node.audit;

import io.ppiofs.overlay.audit.SealAsk;
import io.ppiofs.overlay.audit.SealOrder;
import io.ppiofs.overlay.audit.SealStatus;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Asks holders about slots that are to be sealed, or are. Futures fail as those of {@link io.ppiofs.overlay.audit.SealClient} do. */
public interface SealAsking {
    CompletableFuture<SealStatus> order(PeerId holder, SealOrder order, Duration patience);

    CompletableFuture<byte[]> prove(PeerId holder, SealAsk question, Duration patience);
}
