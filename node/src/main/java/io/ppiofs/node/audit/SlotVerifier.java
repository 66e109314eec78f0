package io.ppiofs.node.audit;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.audit.AuditAnswer;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.proofs.audit.AuditChallenge;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.audit.AuditStatement;
import io.ppiofs.proofs.audit.SlotUnits;
import io.ppiofs.proofs.podr2.MacKey;
import io.ppiofs.proofs.podr2.PublicProver;
import io.ppiofs.proofs.podr2.PublicVerifier;
import io.ppiofs.proofs.podr2.TagPublicKey;
import io.ppiofs.proofs.podr2.UnitChallenge;
import io.ppiofs.proofs.podr2.UnitName;
import io.ppiofs.proofs.verify.Verdict;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.function.LongFunction;

/** The verifier of one slot: makes questions, judges answers. Knows no clock and no network. Immutable, thread-safe. */
public final class SlotVerifier {
    /** The holder's disk may need this long for each challenged unit: a seek, and a queue before it. */
    private static final Duration PER_UNIT = Duration.ofMillis(15);

    /** And this long for everything else, its own arithmetic and other verifiers' questions before. */
    private static final Duration BASE = Duration.ofSeconds(2);

    /** Round trips of an exchange, with room. */
    private static final int ROUND_TRIPS = 4;

    private static final byte[] NO_SIGMA = new byte[0];

    private final NetworkId network;
    private final AuditKeys keys;
    private final AuditedGroup group;
    private final int slot;
    private final AuditForm form;
    private final SlotUnits units;
    private final LongFunction<byte[]> tags;

    SlotVerifier(NetworkId network, AuditKeys keys, AuditedGroup group, int slot, AuditForm form, GroupTags tags) {
        this.network = network;
        this.keys = keys;
        this.group = group;
        this.slot = slot;
        this.form = form;
        this.units = group.units(slot);
        this.tags = tags.ofSlot(group, slot);
    }

    /** Who has the slot by the table. */
    PeerId holder() {
        return group.table().holders().get(slot);
    }

    /** Units of the slot; one that has none cannot be audited. */
    long total() {
        return units.total();
    }

    /**
     * The question of an epoch.
     *
     * @param epoch one that was not used for this slot before
     * @param wanted units to challenge; fewer if there are fewer
     */
    AuditAsk question(long epoch, int wanted) {
        int count = (int) Math.min(Math.min(wanted, AuditAsk.MAX_UNITS), units.total());
        AuditChallenge challenge = keys.verifier().challenge(statement(network, group, slot, epoch, count, form));
        return new AuditAsk(
                group.table().tenant(),
                group.table().group(),
                slot,
                group.digest(),
                epoch,
                count,
                form.ordinal(),
                challenge.verifier(),
                challenge.signature(),
                form == AuditForm.PUBLIC ? keys.publicTags().toBytes() : new byte[0]);
    }

    private static AuditStatement statement(
            NetworkId network, AuditedGroup group, int slot, long epoch, int count, AuditForm form) {
        return new AuditStatement(
                network.bytes(),
                group.table().tenant().toBytes(),
                group.table().group().bytes(),
                slot,
                group.digest().digest(),
                epoch,
                count,
                form);
    }

    /** The challenge that a question carries. @throws IllegalArgumentException if its form is not known */
    static AuditChallenge challengeOf(AuditAsk question, NetworkId network) {
        if (question.form() >= AuditForm.values().length) {
            throw new IllegalArgumentException("form " + question.form() + " is not known");
        }
        return new AuditChallenge(
                new AuditStatement(
                        network.bytes(),
                        question.tenant().toBytes(),
                        question.group().bytes(),
                        question.slot(),
                        question.inventory().digest(),
                        question.epoch(),
                        question.units(),
                        AuditForm.values()[question.form()]),
                question.verifier(),
                question.signature());
    }

    /** How long an answer may take. @param roundTrip to the holder, as it was measured just now */
    static Duration deadline(int units, Duration roundTrip) {
        return BASE.plus(PER_UNIT.multipliedBy(units)).plus(roundTrip.multipliedBy(ROUND_TRIPS));
    }

    /**
     * Judges an answer.
     *
     * @param answer signed by the holder for this question
     * @param took since the question was sent
     */
    AuditOutcome judge(AuditAsk question, AuditAnswer answer, Duration took, Duration deadline) {
        byte[] sigma = form == AuditForm.PUBLIC ? PublicProver.combineTags(challenge(question), tags) : NO_SIGMA;
        Verdict verdict = verdict(question, answer, sigma);
        AuditOutcome.Result result;
        String reason;
        if (!verdict.accepted()) {
            result = AuditOutcome.Result.FAIL;
            reason = verdict.reason();
        } else if (took.compareTo(deadline) > 0) {
            result = AuditOutcome.Result.SUSPECT;
            reason = "right, but late";
        } else {
            result = AuditOutcome.Result.PASS;
            reason = "";
        }
        return new AuditOutcome(result, holder(), question, question.units(), took, deadline, reason, answer, sigma);
    }

    private UnitChallenge challenge(AuditAsk question) {
        return challengeOf(question, network).units(units.total());
    }

    /** What an answer in the public form shows, whoever asked for it, and whenever it came. */
    Verdict verdict(AuditAsk question, AuditAnswer answer) {
        return verdict(question, answer, PublicProver.combineTags(challenge(question), tags));
    }

    private Verdict verdict(AuditAsk question, AuditAnswer answer, byte[] sigma) {
        Verdict verdict;
        UnitChallenge challenge = challenge(question);
        if (form == AuditForm.PUBLIC) {
            verdict = verifyPublic(keys.publicTags(), challenge, units::name, sigma, answer.proof());
        } else if (answer.proof().length != MacKey.COMBINED_BYTES) {
            verdict = Verdict.reject("a proof has " + answer.proof().length + " bytes, not " + MacKey.COMBINED_BYTES);
        } else {
            byte[] whole = ByteBuffer.allocate(MacKey.ANSWER_BYTES)
                    .put(answer.proof())
                    .put(MacKey.combineTags(challenge, tags))
                    .array();
            verdict = keys.mac().verify(challenge, units::name, whole);
        }
        return verdict;
    }

    /** What anybody may check. */
    static Verdict verifyPublic(
            TagPublicKey key, UnitChallenge challenge, LongFunction<UnitName> names, byte[] sigma, byte[] proof) {
        if (proof.length != PublicProver.OPENING_BYTES) {
            return Verdict.reject("a proof has " + proof.length + " bytes, not " + PublicProver.OPENING_BYTES);
        }
        byte[] whole = ByteBuffer.allocate(sigma.length + proof.length)
                .put(sigma)
                .put(proof)
                .array();
        return PublicVerifier.verify(key, challenge, names, whole);
    }

    /** Judges that no proof came. */
    AuditOutcome judge(AuditAsk question, PpiofsException failure, Duration deadline) {
        return new AuditOutcome(
                AuditOutcome.Result.of(failure),
                holder(),
                question,
                question.units(),
                Duration.ZERO,
                deadline,
                failure.detail(),
                null,
                NO_SIGMA);
    }
}
