package io.ppiofs.node.audit;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.audit.AuditAnswer;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.proofs.audit.AuditChallenge;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.audit.SlotUnits;
import io.ppiofs.proofs.audit.VerifierKey;
import io.ppiofs.proofs.podr2.TagKey;
import io.ppiofs.proofs.podr2.TagPublicKey;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.Verdict;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Public audits for somebody who was not there: what the owner vouches for, the questions, and the answers that holders signed. Checked
 * from its bytes alone.
 *
 * <p>Deterministic CBOR map {1: version, 2: network, 3: tag key, 4: [{1: subject, 2: inventory, 3: [{1: slot, 2: epoch, 3: units, 4:
 * signature, 5: σ, 6: answer}]}]}. Of version 1, the owner's own, a subject is a record that the tenant signed: {2: group, 3: inventory digest, 4: verifier
 * key, 5: digest of the tag key}. Of version 2, of others, it is a {@link TagSubject}, which names no verifier, and the map has 5: verifier's key. An answer that
 * holds shows the same in both; that one does not hold is believed by who believes σ, or has the tags.
 */
public final class Transcript {
    /** Most bytes of one that is read. */
    public static final int MAX_BYTES = 256 << 20;

    private static final int OWNERS = 1;
    private static final int VERIFIERS = 2;
    private static final int MAX_GROUPS = 1 << 16;
    private static final int MAX_SLOTS = 256;
    private static final RecordType SUBJECT = new RecordType("audit-subject", 1);

    /**
     * What one answer shows.
     *
     * @param owner under whose name the group is stored, and who vouches for tags and inventory
     * @param verifier key under which the question was drawn, 48 bytes
     * @param byOwner whether the owner names that verifier
     * @param prover who signed the answer
     * @param epoch of the question, seconds since 1970
     * @param bytes stored bytes of the slot
     */
    public record Finding(
            PeerId owner,
            byte[] verifier,
            boolean byOwner,
            GroupId group,
            int slot,
            PeerId prover,
            long epoch,
            int units,
            long bytes,
            Verdict verdict) {}

    private record Subject(
            PeerId owner, boolean namesVerifier, GroupId group, Cid inventory, byte[] verifier, byte[] tagKey) {}

    private Transcript() {}

    /** Of the outcomes that have an answer in the public form. */
    static byte[] of(VolumeAuditor auditor, AuditReport report) {
        AuditKeys keys = auditor.keys();
        NetworkId network = auditor.volume().network();
        if (!keys.knowsTagger()) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND,
                    "write",
                    "transcript",
                    "no tags of the volume are known, so nothing was audited");
        }
        byte[] tagKey = keys.publicTags().toBytes();
        Map<GroupId, List<AuditOutcome>> byGroup = new LinkedHashMap<>();
        for (AuditReport.Line line : report.lines()) {
            AuditOutcome outcome = line.outcome();
            if (outcome.answer() != null && outcome.sigma().length > 0) {
                byGroup.computeIfAbsent(outcome.question().group(), group -> new ArrayList<>())
                        .add(outcome);
            }
        }
        List<Cbor> groups = new ArrayList<>();
        auditor.volume().closedGroups().forEach(table -> {
            List<AuditOutcome> outcomes = byGroup.getOrDefault(table.group(), List.of());
            Inventory inventory = outcomes.isEmpty() ? null : auditor.volume().inventory(table);
            byte[] subject = inventory == null
                    ? null
                    : subject(auditor, table, tagKey, outcomes.get(0).question());
            if (inventory != null && subject != null) {
                groups.add(group(subject, inventory, outcomes));
            }
        });
        CborMap.Builder fields = CborMap.builder()
                .put(1, keys.canTag() ? OWNERS : VERIFIERS)
                .put(2, network.bytes())
                .put(3, tagKey)
                .put(4, new CborArray(groups));
        return CborEncoder.encode((keys.canTag() ? fields : fields.put(5, keys.verifierKey())).build());
    }

    /** What the owner vouches for; null if he does not, as far as is known. */
    private static byte @Nullable [] subject(VolumeAuditor auditor, SlotTable table, byte[] tagKey, AuditAsk question) {
        if (!auditor.keys().canTag()) {
            TagIndex index = auditor.volume().tagIndex(table);
            return index == null ? null : index.subject().envelope();
        }
        return SUBJECT.seal(
                auditor.keys().tenant(),
                auditor.volume().network(),
                CborMap.builder()
                        .put(2, question.group().bytes())
                        .put(3, question.inventory().digest())
                        .put(4, question.verifier())
                        .put(5, new Sha256().update(tagKey).digest()));
    }

    private static Cbor group(byte[] subject, Inventory inventory, List<AuditOutcome> outcomes) {
        List<Cbor> slots = new ArrayList<>();
        for (AuditOutcome outcome : outcomes) {
            AuditAnswer answer = outcome.answer();
            if (answer != null) {
                slots.add(CborMap.builder()
                        .put(1, outcome.question().slot())
                        .put(2, outcome.question().epoch())
                        .put(3, outcome.question().units())
                        .put(4, outcome.question().signature())
                        .put(5, outcome.sigma())
                        .put(6, answer.envelope())
                        .build());
            }
        }
        return CborMap.builder()
                .put(1, subject)
                .put(2, inventory.encode())
                .put(3, new CborArray(slots))
                .build();
    }

    /**
     * Checks a transcript with nothing but its bytes.
     *
     * @return one finding per answer; whether it holds is in its verdict
     * @throws PpiofsException CORRUPT if it is none; UNSUPPORTED_FORMAT
     */
    public static List<Finding> check(byte[] transcript) {
        try {
            CborMap fields = CborDecoder.decodeMap(transcript);
            long version = fields.version("transcript", OWNERS, VERIFIERS);
            fields.requireFields(version == OWNERS ? 4 : 5);
            byte[] verifier = version == OWNERS ? null : fields.bytes(5, VerifierKey.PUBLIC_BYTES);
            NetworkId network = NetworkId.of(fields.bytes(2, NetworkId.LENGTH));
            byte[] tagKey = fields.bytes(3, TagPublicKey.BYTES);
            TagPublicKey key = TagPublicKey.fromBytes(tagKey);
            List<Finding> findings = new ArrayList<>();
            for (Cbor item : fields.array(4, MAX_GROUPS).items()) {
                if (!(item instanceof CborMap group)) {
                    throw new MalformedException("a group of it is none");
                }
                checkGroup(group, verifier, network, key, tagKey, findings);
            }
            return findings;
        } catch (MalformedException e) {
            throw new PpiofsException(ErrorKind.CORRUPT, "read", "transcript", String.valueOf(e.getMessage()), e);
        }
    }

    private static void checkGroup(
            CborMap group,
            byte @Nullable [] verifier,
            NetworkId network,
            TagPublicKey key,
            byte[] tagKey,
            List<Finding> findings)
            throws MalformedException {
        group.requireFields(3);
        byte[] envelope = group.bytes(1, 1, 64 << 10);
        Subject subject = verifier == null ? named(envelope, network) : unnamed(envelope, verifier, network);
        byte[] encoded = group.bytes(2, 1, Inventory.MAX_LENGTH);
        if (!Cid.of(ByteBuffer.wrap(encoded)).equals(subject.inventory())
                || !Arrays.equals(subject.tagKey(), new Sha256().update(tagKey).digest())) {
            throw new MalformedException("inventory or tag key are not those that the owner vouches for");
        }
        Inventory inventory = Inventory.decode(encoded);
        for (Cbor item : group.array(3, MAX_SLOTS).items()) {
            if (!(item instanceof CborMap slot)) {
                throw new MalformedException("a slot of it is none");
            }
            findings.add(checkSlot(slot, subject, inventory, network, key, tagKey));
        }
    }

    private static Subject unnamed(byte[] envelope, byte[] verifier, NetworkId network) {
        TagSubject of = TagSubject.open(envelope, network);
        return new Subject(of.owner(), false, of.group(), of.inventory(), verifier, of.tagKey());
    }

    private static Subject named(byte[] envelope, NetworkId network) {
        return SUBJECT.open(envelope, network, record -> {
            record.fields().requireFields(5);
            return new Subject(
                    PeerId.of(record.signer()),
                    true,
                    GroupId.of(record.fields().bytes(2, GroupId.LENGTH)),
                    Cid.ofDigest(record.fields().bytes(3, Cid.DIGEST_LENGTH)),
                    record.fields().bytes(4, VerifierKey.PUBLIC_BYTES),
                    record.fields().bytes(5, Sha256.BYTES));
        });
    }

    private static Finding checkSlot(
            CborMap slot, Subject subject, Inventory inventory, NetworkId network, TagPublicKey key, byte[] tagKey)
            throws MalformedException {
        slot.requireFields(6);
        AuditAnswer answer = AuditAnswer.open(slot.bytes(6, 1, 64 << 10), network);
        AuditAsk question = new AuditAsk(
                subject.owner(),
                subject.group(),
                (int) slot.uint(1, inventory.scheme().slots() - 1L),
                subject.inventory(),
                slot.uint(2, Long.MAX_VALUE),
                (int) Math.max(1, slot.uint(3, AuditAsk.MAX_UNITS)),
                AuditForm.PUBLIC.ordinal(),
                subject.verifier(),
                slot.bytes(4, AuditChallenge.SIGNATURE_BYTES),
                tagKey);
        SlotUnits units = AuditedGroup.units(inventory, question.slot());
        long bytes = units.blocks().stream().mapToLong(SlotUnits.Block::length).sum();
        Verdict verdict = verdict(question, answer, slot.bytes(5, TagKey.TAG_BYTES), units, network, key);
        return new Finding(
                subject.owner(),
                subject.verifier(),
                subject.namesVerifier(),
                subject.group(),
                question.slot(),
                answer.prover(),
                question.epoch(),
                question.units(),
                bytes,
                verdict);
    }

    private static Verdict verdict(
            AuditAsk question, AuditAnswer answer, byte[] sigma, SlotUnits units, NetworkId network, TagPublicKey key) {
        AuditChallenge challenge = SlotVerifier.challengeOf(question, network);
        if (!answer.answers(question)) {
            return Verdict.reject("the answer is to another question");
        }
        if (!challenge.isGenuine()) {
            return Verdict.reject("the verifier did not sign the challenge");
        }
        if (units.total() == 0) {
            return Verdict.reject("the slot has nothing");
        }
        return SlotVerifier.verifyPublic(key, challenge.units(units.total()), units::name, sigma, answer.proof());
    }
}
