package io.ppiofs.proofs.pod;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.sdr.Sha256;
import java.util.Arrays;

/**
 * A signed record about a deal that has been committed to: 3: deal, 4: digest of the commitment, 5: a number, 6: bytes, of which the kind
 * says what they are. Immutable as long as nobody writes to the arrays, which are not copied.
 *
 * @param signer who signed it
 * @param digest of the record
 */
public record PodNote(
        Kind kind,
        byte[] signer,
        byte[] deal,
        byte[] commitment,
        long number,
        byte[] data,
        byte[] digest,
        byte[] encoded) {
    /** What a record says, and who may say it. */
    public enum Kind {
        /** The verifier: it has the key and has checked its sample; number: until when the receipt has to come, milliseconds. */
        ESCROW("escrow", 0),
        /** The user: it has all leaves of the committed tree; number: bytes of the blocks. */
        RECEIPT("receipt", 0),
        /** The verifier: here is the key (data); number: until when it takes a complaint, milliseconds. */
        RELEASE("release", LeafCipher.KEY),
        /** The user: the blocks are those that it ordered; number: bytes of the blocks. */
        ACCEPTANCE("acceptance", 0),
        /** The verifier: how the deal ended; number: when, milliseconds; data: {@link PodOutcome} in a byte, digest of the receipt or zeros. */
        VERDICT("verdict", 1 + Sha256.BYTES);

        private final String label;
        private final int dataBytes;

        Kind(String label, int dataBytes) {
            this.label = label;
            this.dataBytes = dataBytes;
        }
    }

    /** Most bytes of a record. */
    public static final int MAX_BYTES = 1 << 10;

    static PodNote sign(
            PodNetwork network, PodSigner signer, Kind kind, PodCommitment commitment, long number, byte[] data) {
        byte[] encoded = PodRecord.seal(
                kind.label,
                network,
                signer,
                CborMap.builder()
                        .put(3, commitment.deal())
                        .put(4, commitment.digest())
                        .put(5, number)
                        .put(6, data));
        return open(network, kind, encoded);
    }

    /** @throws PpiofsException CORRUPT */
    public static PodNote open(PodNetwork network, Kind kind, byte[] encoded) {
        return PodRecord.open(kind.label, network, encoded, MAX_BYTES, record -> {
            CborMap fields = record.fields();
            fields.requireFields(6);
            return new PodNote(
                    kind,
                    record.signer(),
                    fields.bytes(3, Sha256.BYTES),
                    fields.bytes(4, Sha256.BYTES),
                    fields.uint(5, Long.MAX_VALUE),
                    fields.bytes(6, kind.dataBytes),
                    record.digest(),
                    encoded);
        });
    }

    /** Opens one that this peer has signed about this commitment. @throws PpiofsException CORRUPT */
    static PodNote open(PodNetwork network, Kind kind, byte[] encoded, byte[] signer, PodCommitment commitment) {
        PodNote note = open(network, kind, encoded);
        if (!Arrays.equals(note.signer, signer)
                || !Arrays.equals(note.deal, commitment.deal())
                || !Arrays.equals(note.commitment, commitment.digest())) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "read", kind.label, "it is of another deal, or signed by somebody else");
        }
        return note;
    }
}
