package io.ppiofs.proofs.verify;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sdr.Sha256;
import java.util.ArrayList;
import java.util.List;

/**
 * A proof of replication: both commitments behind commR, and one opening per challenge, in the order of the challenges.
 * Immutable as long as nobody writes to the arrays, which are not copied.
 *
 * @param commC 32 bytes
 * @param commRLast 32 bytes
 */
public record ReplicationProof(byte[] commC, byte[] commRLast, List<Opening> openings) {
    /** Longest encoded proof. */
    public static final int MAX_BYTES = 256 << 20;
    /** Columns in an opening: the node's own, its six parents in the layer, its eight in the layer before. */
    public static final int COLUMNS = 15;

    private static final int VERSION = 1;
    private static final int MAX_PART = 1 << 16;
    private static final String OPERATION = "read replication proof";

    public ReplicationProof {
        openings = List.copyOf(openings);
    }

    /**
     * One challenged node. Paths are the siblings from the leaf up, 32 bytes each.
     *
     * @param replicaLeaf the leaf of the replica that has the node
     * @param replicaPath from there to commRLast
     * @param dataPath from the decoded node to commD
     * @param columns 15 × layers × 32 bytes: the node's labels, those of its parents in the graph's order
     * @param columnPaths 15 paths to commC, one behind the other
     */
    public record Opening(byte[] replicaLeaf, byte[] replicaPath, byte[] dataPath, byte[] columns, byte[] columnPaths) {
        private Cbor toCbor() {
            return new CborArray(List.of(
                    CborBytes.of(replicaLeaf),
                    CborBytes.of(replicaPath),
                    CborBytes.of(dataPath),
                    CborBytes.of(columns),
                    CborBytes.of(columnPaths)));
        }

        private static Opening fromCbor(Cbor value) throws MalformedException {
            if (!(value instanceof CborArray parts) || parts.items().size() != 5) {
                throw new MalformedException("an opening is no list of five");
            }
            return new Opening(part(parts, 0), part(parts, 1), part(parts, 2), part(parts, 3), part(parts, 4));
        }

        private static byte[] part(CborArray parts, int index) throws MalformedException {
            if (parts.items().get(index) instanceof CborBytes bytes && bytes.length() <= MAX_PART) {
                return bytes.value();
            }
            throw new MalformedException("part " + index + " of an opening is not up to " + MAX_PART + " bytes");
        }
    }

    /** Deterministic CBOR. */
    public byte[] toBytes() {
        List<Cbor> list = new ArrayList<>();
        openings.forEach(opening -> list.add(opening.toCbor()));
        return CborEncoder.encode(CborMap.builder()
                .put(1, new CborInt(VERSION))
                .put(2, commC)
                .put(3, commRLast)
                .put(4, new CborArray(list))
                .build());
    }

    /** @throws PpiofsException CORRUPT if the bytes are no proof, TOO_BIG if there are too many */
    public static ReplicationProof fromBytes(byte[] bytes) {
        if (bytes.length > MAX_BYTES) {
            throw new PpiofsException(
                    ErrorKind.TOO_BIG, OPERATION, bytes.length + " bytes", "a proof has at most " + MAX_BYTES);
        }
        try {
            CborMap map = CborDecoder.decodeMap(bytes);
            map.requireFields(4);
            if (map.uint(1, Integer.MAX_VALUE) != VERSION) {
                throw new MalformedException("its version is not " + VERSION);
            }
            List<Opening> openings = new ArrayList<>();
            for (Cbor item : map.array(4, SealParameters.MAX_CHALLENGES).items()) {
                openings.add(Opening.fromCbor(item));
            }
            return new ReplicationProof(map.bytes(2, Sha256.BYTES), map.bytes(3, Sha256.BYTES), openings);
        } catch (MalformedException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    OPERATION,
                    bytes.length + " bytes",
                    e.getMessage() + "; ask the prover again",
                    e);
        }
    }
}
