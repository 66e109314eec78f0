package io.ppiofs.overlay.audit;

import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Asks holders for proofs. Thread-safe. */
public final class AuditClient {
    private final Host host;
    private final NetworkId network;
    private final ProtocolId protocol;

    public AuditClient(Host host, Network network) {
        this.host = host;
        this.network = network.id();
        this.protocol = AuditProtocol.id(network);
    }

    /**
     * Asks a holder.
     *
     * @param patience after which the answer is not waited for; whoever has a shorter deadline measures himself
     * @return the answer, signed by the holder for this question; fails with NOT_CONNECTED if none came, CORRUPT if the holder says
     *     that it lacks a challenged block, INVALID if it sent nonsense or refused the question, NOT_FOUND, EXISTS, BUSY,
     *     NOT_SUPPORTED, IO as {@link AuditProtocol.Refusal} says
     */
    public CompletableFuture<AuditAnswer> audit(PeerId holder, AuditAsk question, Duration patience) {
        return AuditProtocol.ask(
                host, holder, protocol, question.encode(), AuditProtocol.MAX_MESSAGE, patience, fields -> {
                    AuditAnswer answer = AuditAnswer.open(fields.bytes(2, 1, AuditProtocol.MAX_MESSAGE), network);
                    answer.requireFor(holder, question);
                    return answer;
                });
    }
}
