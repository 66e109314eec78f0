package io.ppiofs.proofs.lpoc;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.sdr.Sha256;
import java.util.ArrayList;
import java.util.List;

/** Opened leaves of units, in the order of the challenge. Deterministic CBOR map {1: 1, 2: list of openings}. */
public record SpaceProof(List<Opening> openings) {
    /** Longest encoded proof. */
    public static final int MAX_BYTES = 4 << 20;

    private static final int MAX_LEAF = 4096;
    private static final int MAX_PATH = 32 * Sha256.BYTES;

    public SpaceProof {
        openings = List.copyOf(openings);
    }

    /**
     * One leaf, a list in this order; arrays are not copied.
     *
     * @param number of the unit
     * @param commC 32 bytes, which the unit's commR binds together with {@code commRLast}
     * @param commRLast 32 bytes, the root of {@code path}
     * @param unit from the unit's place to the ledger's root
     * @param leaf up to 4 KiB
     * @param path its siblings, from the leaf up
     */
    public record Opening(long number, byte[] commC, byte[] commRLast, LedgerPath unit, byte[] leaf, byte[] path) {
        private Cbor toCbor() {
            return new CborArray(List.of(
                    new CborInt(number),
                    CborBytes.of(commC),
                    CborBytes.of(commRLast),
                    CborBytes.of(unit.toBytes()),
                    CborBytes.of(leaf),
                    CborBytes.of(path)));
        }

        private static Opening fromCbor(Cbor value) throws MalformedException {
            CborArray parts = ProofBytes.parts(value, 6);
            return new Opening(
                    ProofBytes.number(parts, 0, UnitLedger.MAX_NUMBER),
                    ProofBytes.bytes(parts, 1, Sha256.BYTES, Sha256.BYTES),
                    ProofBytes.bytes(parts, 2, Sha256.BYTES, Sha256.BYTES),
                    LedgerPath.fromBytes(ProofBytes.bytes(parts, 3, 0, LedgerPath.MAX_BYTES)),
                    ProofBytes.bytes(parts, 4, 0, MAX_LEAF),
                    ProofBytes.bytes(parts, 5, 0, MAX_PATH));
        }
    }

    public byte[] toBytes() {
        List<Cbor> list = new ArrayList<>();
        openings.forEach(opening -> list.add(opening.toCbor()));
        return CborEncoder.encode(CborMap.builder()
                .put(1, ProofBytes.VERSION)
                .put(2, new CborArray(list))
                .build());
    }

    /** @throws PpiofsException CORRUPT if the bytes are no proof, TOO_BIG if there are too many */
    public static SpaceProof fromBytes(byte[] bytes) {
        return ProofBytes.decode(bytes, MAX_BYTES, "read proof of space", 2, map -> {
            List<Opening> openings = new ArrayList<>();
            for (Cbor item : map.array(2, SpaceChallenge.MAX_LEAVES).items()) {
                openings.add(Opening.fromCbor(item));
            }
            return new SpaceProof(openings);
        });
    }
}
