package io.ppiofs.overlay.audit;

import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Has holders seal slots, and prove it. Futures fail as those of {@link AuditClient} do. Thread-safe. */
public final class SealClient {
    private final Host host;
    private final ProtocolId protocol;

    public SealClient(Host host, Network network) {
        this.host = host;
        this.protocol = AuditProtocol.seal(network);
    }

    /** Orders, or asks how far it is: the same question. What the holder says of commitments and earlier orders is unchecked. */
    public CompletableFuture<SealStatus> order(PeerId holder, SealOrder order, Duration patience) {
        return ask(holder, SealAsk.order(order), patience, SealStatus::read);
    }

    /** The answer to a challenge, unchecked. */
    public CompletableFuture<byte[]> prove(PeerId holder, SealAsk question, Duration patience) {
        return ask(holder, question, patience, fields -> fields.bytes(2, 1, SealServer.MAX_PROOF));
    }

    private <T> CompletableFuture<T> ask(
            PeerId holder, SealAsk question, Duration patience, AuditProtocol.Reader<T> reader) {
        return AuditProtocol.ask(host, holder, protocol, question.encode(), SealServer.MAX_ANSWER, patience, reader);
    }
}
