package io.ppiofs.proofs.verify;

import io.ppiofs.proofs.fr32.Fr32;
import io.ppiofs.proofs.merkle.MerklePath;
import io.ppiofs.proofs.merkle.MerkleTree;
import io.ppiofs.proofs.merkle.NodeHash;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.SealParameters;
import java.time.Duration;
import java.util.OptionalInt;

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

    /**
     * What one label takes whoever has the fastest machine: 20 compressions of SHA-256, 640 instructions that wait for each other,
     * at 4 cycles and 5 GHz.
     */
    private static final long LEAST_LABEL_PICOS = 512_000;

    public ReplicaGeometry {
        if (nodes < MIN_NODES || nodes > MAX_NODES || Integer.bitCount(nodes) != 1) {
            throw new IllegalArgumentException("nodes is " + nodes + ", no power of two from 64 to " + MAX_NODES);
        }
        if (layers < 1 || layers > SealParameters.MAX_LAYERS) {
            throw new IllegalArgumentException("layers is " + layers);
        }
    }

    /** Nodes of the smallest sector that takes so many bytes of payload; none does if they are more than a GiB. */
    public static OptionalInt nodesFor(long payloadBytes) {
        for (long nodes = MIN_NODES; nodes <= MAX_NODES; nodes *= 2) {
            if (payloadBytes <= Fr32.unpaddedBytes(nodes * SdrGraph.NODE_BYTES)) {
                return OptionalInt.of((int) nodes);
            }
        }
        return OptionalInt.empty();
    }

    /**
     * The least time in which somebody who keeps half of a sector or less makes a missing leaf again, with the fastest machine and any
     * number of processors: a quarter of a layer, one label after the other. Where the quarter is from, and what it does not cover, stands in
     * docs/proofs.md.
     */
    public Duration leastRegeneration() {
        return Duration.ofNanos(nodes / 4 * LEAST_LABEL_PICOS / 1_000);
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
