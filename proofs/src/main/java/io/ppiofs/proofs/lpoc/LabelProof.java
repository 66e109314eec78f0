package io.ppiofs.proofs.lpoc;

import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.PpiofsException;

/**
 * Shows that a unit of the ledger was labelled as it has to be. Deterministic CBOR map {1: 1, 2: number, 3: path, 4: proof of
 * replication}; arrays are not copied.
 *
 * @param number of the unit
 * @param unit from the unit's place to the ledger's root
 * @param replication a {@link io.ppiofs.proofs.verify.ReplicationProof}, encoded
 */
public record LabelProof(long number, LedgerPath unit, byte[] replication) {
    /** Longest encoded proof: 176 challenges of eleven layers have 4.4 MB in a unit of 1 GiB. */
    public static final int MAX_BYTES = 7 << 20;

    public byte[] toBytes() {
        return CborEncoder.encode(CborMap.builder()
                .put(1, ProofBytes.VERSION)
                .put(2, number)
                .put(3, unit.toBytes())
                .put(4, replication)
                .build());
    }

    /** @throws PpiofsException CORRUPT if the bytes are no proof, TOO_BIG if there are too many */
    public static LabelProof fromBytes(byte[] bytes) {
        return ProofBytes.decode(
                bytes,
                MAX_BYTES,
                "read proof of labels",
                4,
                map -> new LabelProof(
                        map.uint(2, UnitLedger.MAX_NUMBER),
                        LedgerPath.fromBytes(map.bytes(3, 0, LedgerPath.MAX_BYTES)),
                        map.bytes(4, 0, MAX_BYTES)));
    }
}
