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
import io.ppiofs.proofs.sdr.Sha256;
import java.util.ArrayList;
import java.util.List;

/** Opened leaves of the replicas of several sectors, by ascending sector number. */
public record SpaceTimeProof(List<SectorOpening> sectors) {
    /** Sectors in one proof: those of one deadline, in parts if they are more. */
    public static final int MAX_SECTORS = 2349;
    /** Longest encoded proof. */
    public static final int MAX_BYTES = 256 << 20;

    private static final int VERSION = 1;
    private static final int MAX_LEAVES = 66 * 4096;
    private static final int MAX_PATHS = 66 * 32 * 32;
    private static final String OPERATION = "read space-time proof";

    public SpaceTimeProof {
        sectors = List.copyOf(sectors);
    }

    /**
     * One sector; arrays are not copied.
     *
     * @param commC 32 bytes, which commR binds together with {@code commRLast}
     * @param commRLast 32 bytes, the root of the paths
     * @param leaves the opened leaves, one behind the other, in the order of the challenges
     * @param paths their paths, likewise
     */
    public record SectorOpening(long sector, byte[] commC, byte[] commRLast, byte[] leaves, byte[] paths) {
        private Cbor toCbor() {
            return new CborArray(List.of(
                    new CborInt(sector),
                    CborBytes.of(commC),
                    CborBytes.of(commRLast),
                    CborBytes.of(leaves),
                    CborBytes.of(paths)));
        }

        private static SectorOpening fromCbor(Cbor value) throws MalformedException {
            if (value instanceof CborArray parts
                    && parts.items().size() == 5
                    && parts.items().get(0) instanceof CborInt sector
                    && sector.value() >= 0) {
                return new SectorOpening(
                        sector.value(),
                        part(parts, 1, Sha256.BYTES, Sha256.BYTES),
                        part(parts, 2, Sha256.BYTES, Sha256.BYTES),
                        part(parts, 3, 0, MAX_LEAVES),
                        part(parts, 4, 0, MAX_PATHS));
            }
            throw new MalformedException("a sector's opening is no list of a number and four byte strings");
        }

        private static byte[] part(CborArray parts, int index, int min, int max) throws MalformedException {
            if (parts.items().get(index) instanceof CborBytes bytes && bytes.length() >= min && bytes.length() <= max) {
                return bytes.value();
            }
            throw new MalformedException("part " + index + " of an opening is not " + min + " to " + max + " bytes");
        }
    }

    /** Deterministic CBOR. */
    public byte[] toBytes() {
        List<Cbor> list = new ArrayList<>();
        sectors.forEach(sector -> list.add(sector.toCbor()));
        return CborEncoder.encode(CborMap.builder()
                .put(1, new CborInt(VERSION))
                .put(2, new CborArray(list))
                .build());
    }

    /** @throws PpiofsException CORRUPT if the bytes are no proof, TOO_BIG if there are too many */
    public static SpaceTimeProof fromBytes(byte[] bytes) {
        if (bytes.length > MAX_BYTES) {
            throw new PpiofsException(
                    ErrorKind.TOO_BIG, OPERATION, bytes.length + " bytes", "a proof has at most " + MAX_BYTES);
        }
        try {
            CborMap map = CborDecoder.decodeMap(bytes);
            map.requireFields(2);
            if (map.uint(1, Integer.MAX_VALUE) != VERSION) {
                throw new MalformedException("its version is not " + VERSION);
            }
            List<SectorOpening> sectors = new ArrayList<>();
            long before = -1;
            for (Cbor item : map.array(2, MAX_SECTORS).items()) {
                SectorOpening opening = SectorOpening.fromCbor(item);
                if (opening.sector() <= before) {
                    throw new MalformedException("its sectors are not in ascending order");
                }
                before = opening.sector();
                sectors.add(opening);
            }
            return new SpaceTimeProof(sectors);
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
