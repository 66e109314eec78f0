package io.ppiofs.node.audit;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.audit.AuditAnswer;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.proofs.audit.AuditChallenge;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.audit.VerifierKey;
import org.jspecify.annotations.Nullable;

/**
 * A verifier tells others of a public audit that failed: a record {1: network, 2: tenant, 3: group, 4: slot, 5: inventory digest, 6: epoch, 7: units, 8: verifier's
 * key, 9: signature of the challenge, 10: the holder's signed answer, or null}, signed by the key that all verifiers of the volume have. With an answer it is a
 * transcript, judged by whoever has the tags; without one, because the holder said that it lacks something, it is hearsay. Immutable.
 *
 * @param signer whose record it is; whether that is the volume's verifiers, only they know
 * @param question without the tag key, which is the volume's
 */
public record FailureReport(
        PeerId signer, AuditAsk question, @Nullable AuditAnswer answer) {
    private static final RecordType TYPE = new RecordType("audit-failure", 1);
    private static final byte[] NO_KEY = new byte[0];

    /** Signs one. */
    public static byte[] sign(AuditOutcome outcome, IdentityKey verifiers, NetworkId network) {
        AuditAsk question = outcome.question();
        AuditAnswer answer = outcome.answer();
        return TYPE.seal(
                verifiers,
                network,
                CborMap.builder()
                        .put(2, question.tenant().toBytes())
                        .put(3, question.group().bytes())
                        .put(4, question.slot())
                        .put(5, question.inventory().digest())
                        .put(6, question.epoch())
                        .put(7, question.units())
                        .put(8, question.verifier())
                        .put(9, question.signature())
                        .put(10, answer == null ? CborSimple.NULL : CborBytes.of(answer.envelope())));
    }

    /** @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT */
    public static FailureReport open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            CborMap fields = record.fields();
            fields.requireFields(10);
            AuditAsk question = new AuditAsk(
                    PeerId.fromBytes(fields.bytes(2, 1, PeerId.MAX_BYTES)),
                    GroupId.of(fields.bytes(3, GroupId.LENGTH)),
                    (int) fields.uint(4, Scheme.MAX_SLOTS - 1),
                    Cid.ofDigest(fields.bytes(5, Cid.DIGEST_LENGTH)),
                    fields.uint(6, Long.MAX_VALUE),
                    (int) Math.max(1, fields.uint(7, AuditAsk.MAX_UNITS)),
                    AuditForm.PUBLIC.ordinal(),
                    fields.bytes(8, VerifierKey.PUBLIC_BYTES),
                    fields.bytes(9, AuditChallenge.SIGNATURE_BYTES),
                    NO_KEY);
            AuditAnswer answer = fields.get(10) == CborSimple.NULL
                    ? null
                    : AuditAnswer.open(fields.bytes(10, 1, Envelope.MAX_ENCODED), network);
            return new FailureReport(PeerId.of(record.signer()), question, answer);
        });
    }
}
