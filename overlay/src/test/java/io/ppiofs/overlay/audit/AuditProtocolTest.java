package io.ppiofs.overlay.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.sim.SimHost;
import io.ppiofs.overlay.sim.SimNetwork;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The audit protocol between simulated hosts. */
@Tag("quick")
class AuditProtocolTest {
    private static final Duration PATIENCE = Duration.ofSeconds(9);
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final byte[] PROOF = {1, 2, 3};

    private final SimNetwork net = new SimNetwork(1);
    private final SimHost holder = net.addHost();
    private final SimHost verifier = net.addHost();
    private final PeerId tenant = IdentityKey.generate(new SecureRandom()).peerId();
    private final AuditClient client = new AuditClient(verifier, Network.PUBLIC);
    private final List<Runnable> waiting = new ArrayList<>();

    AuditProtocolTest() {
        holder.knows(verifier);
        verifier.knows(holder);
    }

    private void serve(AuditProver prover) {
        new AuditServer(holder, Network.PUBLIC, prover, new QuestionServer.Workers(Runnable::run, () -> {})).serve();
    }

    private AuditAsk question(long epoch) {
        return new AuditAsk(
                tenant,
                GroupId.of(new byte[16]),
                3,
                Cid.of(ByteBuffer.allocate(1)),
                epoch,
                460,
                0,
                new byte[48],
                new byte[96],
                new byte[0]);
    }

    private AuditAnswer ask(long epoch) {
        return net.await(client.audit(holder.id(), question(epoch), PATIENCE), LIMIT);
    }

    private void assertFails(ErrorKind kind, CompletableFuture<?> answer) {
        assertThatThrownBy(() -> net.await(answer, LIMIT))
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
    }

    @Test
    void an_answer_is_signed_by_the_holder_for_its_question() {
        List<AuditAsk> heard = new ArrayList<>();
        serve(asked -> {
            heard.add(asked);
            return PROOF;
        });
        AuditAnswer answer = ask(7);
        assertThat(heard).containsExactly(question(7));
        assertThat(answer.proof()).isEqualTo(PROOF);
        assertThat(answer.prover()).isEqualTo(holder.id());
        assertThat(answer.answers(question(7))).isTrue();
        assertThat(answer.answers(question(8))).isFalse();
        assertThat(AuditAnswer.open(answer.envelope(), Network.PUBLIC.id())).isEqualTo(answer);
    }

    @Test
    void a_refusal_keeps_its_kind_and_its_sentence() {
        for (ErrorKind kind : List.of(
                ErrorKind.NOT_FOUND, ErrorKind.EXISTS, ErrorKind.CORRUPT, ErrorKind.INVALID, ErrorKind.NOT_SUPPORTED)) {
            serve(asked -> {
                throw new PpiofsException(kind, "prove", "x", "this is why");
            });
            CompletableFuture<AuditAnswer> answer = client.audit(holder.id(), question(1), PATIENCE);
            assertFails(kind, answer);
            assertThatThrownBy(answer::join).hasMessageContaining("this is why");
        }
        serve(asked -> {
            throw new IllegalStateException("a defect");
        });
        assertFails(ErrorKind.IO, client.audit(holder.id(), question(1), PATIENCE));
    }

    @Test
    void a_replayed_answer_or_one_of_somebody_else_is_nonsense() {
        AuditAsk old = question(1);
        byte[] envelope =
                AuditAnswer.sign(old, PROOF, holder.key(), Network.PUBLIC.id()).envelope();
        AuditAnswer replayed = AuditAnswer.open(envelope, Network.PUBLIC.id());
        assertThatThrownBy(() -> replayed.requireFor(holder.id(), question(2)))
                .hasMessageContaining("another question");
        AuditAnswer foreign = AuditAnswer.open(
                AuditAnswer.sign(old, PROOF, verifier.key(), Network.PUBLIC.id())
                        .envelope(),
                Network.PUBLIC.id());
        assertThatThrownBy(() -> foreign.requireFor(holder.id(), old)).hasMessageContaining("somebody else");
    }

    @Test
    void an_asker_has_four_questions_waiting_and_no_more() {
        new AuditServer(holder, Network.PUBLIC, asked -> PROOF, new QuestionServer.Workers(waiting::add, () -> {}))
                .serve();
        List<CompletableFuture<AuditAnswer>> answers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            answers.add(client.audit(holder.id(), question(i), PATIENCE));
        }
        net.runUntil(() -> waiting.size() == 4, LIMIT);
        assertFails(ErrorKind.BUSY, client.audit(holder.id(), question(5), PATIENCE));
        assertThat(waiting).hasSize(4);
        List.copyOf(waiting).forEach(Runnable::run);
        waiting.clear();
        answers.forEach(answer -> assertThat(net.await(answer, LIMIT).proof()).isEqualTo(PROOF));
        CompletableFuture<AuditAnswer> later = client.audit(holder.id(), question(6), Duration.ofMinutes(1));
        net.runUntil(() -> !waiting.isEmpty(), LIMIT);
        waiting.forEach(Runnable::run);
        assertThat(net.await(later, LIMIT).proof()).isEqualTo(PROOF);
    }

    @Test
    void sixty_four_questions_wait_and_each_is_answered_by_a_task() {
        new AuditServer(holder, Network.PUBLIC, asked -> PROOF, new QuestionServer.Workers(waiting::add, () -> {}))
                .serve();
        List<CompletableFuture<AuditAnswer>> answers = new ArrayList<>();
        for (int i = 0; i < 17; i++) {
            SimHost asker = net.addHost();
            asker.knows(holder);
            holder.knows(asker);
            for (int k = 0; k < 4; k++) {
                answers.add(new AuditClient(asker, Network.PUBLIC).audit(holder.id(), question(k), LIMIT));
            }
        }
        net.runUntil(
                () -> waiting.size() == 64
                        && answers.stream()
                                        .filter(CompletableFuture::isCompletedExceptionally)
                                        .count()
                                == 4,
                LIMIT);
        List.copyOf(waiting).forEach(Runnable::run);
        assertThat(waiting).hasSize(64);
        net.runUntil(() -> answers.stream().allMatch(CompletableFuture::isDone), LIMIT);
        assertThat(answers.stream().filter(CompletableFuture::isCompletedExceptionally))
                .hasSize(4);
    }

    @Test
    void a_question_that_no_thread_takes_is_refused_and_no_longer_counts() {
        List<Runnable> taken = new ArrayList<>();
        boolean[] refuses = {true};
        new AuditServer(
                        holder,
                        Network.PUBLIC,
                        asked -> PROOF,
                        new QuestionServer.Workers(
                                task -> {
                                    if (refuses[0]) {
                                        throw new RejectedExecutionException("full");
                                    }
                                    taken.add(task);
                                },
                                () -> {}))
                .serve();
        for (int i = 0; i < 6; i++) {
            assertFails(ErrorKind.BUSY, client.audit(holder.id(), question(i), PATIENCE));
        }
        refuses[0] = false;
        CompletableFuture<AuditAnswer> answer = client.audit(holder.id(), question(9), LIMIT);
        net.runUntil(() -> taken.size() == 1, LIMIT);
        taken.get(0).run();
        assertThat(net.await(answer, LIMIT).proof()).isEqualTo(PROOF);
    }

    @Test
    void however_many_questions_one_asks_another_waits_for_one_of_them() {
        List<Long> order = new ArrayList<>();
        new AuditServer(
                        holder,
                        Network.PUBLIC,
                        asked -> {
                            order.add(asked.epoch());
                            return PROOF;
                        },
                        new QuestionServer.Workers(waiting::add, () -> {}))
                .serve();
        SimHost late = net.addHost();
        late.knows(holder);
        holder.knows(late);
        List<CompletableFuture<AuditAnswer>> answers = new ArrayList<>();
        for (int i = 1; i <= 4; i++) {
            answers.add(client.audit(holder.id(), question(i), LIMIT));
            int asked = i;
            net.runUntil(() -> waiting.size() == asked, LIMIT);
        }
        answers.add(new AuditClient(late, Network.PUBLIC).audit(holder.id(), question(100), LIMIT));
        net.runUntil(() -> waiting.size() == 5, LIMIT);
        List.copyOf(waiting).forEach(Runnable::run);
        answers.forEach(answer -> net.await(answer, LIMIT));
        assertThat(order).containsExactly(1L, 100L, 2L, 3L, 4L);
    }

    @Test
    void a_holder_that_says_nothing_is_given_up_after_the_patience() {
        new AuditServer(holder, Network.PUBLIC, asked -> PROOF, new QuestionServer.Workers(waiting::add, () -> {}))
                .serve();
        assertFails(ErrorKind.NOT_CONNECTED, client.audit(holder.id(), question(1), PATIENCE));
    }

    @Test
    void every_bit_of_a_signed_answer_counts() {
        byte[] envelope = AuditAnswer.sign(question(1), PROOF, holder.key(), Network.PUBLIC.id())
                .envelope();
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 200; i++) {
            byte[] flipped = envelope.clone();
            flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
            assertThatThrownBy(() -> AuditAnswer.open(flipped, Network.PUBLIC.id()))
                    .isInstanceOf(PpiofsException.class);
        }
    }
}
