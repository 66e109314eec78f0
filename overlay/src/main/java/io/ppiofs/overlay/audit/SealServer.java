package io.ppiofs.overlay.audit;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.network.Network;
import java.time.Duration;

/**
 * Answers tenants about sealed slots on two threads of lowest priority: one for windows, which are short and late after seconds, and one for all else. What is
 * not ordered by a tenant is refused before the {@link SealHolder} hears of it. Thread-safe.
 */
public final class SealServer implements AutoCloseable {
    /** Most bytes of a proof: 176 openings of eleven layers and a GiB. */
    public static final int MAX_PROOF = 7 << 20;

    static final int MAX_ANSWER = MAX_PROOF + (8 << 10);
    private static final int MAX_QUESTION = 2 << 10;

    /** A window that has waited longer would come too late, and only keep the next one waiting. */
    private static final Duration MOST_WAITING = Duration.ofSeconds(2);

    private final QuestionServer questions;
    private final QuestionServer windows;

    public SealServer(Host host, Network network, SealHolder holder) {
        this(host, network, holder, QuestionServer.Workers.threads(1), QuestionServer.Workers.threads(1));
    }

    SealServer(
            Host host,
            Network network,
            SealHolder holder,
            QuestionServer.Workers workers,
            QuestionServer.Workers windowWorkers) {
        ProtocolId protocol = AuditProtocol.seal(network);
        QuestionServer.Answers answers = answers(host, network.id(), holder);
        QuestionServer quick = new QuestionServer(
                host, protocol, MAX_QUESTION, MAX_ANSWER, answers, windowWorkers, MOST_WAITING, question -> null);
        this.windows = quick;
        this.questions = new QuestionServer(
                host,
                protocol,
                MAX_QUESTION,
                MAX_ANSWER,
                answers,
                workers,
                QuestionServer.ANY,
                question -> isWindow(question) ? quick : null);
    }

    private static boolean isWindow(byte[] question) {
        try {
            return SealAsk.decode(question).kind() == SealAsk.Kind.WINDOW;
        } catch (PpiofsException e) {
            return false; // which the other one says
        }
    }

    private static QuestionServer.Answers answers(Host host, NetworkId network, SealHolder holder) {
        return (asker, message) -> {
            SealAsk question = SealAsk.decode(message);
            SealOrder order = order(question, network);
            if (!order.holder().equals(host.id())) {
                throw invalid("the order is for somebody else");
            }
            return switch (question.kind()) {
                case ORDER -> holder.order(order).fields();
                case REPLICATION -> CborMap.builder().put(2, holder.replication(order, question));
                case WINDOW ->
                    CborMap.builder().put(2, holder.window(order, acceptance(question, order, network), question));
            };
        };
    }

    private static SealOrder order(SealAsk question, NetworkId network) {
        try {
            return SealOrder.open(question.order(), network);
        } catch (PpiofsException e) {
            // CORRUPT would say that something was lost here
            throw invalid("the order is none: " + e.detail());
        }
    }

    private static SealAcceptance acceptance(SealAsk question, SealOrder order, NetworkId network) {
        try {
            SealAcceptance acceptance = SealAcceptance.open(question.acceptance(), network);
            if (acceptance.isOf(order)) {
                return acceptance;
            }
        } catch (PpiofsException e) {
            throw invalid("the acceptance is none: " + e.detail());
        }
        throw invalid("the acceptance is of another order");
    }

    private static PpiofsException invalid(String detail) {
        return new PpiofsException(ErrorKind.INVALID, "read", "seal", detail);
    }

    /** Begins to answer. */
    public void serve() {
        questions.serve();
    }

    /** Questions that were answered. */
    public long answered() {
        return questions.answered() + windows.answered();
    }

    /** Questions that were answered with a refusal. */
    public long refused() {
        return questions.refused() + windows.refused();
    }

    /** Ends what is under way; the protocol is no longer spoken. */
    @Override
    public void close() {
        questions.close();
        windows.close();
    }
}
