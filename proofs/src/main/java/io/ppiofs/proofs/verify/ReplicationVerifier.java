package io.ppiofs.proofs.verify;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.fr32.ScalarField;
import io.ppiofs.proofs.merkle.MerklePath;
import io.ppiofs.proofs.merkle.NodeHash;
import io.ppiofs.proofs.sdr.LabelPreimage;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.SealParameters;
import java.util.Arrays;

/**
 * Checks proofs of replication. It needs the statement, the seed and the proof's bytes, and neither data nor files. Not
 * thread-safe; about 0.1 ms per challenge for two layers.
 */
public final class ReplicationVerifier {
    private static final int NODE = SdrGraph.NODE_BYTES;

    private final ReplicaStatement statement;
    private final ReplicaGeometry geometry;
    private final byte[] replicaId;
    private final byte[] commD;
    private final SdrGraph.Sampler graph;
    private final LabelPreimage preimage;
    private final MerklePath truncated = new MerklePath(NodeHash.TRUNCATED);
    private final MerklePath separated = new MerklePath(NodeHash.SEPARATED);
    private final int[] nodes = new int[ReplicationProof.COLUMNS];

    public ReplicationVerifier(ReplicaStatement statement) {
        this.statement = statement;
        this.geometry = statement.geometry();
        this.replicaId = statement.replicaId();
        this.commD = statement.commD();
        this.graph = statement.graph().sampler();
        this.preimage = new LabelPreimage(replicaId);
    }

    /**
     * The interactive form.
     *
     * @param seed 32 random bytes that were chosen after the statement was known
     * @param proof as the prover sent it
     */
    public Verdict verify(byte[] seed, SealParameters parameters, byte[] proof) {
        return verify(seed, parameters, parameters.challenges(), proof);
    }

    /** The form without a verifier: the seed is derived from the statement, and there are more challenges. */
    public Verdict verifyNonInteractive(SealParameters parameters, byte[] proof) {
        return verify(statement.fiatShamirSeed(), parameters, parameters.nonInteractiveChallenges(), proof);
    }

    private Verdict verify(byte[] seed, SealParameters parameters, int count, byte[] bytes) {
        if (parameters.layers() != geometry.layers()) {
            return Verdict.reject("the statement has other parameters");
        }
        ReplicationProof proof;
        try {
            proof = ReplicationProof.fromBytes(bytes);
        } catch (PpiofsException e) {
            return Verdict.reject(String.valueOf(e.getMessage()));
        }
        if (proof.openings().size() != count) {
            return Verdict.reject("there are " + proof.openings().size() + " openings, not " + count);
        }
        if (!statement.binds(proof.commC(), proof.commRLast())) {
            return Verdict.reject("the commitments are not those of the statement");
        }
        int[] challenges = ReplicationChallenges.derive(replicaId, seed, geometry.nodes(), count);
        for (int i = 0; i < count; i++) {
            Verdict verdict = check(challenges[i], proof, proof.openings().get(i));
            if (!verdict.accepted()) {
                return verdict;
            }
        }
        return Verdict.accept();
    }

    private Verdict check(int challenge, ReplicationProof proof, ReplicationProof.Opening opening) {
        int perLeaf = geometry.replicaLeafBytes() / NODE;
        if (opening.replicaLeaf().length != geometry.replicaLeafBytes()
                || opening.columns().length != ReplicationProof.COLUMNS * geometry.columnBytes()
                || opening.columnPaths().length != ReplicationProof.COLUMNS * geometry.nodeDepth() * NODE) {
            return Verdict.reject("an opening of node " + challenge + " has another size");
        }
        if (!separated.leads(
                opening.replicaLeaf(),
                challenge / perLeaf,
                geometry.replicaLeaves(),
                opening.replicaPath(),
                proof.commRLast())) {
            return Verdict.reject("the replica's leaf of node " + challenge + " is not the committed one");
        }
        nodes[0] = challenge;
        graph.parents(challenge, nodes, 1);
        if (!columnsAreCommitted(proof, opening)) {
            return Verdict.reject("a column for node " + challenge + " is not the committed one");
        }
        if (!labelsFollow(challenge, opening.columns())) {
            return Verdict.reject("a label of node " + challenge + " does not follow from its parents");
        }
        byte[] data = decode(opening, challenge % perLeaf);
        if (data.length == 0 || !truncated.leads(data, challenge, geometry.nodes(), opening.dataPath(), commD)) {
            return Verdict.reject("node " + challenge + " does not decode to the committed data");
        }
        return Verdict.accept();
    }

    private boolean columnsAreCommitted(ReplicationProof proof, ReplicationProof.Opening opening) {
        int columnBytes = geometry.columnBytes();
        int pathBytes = geometry.nodeDepth() * NODE;
        for (int i = 0; i < nodes.length; i++) {
            byte[] column = Arrays.copyOfRange(opening.columns(), i * columnBytes, (i + 1) * columnBytes);
            byte[] path = Arrays.copyOfRange(opening.columnPaths(), i * pathBytes, (i + 1) * pathBytes);
            if (!separated.leads(column, nodes[i], geometry.nodes(), path, proof.commC())) {
                return false;
            }
        }
        return true;
    }

    /** Every layer's label of the challenged node, from the columns of its parents. */
    private boolean labelsFollow(int challenge, byte[] columns) {
        int columnBytes = geometry.columnBytes();
        byte[] label = new byte[NODE];
        for (int layer = 1; layer <= geometry.layers(); layer++) {
            int at = (layer - 1) * NODE;
            for (int i = 0; i < SdrGraph.BASE_DEGREE; i++) {
                preimage.parent(i, columns, (1 + i) * columnBytes + at);
            }
            for (int i = SdrGraph.BASE_DEGREE; i < LabelPreimage.degree(layer); i++) {
                preimage.parent(i, columns, (1 + i) * columnBytes + at - NODE);
            }
            preimage.label(layer, challenge, label, 0);
            if (!Arrays.equals(label, 0, NODE, columns, at, at + NODE)) {
                return false;
            }
        }
        return true;
    }

    /** The node's data; nothing if the replica's node is no element of the field. */
    private byte[] decode(ReplicationProof.Opening opening, int nodeOfLeaf) {
        byte[] data = Arrays.copyOfRange(opening.replicaLeaf(), nodeOfLeaf * NODE, (nodeOfLeaf + 1) * NODE);
        if (!ScalarField.isReduced(data, 0)) {
            return new byte[0];
        }
        int last = geometry.columnBytes() - NODE;
        byte[] key = Arrays.copyOfRange(opening.columns(), last, last + NODE);
        ScalarField.subtract(data, key, 1);
        return data;
    }
}
