package io.ppiofs.overlay.audit;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.network.Network;

/**
 * Answers questions about idle space on two threads of lowest priority, so that leaves are opened while a unit is labelled. Thread-safe.
 */
public final class CapacityServer implements AutoCloseable {
    /** Most bytes of a proof. */
    public static final int MAX_PROOF = 7 << 20;

    static final int MAX_ANSWER = MAX_PROOF + (8 << 10);
    private static final int MAX_QUESTION = 256;
    private static final int THREADS = 2;

    private final QuestionServer questions;

    public CapacityServer(Host host, Network network, CapacityProver prover) {
        this(host, network, prover, QuestionServer.Workers.threads(THREADS));
    }

    CapacityServer(Host host, Network network, CapacityProver prover, QuestionServer.Workers workers) {
        this.questions = new QuestionServer(
                host,
                AuditProtocol.capacity(network),
                MAX_QUESTION,
                MAX_ANSWER,
                answers(host, network.id(), prover),
                workers);
    }

    private static QuestionServer.Answers answers(Host host, NetworkId network, CapacityProver prover) {
        return (asker, message) -> {
            CapacityAsk question = CapacityAsk.decode(message);
            if (question.kind() != CapacityAsk.Kind.STATEMENT) {
                return CborMap.builder().put(2, new byte[0]).put(3, prover.prove(question));
            }
            CapacityProver.Said said = prover.statement(question.sequence());
            CapacityClaim claim = CapacityClaim.sign(said.statement(), host.key(), network);
            return CborMap.builder().put(2, claim.envelope()).put(3, said.changes());
        };
    }

    /** Begins to answer. */
    public void serve() {
        questions.serve();
    }

    /** Questions that were answered. */
    public long answered() {
        return questions.answered();
    }

    /** Ends what is under way; the protocol is no longer spoken. */
    @Override
    public void close() {
        questions.close();
    }
}
