package io.ppiofs.proofs.verify;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.merkle.MerklePath;
import io.ppiofs.proofs.merkle.NodeHash;
import io.ppiofs.proofs.sdr.Sha256;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** Checks proofs of space-time, window and winning. Reusable, not thread-safe; a few µs per opened leaf of 4 KiB. */
public final class SpaceTimeVerifier {
    private final MerklePath path = new MerklePath(NodeHash.SEPARATED);

    /**
     * Checks each expected sector by itself: a sector that is missing or wrong does not spoil the others.
     *
     * @param expected the sectors that have to prove, by number
     * @param seed see {@link SpaceTimeChallenges}
     * @param challenges leaves per sector
     * @param proof as the prover sent it
     * @return a verdict for each expected sector
     */
    public Map<Long, Verdict> verify(Map<Long, ReplicaStatement> expected, byte[] seed, int challenges, byte[] proof) {
        Map<Long, Verdict> verdicts = new TreeMap<>();
        SpaceTimeProof decoded;
        try {
            decoded = SpaceTimeProof.fromBytes(proof);
        } catch (PpiofsException e) {
            Verdict malformed = Verdict.reject(String.valueOf(e.getMessage()));
            expected.keySet().forEach(sector -> verdicts.put(sector, malformed));
            return verdicts;
        }
        expected.keySet().forEach(sector -> verdicts.put(sector, Verdict.reject("the proof does not have it")));
        for (SpaceTimeProof.SectorOpening opening : decoded.sectors()) {
            ReplicaStatement statement = expected.get(opening.sector());
            if (statement != null) {
                verdicts.put(opening.sector(), check(statement, seed, challenges, opening));
            }
        }
        return verdicts;
    }

    private Verdict check(ReplicaStatement statement, byte[] seed, int count, SpaceTimeProof.SectorOpening opening) {
        ReplicaGeometry geometry = statement.geometry();
        int leafBytes = geometry.replicaLeafBytes();
        int pathBytes = geometry.replicaDepth() * Sha256.BYTES;
        if (!statement.binds(opening.commC(), opening.commRLast())) {
            return Verdict.reject("its commitments are not those of the statement");
        }
        if (opening.leaves().length != count * leafBytes || opening.paths().length != count * pathBytes) {
            return Verdict.reject("it has another number of leaves than " + count);
        }
        long[] challenges = SpaceTimeChallenges.derive(seed, opening.sector(), geometry.replicaLeaves(), count);
        for (int i = 0; i < count; i++) {
            byte[] leaf = Arrays.copyOfRange(opening.leaves(), i * leafBytes, (i + 1) * leafBytes);
            byte[] siblings = Arrays.copyOfRange(opening.paths(), i * pathBytes, (i + 1) * pathBytes);
            if (!path.leads(leaf, challenges[i], geometry.replicaLeaves(), siblings, opening.commRLast())) {
                return Verdict.reject("leaf " + challenges[i] + " is not the committed one");
            }
        }
        return Verdict.accept();
    }
}
