package io.ppiofs.overlay.audit;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.network.Network;

/**
 * Answers audits, one at a time, on a thread of lowest priority; how many may wait is {@link QuestionServer}'s. Thread-safe.
 */
public final class AuditServer implements AutoCloseable {
    private final QuestionServer questions;

    public AuditServer(Host host, Network network, AuditProver prover) {
        this(host, network, prover, QuestionServer.Workers.threads(1));
    }

    AuditServer(Host host, Network network, AuditProver prover, QuestionServer.Workers workers) {
        this.questions = new QuestionServer(
                host,
                AuditProtocol.id(network),
                AuditProtocol.MAX_MESSAGE,
                AuditProtocol.MAX_MESSAGE,
                answers(host, network.id(), prover),
                workers);
    }

    private static QuestionServer.Answers answers(Host host, NetworkId network, AuditProver prover) {
        return (asker, message) -> {
            AuditAsk question = AuditAsk.decode(message);
            byte[] proof = prover.prove(question);
            return CborMap.builder()
                    .put(
                            2,
                            AuditAnswer.sign(question, proof, host.key(), network)
                                    .envelope());
        };
    }

    /** Begins to answer. */
    public void serve() {
        questions.serve();
    }

    /** Proofs that were given. */
    public long answered() {
        return questions.answered();
    }

    /** Questions that were answered with a refusal. */
    public long refused() {
        return questions.refused();
    }

    /** Answers one stream of the protocol, as {@link #serve} has it done. */
    public void accept(Stream stream) {
        questions.accept(stream);
    }

    /** Ends what is under way; the protocol is no longer spoken. */
    @Override
    public void close() {
        questions.close();
    }
}
