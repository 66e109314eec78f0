package io.ppiofs.overlay.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.sim.SimHost;
import io.ppiofs.overlay.sim.SimNetwork;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The capacity protocol between simulated hosts. */
@Tag("quick")
class CapacityProtocolTest {
    private static final Duration PATIENCE = Duration.ofSeconds(9);
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final byte[] HASH = new byte[32];

    private final SimNetwork net = new SimNetwork(1);
    private final SimHost lender = net.addHost();
    private final SimHost verifier = net.addHost();
    private final CapacityClient client = new CapacityClient(verifier, Network.PUBLIC);
    private final Lender prover = new Lender();

    /** Answers whatever it was told to. */
    private static final class Lender implements CapacityProver {
        private final List<CapacityAsk> asked = new ArrayList<>();
        private byte[] proof = {};
        private ErrorKind refusal;

        @Override
        public Said statement(long since) {
            return new Said(new byte[] {5}, new byte[] {(byte) since});
        }

        @Override
        public byte[] prove(CapacityAsk question) {
            asked.add(question);
            if (refusal != null) {
                throw new PpiofsException(refusal, "prove", "x", "this is why");
            }
            return proof;
        }
    }

    CapacityProtocolTest() {
        lender.knows(verifier);
        verifier.knows(lender);
        new CapacityServer(lender, Network.PUBLIC, prover, new QuestionServer.Workers(Runnable::run, () -> {})).serve();
    }

    private static void assertFails(SimNetwork net, ErrorKind kind, CompletableFuture<?> answer) {
        assertThatThrownBy(() -> net.await(answer, LIMIT))
                .cause()
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
    }

    @Test
    void a_statement_is_signed_by_who_was_asked() {
        CapacityClient.Said said = net.await(client.statement(lender.id(), 7, PATIENCE), LIMIT);
        assertThat(said.claim().peer()).isEqualTo(lender.id());
        assertThat(said.claim().statement()).containsExactly(5);
        assertThat(said.changes()).containsExactly(7);
        assertThat(CapacityClaim.open(said.claim().envelope(), Network.PUBLIC.id()))
                .isEqualTo(said.claim());
    }

    @Test
    void a_proof_of_several_megabytes_arrives_as_it_was_made() {
        prover.proof = new byte[3 << 20];
        prover.proof[12345] = 6;
        CapacityAsk question = CapacityAsk.space(HASH, HASH, 66);
        assertThat(net.await(client.prove(lender.id(), question, Duration.ofMinutes(2)), LIMIT))
                .isEqualTo(prover.proof);
        assertThat(prover.asked).containsExactly(question);
    }

    @Test
    void a_refusal_keeps_its_kind() {
        for (ErrorKind kind : List.of(ErrorKind.NOT_FOUND, ErrorKind.EXISTS, ErrorKind.BUSY, ErrorKind.CORRUPT)) {
            prover.refusal = kind;
            assertFails(net, kind, client.prove(lender.id(), CapacityAsk.labels(HASH, HASH), PATIENCE));
        }
    }
}
