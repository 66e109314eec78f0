package io.ppiofs.overlay.audit;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import java.util.Arrays;

/**
 * A holder's answer, a signed record {1: network, 2: digest of the question, 3: proof}: with the question it is a transcript that the
 * holder cannot disown.
 *
 * @param prover who signed it
 * @param question {@link AuditAsk#digest}
 * @param proof up to {@value #MAX_PROOF} bytes; whether it holds is not checked here
 * @param envelope the signed bytes, not to be changed
 */
public record AuditAnswer(PeerId prover, byte[] question, byte[] proof, byte[] envelope) {
    /** Most bytes of a proof. */
    public static final int MAX_PROOF = 16 << 10;

    private static final RecordType TYPE = new RecordType("audit-answer", 1);

    /** Signs a proof. @param key the holder's */
    public static AuditAnswer sign(AuditAsk question, byte[] proof, IdentityKey key, NetworkId network) {
        byte[] digest = question.digest();
        byte[] envelope =
                TYPE.seal(key, network, CborMap.builder().put(2, digest).put(3, proof));
        return new AuditAnswer(key.peerId(), digest, proof, envelope);
    }

    /** @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT */
    public static AuditAnswer open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            record.fields().requireFields(3);
            return new AuditAnswer(
                    PeerId.of(record.signer()),
                    record.fields().bytes(2, Cid.DIGEST_LENGTH),
                    record.fields().bytes(3, 1, MAX_PROOF),
                    record.envelope());
        });
    }

    /** @throws MalformedException unless this peer gave it to this question */
    void requireFor(PeerId peer, AuditAsk asked) throws MalformedException {
        if (!prover.equals(peer) || !answers(asked)) {
            throw new MalformedException("the answer is to another question, or of somebody else");
        }
    }

    /** Whether it was given to this question. */
    public boolean answers(AuditAsk asked) {
        return Arrays.equals(question, asked.digest());
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof AuditAnswer other && Arrays.equals(envelope, other.envelope);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(envelope);
    }
}
