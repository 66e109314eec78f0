package io.ppiofs.proofs.pod;

import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.Verdict;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How a deal ended, for somebody who was not there: the proof of download. Checked from its bytes alone.
 *
 * <p>Deterministic CBOR map {1: version 1, 2: network, 3: order, 4: commitment, 5: receipt, 6: verdict, 7: key, 8: opening}, 5 empty if none was
 * given, 7 and 8 empty unless the verdict is {@link PodOutcome#GARBAGE}.
 */
public final class PodProof {
    /** Most bytes of one. */
    public static final int MAX_BYTES = 64 << 10;

    private static final int VERSION = 1;

    /**
     * What a proof shows.
     *
     * @param deal name of the deal, 32 bytes
     * @param bytes of the blocks
     * @param decidedMillis when the verifier says that it ended
     * @param verdict whether all that holds
     */
    public record Finding(
            byte[] user,
            byte[] provider,
            byte[] verifier,
            byte[] deal,
            int blocks,
            long bytes,
            PodOutcome outcome,
            long decidedMillis,
            Verdict verdict) {
        /** Whether it shows that the user got what it ordered. */
        public boolean isDelivered() {
            return verdict.accepted() && outcome == PodOutcome.DELIVERED;
        }
    }

    private PodProof() {}

    static byte[] encode(
            PodNetwork network,
            PodOrder order,
            PodCommitment commitment,
            @Nullable PodNote receipt,
            PodNote verdict,
            byte @Nullable [] key,
            @Nullable PodOpening evidence) {
        byte[] none = {};
        return CborEncoder.encode(CborMap.builder()
                .put(1, VERSION)
                .put(2, network.id().bytes())
                .put(3, order.encoded())
                .put(4, commitment.encoded())
                .put(5, receipt == null ? none : receipt.encoded())
                .put(6, verdict.encoded())
                .put(7, key == null ? none : key)
                .put(8, evidence == null ? none : evidence.encode())
                .build());
    }

    /**
     * Checks a proof with nothing but its bytes.
     *
     * @throws PpiofsException CORRUPT if it is none, or a record of it is not signed by whom it names; UNSUPPORTED_FORMAT
     */
    public static Finding check(byte[] proof, PodNetwork.Signatures signatures) {
        try {
            if (proof.length > MAX_BYTES) {
                throw new MalformedException(proof.length + " bytes are more than " + MAX_BYTES);
            }
            CborMap fields = CborDecoder.decodeMap(proof);
            fields.version("proof of download", VERSION, VERSION);
            fields.requireFields(8);
            return check(fields, new PodNetwork(NetworkId.of(fields.bytes(2, NetworkId.LENGTH)), signatures));
        } catch (MalformedException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "read", "proof of download", String.valueOf(e.getMessage()), e);
        }
    }

    private static Finding check(CborMap fields, PodNetwork network) throws MalformedException {
        PodOrder order = PodOrder.open(network, fields.bytes(3, 1, PodOrder.MAX_BYTES));
        PodCommitment commitment =
                PodVerifierDeal.commitmentTo(network, order, fields.bytes(4, 1, PodCommitment.MAX_BYTES));
        byte[] receipt = fields.bytes(5, 0, PodNote.MAX_BYTES);
        PodNote verdict = PodNote.open(
                network, PodNote.Kind.VERDICT, fields.bytes(6, 1, PodNote.MAX_BYTES), order.verifier(), commitment);
        PodOutcome[] outcomes = PodOutcome.values();
        int number = verdict.data()[0] & 0xff;
        if (number >= outcomes.length) {
            throw new MalformedException("it ended in a way that this version does not know");
        }
        byte[] evidence = fields.bytes(8, 0, PodOpening.MAX_BYTES);
        byte[] key = fields.bytes(7, 0, LeafCipher.KEY);
        return new Finding(
                order.user(),
                order.provider(),
                order.verifier(),
                order.deal(),
                order.cids().size(),
                commitment.layout().bytes(),
                outcomes[number],
                verdict.number(),
                holds(network, order, commitment, receipt, verdict, outcomes[number], key, evidence));
    }

    private static Verdict holds(
            PodNetwork network,
            PodOrder order,
            PodCommitment commitment,
            byte[] receipt,
            PodNote verdict,
            PodOutcome outcome,
            byte[] key,
            byte[] evidence) {
        byte[] digest = new byte[Sha256.BYTES];
        if (receipt.length > 0) {
            PodNote signed = PodNote.open(network, PodNote.Kind.RECEIPT, receipt, order.user(), commitment);
            if (signed.number() != commitment.layout().bytes()) {
                return Verdict.reject("the receipt is not for everything");
            }
            digest = signed.digest();
        } else if (outcome == PodOutcome.DELIVERED) {
            return Verdict.reject("the user did not sign a receipt");
        }
        if (!Arrays.equals(verdict.data(), 1, verdict.data().length, digest, 0, digest.length)) {
            return Verdict.reject("the verdict is about another receipt");
        }
        boolean garbage = outcome == PodOutcome.GARBAGE;
        if (garbage != key.length > 0 || garbage != evidence.length > 0) {
            return Verdict.reject("there is evidence where none belongs, or none where it does");
        }
        if (garbage && PodOpening.decode(evidence).judge(order, commitment, key).accepted()) {
            return Verdict.reject("the leaf that is shown is what was ordered");
        }
        return Verdict.accept();
    }
}
