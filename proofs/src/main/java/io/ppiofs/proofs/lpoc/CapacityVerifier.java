package io.ppiofs.proofs.lpoc;

import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.merkle.MerklePath;
import io.ppiofs.proofs.merkle.NodeHash;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.verify.ReplicaStatement;
import io.ppiofs.proofs.verify.ReplicationProof;
import io.ppiofs.proofs.verify.ReplicationVerifier;
import io.ppiofs.proofs.verify.Verdict;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Checks what a peer shows of its idle space against its statements, of which a verifier keeps the latest. Whether the peer signed them, and
 * answered in time, is for the caller to see. Not thread-safe; a few µs per opened leaf, 0.1 ms per node of a label proof.
 */
public final class CapacityVerifier {
    private final MerklePath leaves = new MerklePath(NodeHash.SEPARATED);

    /**
     * Leaves of random units are there.
     *
     * @param seed of the challenge, 32 bytes
     * @param count of leaves
     */
    public Verdict space(CapacityStatement statement, byte[] seed, int count, byte[] proof) {
        if (statement.root().count() == 0) {
            return Verdict.reject("there is no unit");
        }
        try {
            List<SpaceProof.Opening> openings = SpaceProof.fromBytes(proof).openings();
            if (openings.size() != count) {
                return Verdict.reject("there are " + openings.size() + " openings, not " + count);
            }
            SpaceChallenge challenge = new SpaceChallenge(statement, seed);
            for (SpaceProof.Opening opening : openings) {
                Verdict verdict = leaf(statement, challenge.leaf(), opening);
                if (!verdict.accepted()) {
                    return verdict;
                }
                challenge.advance(opening.leaf());
            }
            return Verdict.accept();
        } catch (PpiofsException e) {
            return Verdict.reject(String.valueOf(e.getMessage()));
        }
    }

    private Verdict leaf(CapacityStatement statement, SpaceChallenge.Leaf chosen, SpaceProof.Opening opening) {
        byte[] commR = ReplicaStatement.commR(opening.commC(), opening.commRLast());
        if (!isUnit(statement, opening.number(), commR, opening.unit(), chosen.rank())) {
            return Verdict.reject("unit " + opening.number() + " is not the one of rank " + chosen.rank());
        }
        ReplicaGeometry geometry = statement.terms().geometry();
        boolean there = opening.leaf().length == geometry.replicaLeafBytes()
                && leaves.leads(
                        opening.leaf(), chosen.leaf(), geometry.replicaLeaves(), opening.path(), opening.commRLast());
        return there
                ? Verdict.accept()
                : Verdict.reject(
                        "leaf " + chosen.leaf() + " of unit " + opening.number() + " is not the committed one");
    }

    private static boolean isUnit(CapacityStatement statement, long number, byte[] commR, LedgerPath path, long rank) {
        return path.root(number, LedgerRoot.unit(number, commR)).equals(statement.root()) && path.rank(number) == rank;
    }

    /** The labels of one random unit are those of this peer and number. @param seed of the challenge, 32 bytes */
    public Verdict labels(CapacityStatement statement, byte[] seed, byte[] proof) {
        if (statement.root().count() == 0) {
            return Verdict.reject("there is no unit");
        }
        try {
            LabelProof labels = LabelProof.fromBytes(proof);
            ReplicationProof commitments = ReplicationProof.fromBytes(labels.replication());
            byte[] commR = ReplicaStatement.commR(commitments.commC(), commitments.commRLast());
            long rank = SpaceChallenge.labelRank(statement, seed);
            if (!isUnit(statement, labels.number(), commR, labels.unit(), rank)) {
                return Verdict.reject("unit " + labels.number() + " is not the one of rank " + rank);
            }
            ReplicaStatement unit = statement.terms().unit(labels.number(), commR);
            return new ReplicationVerifier(unit)
                    .verify(
                            SpaceChallenge.labelSeed(statement, seed),
                            statement.terms().parameters(),
                            labels.replication());
        } catch (PpiofsException e) {
            return Verdict.reject(String.valueOf(e.getMessage()));
        }
    }

    /** Between two statements of a peer nothing changed but what the proof says: see {@link LedgerChanges}. */
    public Verdict changes(CapacityStatement before, CapacityStatement after, byte[] proof) {
        if (!before.terms().equals(after.terms())) {
            return Verdict.reject("the statements are of different peers or units");
        }
        try {
            List<LedgerChanges.Step> steps = LedgerChanges.fromBytes(proof).steps();
            if (after.sequence() - before.sequence() != steps.size()) {
                return Verdict.reject(
                        steps.size() + " changes do not lead from " + before.sequence() + " to " + after.sequence());
            }
            LedgerRoot root = before.root();
            for (LedgerChanges.Step step : steps) {
                root = step.after(root);
            }
            return root.equals(after.root()) ? Verdict.accept() : Verdict.reject("the changes lead to another root");
        } catch (PpiofsException | MalformedException e) {
            return Verdict.reject(String.valueOf(e.getMessage()));
        }
    }

    /** As {@link #changes}, and exactly these units went, and none came. */
    public Verdict release(CapacityStatement before, CapacityStatement after, Set<Long> units, byte[] proof) {
        Verdict verdict = changes(before, after, proof);
        if (!verdict.accepted()) {
            return verdict;
        }
        Set<Long> gone = new TreeSet<>();
        for (LedgerChanges.Step step : LedgerChanges.fromBytes(proof).steps()) {
            if (step.change().come() || !gone.add(step.change().number())) {
                return Verdict.reject("unit " + step.change().number() + " came, or went twice");
            }
        }
        return gone.equals(units) ? Verdict.accept() : Verdict.reject("the units " + gone + " went");
    }
}
