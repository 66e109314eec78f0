package io.ppiofs.proofs.verify;

import io.ppiofs.proofs.merkle.MerklePath;
import io.ppiofs.proofs.merkle.MerkleTree;
import io.ppiofs.proofs.merkle.NodeHash;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.SealParameters;

/**
 * The three trees of a sector: over the data's nodes, over the columns (a node's labels of all layers), and over the
 * replica's leaves of several nodes.
 *
 * @param nodes 32 bytes each, a power of two from 64 (2 KiB)
 * @param layers of labels
 */
public record ReplicaGeometry(int nodes, int layers) {
    public static final int MIN_NODES = 64;
    /** 1 GiB. */
    public static final int MAX_NODES = 1 << 25;

    private static final int LARGEST_LEAF = 4096;
    /** Leaves of a small sector: enough that a missing part shows. */
    private static final int LEAST_LEAVES = 16;

    private static final int DISCARDED = 7;

    public ReplicaGeometry {
        if (nodes < MIN_NODES || nodes > MAX_NODES || Integer.bitCount(nodes) != 1) {
            throw new IllegalArgumentException("nodes is " + nodes + ", no power of two from 64 to " + MAX_NODES);
        }
        if (layers < 1 || layers > SealParameters.MAX_LAYERS) {
            throw new IllegalArgumentException("layers is " + layers);
        }
    }

    public long sectorBytes() {
        return (long) nodes * SdrGraph.NODE_BYTES;
    }

    /** Bytes of a leaf of the replica's tree: 4 KiB, less in sectors below 64 KiB. */
    public int replicaLeafBytes() {
        return (int) Math.min(LARGEST_LEAF, sectorBytes() / LEAST_LEAVES);
    }

    public long replicaLeaves() {
        return sectorBytes() / replicaLeafBytes();
    }

    public int columnBytes() {
        return layers * SdrGraph.NODE_BYTES;
    }

    /** Levels of the trees over nodes. */
    public int nodeDepth() {
        return MerklePath.depth(nodes);
    }

    public int replicaDepth() {
        return MerklePath.depth(replicaLeaves());
    }

    /** commD: Filecoin's piece commitment. */
    public MerkleTree.Shape dataTree() {
        return new MerkleTree.Shape(NodeHash.TRUNCATED, nodes, SdrGraph.NODE_BYTES, Math.min(DISCARDED, nodeDepth()));
    }

    /** commC. */
    public MerkleTree.Shape columnTree() {
        return new MerkleTree.Shape(NodeHash.SEPARATED, nodes, columnBytes(), Math.min(DISCARDED, nodeDepth()));
    }

    /** commRLast. */
    public MerkleTree.Shape replicaTree() {
        return new MerkleTree.Shape(NodeHash.SEPARATED, replicaLeaves(), replicaLeafBytes(), 0);
    }
}
