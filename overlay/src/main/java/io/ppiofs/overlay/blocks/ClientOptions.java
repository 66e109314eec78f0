package io.ppiofs.overlay.blocks;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * How a client asks.
 *
 * @param executor calls sinks and completes fetches; not the event loop
 * @param stall time in which a request must make progress: {@link BlockLimits#MIN_PROGRESS} bytes, or its end
 * @param tenant for whom blocks are fetched, as receipts say; null: for this node
 * @param signer of receipts
 * @param wrongBytes hears of each block that came with other bytes than its name says
 */
public record ClientOptions(
        Executor executor,
        Duration stall,
        @Nullable PeerId tenant,
        Receipt.Signer signer,
        WrongBytesListener wrongBytes) {
    /** Hears of wrong bytes; called on an event loop. */
    @FunctionalInterface
    public interface WrongBytesListener {
        void onWrongBytes(PeerId peer, Cid cid);
    }

    /** 10 s, no tenant, no signatures, no listener. */
    public static ClientOptions on(Executor executor) {
        return new ClientOptions(executor, Duration.ofSeconds(10), null, Receipt.Signer.NONE, (peer, cid) -> {});
    }

    public ClientOptions withStall(Duration value) {
        return new ClientOptions(executor, value, tenant, signer, wrongBytes);
    }

    public ClientOptions withReceipts(@Nullable PeerId payer, Receipt.Signer value) {
        return new ClientOptions(executor, stall, payer, value, wrongBytes);
    }

    public ClientOptions withWrongBytes(WrongBytesListener value) {
        return new ClientOptions(executor, stall, tenant, signer, value);
    }
}
