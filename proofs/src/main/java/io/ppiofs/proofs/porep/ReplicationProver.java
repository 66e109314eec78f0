package io.ppiofs.proofs.porep;

import io.ppiofs.file.DurableFile;
import io.ppiofs.proofs.merkle.LeafSource;
import io.ppiofs.proofs.merkle.MerkleTree;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.verify.ReplicationChallenges;
import io.ppiofs.proofs.verify.ReplicationProof;
import io.ppiofs.proofs.work.MappedFile;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Answers challenges about one sealed sector, whose layers are still there. Thread-safe: all reads are positional. About half a
 * millisecond per challenge, most of it the lowest rows of the column tree.
 */
public final class ReplicationProver implements Closeable {
    private final SealedReplica sealed;
    private final ReplicaGeometry geometry;
    private final SdrGraph graph;
    private final ReplicaReader data;
    private final ReplicaReader replica;
    private final LeafSource columns;
    private final MerkleTree dataTree;
    private final MerkleTree columnTree;
    private final MerkleTree replicaTree;

    /** @throws io.ppiofs.error.PpiofsException IO, NOT_FOUND, CORRUPT if a file is missing or damaged */
    public ReplicationProver(ReplicaFiles files, SealedReplica sealed) {
        this.sealed = sealed;
        this.geometry = sealed.statement().geometry();
        this.graph = sealed.statement().graph();
        this.dataTree = MerkleTree.load(files.dataTree(), geometry.dataTree());
        this.columnTree = MerkleTree.load(files.columnTree(), geometry.columnTree());
        this.replicaTree = MerkleTree.load(files.replicaTree(), geometry.replicaTree());
        List<MappedFile> layers = new ArrayList<>();
        for (int layer = 1; layer <= geometry.layers(); layer++) {
            layers.add(MappedFile.open(files.layer(layer), geometry.sectorBytes(), "prove replication"));
        }
        this.columns = ReplicaReader.columns(layers);
        this.data = new ReplicaReader(files.unsealed());
        this.replica = new ReplicaReader(files.replica());
    }

    /** The answer to an interactive challenge. @param seed 32 bytes from the verifier */
    public byte[] prove(byte[] seed) {
        return prove(seed, sealed.parameters().challenges());
    }

    /** A proof without a verifier. */
    public byte[] proveNonInteractive() {
        SealParameters parameters = sealed.parameters();
        return prove(sealed.statement().fiatShamirSeed(), parameters.nonInteractiveChallenges());
    }

    private byte[] prove(byte[] seed, int count) {
        int[] challenges = ReplicationChallenges.derive(sealed.statement().replicaId(), seed, geometry.nodes(), count);
        List<ReplicationProof.Opening> openings = new ArrayList<>();
        SdrGraph.Sampler sampler = graph.sampler();
        try {
            for (int challenge : challenges) {
                openings.add(open(challenge, sampler));
            }
        } catch (IOException e) {
            throw DurableFile.failure("prove replication", replica.path(), e);
        }
        return new ReplicationProof(sealed.commC(), sealed.commRLast(), openings).toBytes();
    }

    private ReplicationProof.Opening open(int challenge, SdrGraph.Sampler sampler) throws IOException {
        int[] nodes = new int[ReplicationProof.COLUMNS];
        nodes[0] = challenge;
        sampler.parents(challenge, nodes, 1);
        int columnBytes = geometry.columnBytes();
        int pathBytes = geometry.nodeDepth() * SdrGraph.NODE_BYTES;
        byte[] labels = new byte[nodes.length * columnBytes];
        byte[] paths = new byte[nodes.length * pathBytes];
        byte[] column = new byte[columnBytes];
        for (int i = 0; i < nodes.length; i++) {
            columns.read(nodes[i], 1, column);
            System.arraycopy(column, 0, labels, i * columnBytes, columnBytes);
            System.arraycopy(columnTree.path(nodes[i], columns), 0, paths, i * pathBytes, pathBytes);
        }
        int leafBytes = geometry.replicaLeafBytes();
        long leaf = (long) challenge * SdrGraph.NODE_BYTES / leafBytes;
        LeafSource leaves = replica.replicaLeaves(geometry);
        byte[] bytes = new byte[leafBytes];
        leaves.read(leaf, 1, bytes);
        return new ReplicationProof.Opening(
                bytes, replicaTree.path(leaf, leaves), dataTree.path(challenge, data.paddedNodes()), labels, paths);
    }

    @Override
    public void close() {
        data.close();
        replica.close();
    }
}
