package io.ppiofs.overlay.audit;

import io.ppiofs.cbor.MalformedException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Asks peers about their idle space. Futures fail as those of {@link AuditClient} do. Thread-safe. */
public final class CapacityClient {
    private final Host host;
    private final NetworkId network;
    private final ProtocolId protocol;

    /** A peer's word, and how its ledger came to it from the one that was asked for; empty if the peer does not say. */
    public record Said(CapacityClaim claim, byte[] changes) {}

    public CapacityClient(Host host, Network network) {
        this.host = host;
        this.network = network.id();
        this.protocol = AuditProtocol.capacity(network);
    }

    /** The peer's newest claim, signed by it. @param since the sequence of the newest that is known, or 0 */
    public CompletableFuture<Said> statement(PeerId peer, long since, Duration patience) {
        return ask(peer, CapacityAsk.statement(since), patience, fields -> {
            CapacityClaim claim = CapacityClaim.open(fields.bytes(2, 1, CapacityClaim.MAX_ENVELOPE), network);
            if (!claim.peer().equals(peer)) {
                throw new MalformedException("the claim is of somebody else");
            }
            return new Said(claim, fields.bytes(3, 0, CapacityServer.MAX_PROOF));
        });
    }

    /** The answer to a challenge, unchecked. */
    public CompletableFuture<byte[]> prove(PeerId peer, CapacityAsk question, Duration patience) {
        return ask(peer, question, patience, fields -> fields.bytes(3, 0, CapacityServer.MAX_PROOF));
    }

    private <T> CompletableFuture<T> ask(
            PeerId peer, CapacityAsk question, Duration patience, AuditProtocol.Reader<T> reader) {
        return AuditProtocol.ask(host, peer, protocol, question.encode(), CapacityServer.MAX_ANSWER, patience, reader);
    }
}
