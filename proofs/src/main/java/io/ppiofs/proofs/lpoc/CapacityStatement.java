package io.ppiofs.proofs.lpoc;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborText;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.ReplicaGeometry;

/**
 * What a peer says of its idle space, and all that a verifier keeps of it. Deterministic CBOR map {1: 1, 2: peer, 3: porep id, 4: nodes
 * of a unit, 5: parameters, 6: sequence, 7: root hash, 8: count}; the peer signs it in an envelope that is no matter of this room.
 *
 * @param sequence of the ledger: one more with each unit that comes or goes
 */
public record CapacityStatement(CapacityTerms terms, long sequence, LedgerRoot root) {
    /** Most bytes of a statement. */
    public static final int MAX_BYTES = 512;

    private static final byte[] DIGEST = "ppiofs capacity v1".getBytes(US_ASCII);
    private static final int VERSION = 1;

    public CapacityStatement {
        if (sequence < 0 || root.count() > UnitLedger.MAX_NUMBER + 1) {
            throw new IllegalArgumentException("sequence " + sequence + ", " + root.count() + " units");
        }
    }

    /** Bytes of all units. */
    public long bytes() {
        return Math.multiplyExact(root.count(), terms.unitBytes());
    }

    /** 32 bytes that every challenge and answer is bound to. */
    public byte[] digest() {
        return new Sha256().update(DIGEST).update(toBytes()).digest();
    }

    public byte[] toBytes() {
        return CborEncoder.encode(toCbor());
    }

    private Cbor toCbor() {
        return CborMap.builder()
                .put(1, new CborInt(VERSION))
                .put(2, terms.peer())
                .put(3, terms.porepId())
                .put(4, terms.nodes())
                .put(5, new CborText(terms.parameters().name()))
                .put(6, sequence)
                .put(7, root.hash())
                .put(8, root.count())
                .build();
    }

    /** @throws PpiofsException CORRUPT, TOO_BIG */
    public static CapacityStatement fromBytes(byte[] bytes) {
        return ProofBytes.decode(bytes, MAX_BYTES, "read statement of capacity", 8, map -> {
            CapacityTerms terms = new CapacityTerms(
                    map.bytes(2, 1, CapacityTerms.MAX_PEER_BYTES),
                    map.bytes(3, Sha256.BYTES),
                    (int) map.uint(4, ReplicaGeometry.MAX_NODES),
                    SealParameters.named(map.text(5, 32)));
            LedgerRoot root = new LedgerRoot(map.bytes(7, Sha256.BYTES), map.uint(8, UnitLedger.MAX_NUMBER + 1));
            return new CapacityStatement(terms, map.uint(6, Long.MAX_VALUE), root);
        });
    }
}
