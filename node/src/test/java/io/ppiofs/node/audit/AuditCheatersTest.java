package io.ppiofs.node.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.node.audit.AuditOutcome.Result;
import io.ppiofs.overlay.audit.AuditAnswer;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.proofs.audit.AuditForm;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Holders that cheat against the honest verifier, on a clock that the test sets, and how often they are found: docs/proofs.md. */
@Tag("long")
class AuditCheatersTest {
    private static final int ROUNDS = 4_000;
    private static final int CHALLENGED = 10;
    private static final Duration ROUND_TRIP = Duration.ofMillis(80);
    private static final Duration PROMPT = Duration.ofMillis(200);

    private final TaggedVolume volume = new TaggedVolume(Scheme.copies(2), 40, 90_000, 1);
    private final SlotHolder holder = new SlotHolder(volume, 1);
    private final SlotVerifier verifier = verifier(AuditForm.PRIVATE);

    private SlotVerifier verifier(AuditForm form) {
        GroupTags tags = GroupTags.make(volume.group, form, volume.keys, volume.local, () -> false);
        assertThat(tags).isNotNull();
        return new SlotVerifier(TaggedVolume.NETWORK, volume.keys, volume.group, 1, form, tags);
    }

    private AuditOutcome judge(AuditAsk question, AuditAnswer answer, Duration took) {
        return verifier.judge(question, answer, took, SlotVerifier.deadline(question.units(), ROUND_TRIP));
    }

    /** Throws away a tenth of the units, drawn at random. @return how many */
    private int dropATenth() {
        SplittableRandom random = new SplittableRandom(2);
        int drop = (int) verifier.total() / 10;
        while (holder.dropped.size() < drop) {
            holder.dropped.add(random.nextLong(verifier.total()));
        }
        return drop;
    }

    @Test
    void an_honest_holder_passes_every_time() {
        for (int epoch = 0; epoch < ROUNDS / 10; epoch++) {
            AuditAsk question = verifier.question(epoch, CHALLENGED);
            AuditOutcome outcome = judge(question, holder.answer(question), PROMPT);
            assertThat(outcome.result()).as(outcome.reason()).isEqualTo(Result.PASS);
        }
    }

    @Test
    void one_who_dropped_a_tenth_is_found_as_often_as_the_bound_says() {
        int drop = dropATenth();
        int found = 0;
        for (int epoch = 0; epoch < ROUNDS; epoch++) {
            AuditAsk question = verifier.question(epoch, CHALLENGED);
            if (judge(question, holder.answer(question), PROMPT).result() == Result.FAIL) {
                found++;
            }
        }
        double missed = 1;
        for (int i = 0; i < CHALLENGED; i++) {
            missed *= (verifier.total() - drop - i) / (double) (verifier.total() - i);
        }
        double bound = 1 - Math.pow(0.9, CHALLENGED);
        double sigma = Math.sqrt(missed * (1 - missed) / ROUNDS);
        double frequency = found / (double) ROUNDS;
        assertThat(frequency).isCloseTo(1 - missed, within(3 * sigma)).isGreaterThan(bound - 3 * sigma);
    }

    @Test
    void with_the_usual_challenge_a_tenth_is_found_at_once() {
        dropATenth();
        for (int epoch = 0; epoch < 50; epoch++) {
            AuditAsk question = verifier.question(epoch, 460);
            assertThat(judge(question, holder.answer(question), PROMPT).result())
                    .isEqualTo(Result.FAIL);
        }
    }

    @Test
    void one_who_replays_old_proofs_never_passes() {
        AuditAsk old = verifier.question(0, CHALLENGED);
        byte[] kept = holder.proof(old);
        for (int epoch = 1; epoch < ROUNDS / 2; epoch++) {
            AuditAsk question = verifier.question(epoch, CHALLENGED);
            AuditAnswer replayed = AuditAnswer.sign(question, kept, volume.holders.get(1), TaggedVolume.NETWORK);
            assertThat(judge(question, replayed, PROMPT).result()).isEqualTo(Result.FAIL);
        }
    }

    @Test
    void one_who_answers_late_is_suspect_and_one_who_is_late_and_wrong_fails() {
        SplittableRandom random = new SplittableRandom(4);
        for (int epoch = 0; epoch < ROUNDS / 10; epoch++) {
            AuditAsk question = verifier.question(epoch, CHALLENGED);
            Duration deadline = SlotVerifier.deadline(question.units(), ROUND_TRIP);
            Duration took = Duration.ofMillis(random.nextLong(2 * deadline.toMillis()));
            Result expected = took.compareTo(deadline) > 0 ? Result.SUSPECT : Result.PASS;
            assertThat(judge(question, holder.answer(question), took).result()).isEqualTo(expected);
        }
        holder.dropped.addAll(LongStream.range(0, verifier.total()).boxed().toList());
        AuditAsk question = verifier.question(ROUNDS, CHALLENGED);
        assertThat(judge(question, holder.answer(question), Duration.ofHours(1)).result())
                .isEqualTo(Result.FAIL);
    }

    @Test
    void a_deadline_grows_with_what_is_to_be_read_and_with_the_way() {
        Duration near = SlotVerifier.deadline(460, Duration.ZERO);
        assertThat(SlotVerifier.deadline(920, Duration.ZERO)).isGreaterThan(near);
        assertThat(SlotVerifier.deadline(460, Duration.ofSeconds(1))).isEqualTo(near.plusSeconds(4));
    }

    @Test
    void every_bit_of_a_proof_of_either_form_counts() {
        SplittableRandom random = new SplittableRandom(5);
        for (AuditForm form : AuditForm.values()) {
            SlotVerifier any = verifier(form);
            AuditAsk question = any.question(9, CHALLENGED);
            byte[] good = holder.proof(question);
            Duration deadline = SlotVerifier.deadline(CHALLENGED, ROUND_TRIP);
            assertThat(any.judge(question, holder.answer(question), PROMPT, deadline)
                            .result())
                    .isEqualTo(Result.PASS);
            for (int i = 0; i < 60; i++) {
                byte[] flipped = good.clone();
                flipped[random.nextInt(good.length)] ^= (byte) (1 << random.nextInt(8));
                AuditAnswer answer = AuditAnswer.sign(question, flipped, volume.holders.get(1), TaggedVolume.NETWORK);
                assertThat(any.judge(question, answer, PROMPT, deadline).result())
                        .isEqualTo(Result.FAIL);
            }
            AuditAnswer shorter = AuditAnswer.sign(
                    question, Arrays.copyOf(good, good.length - 1), volume.holders.get(1), TaggedVolume.NETWORK);
            assertThat(any.judge(question, shorter, PROMPT, deadline).result()).isEqualTo(Result.FAIL);
        }
    }
}
