package io.ppiofs.proofs.pod;

import io.ppiofs.proofs.merkle.LeafSource;
import io.ppiofs.proofs.merkle.MerkleTree;
import io.ppiofs.proofs.merkle.NodeHash;
import io.ppiofs.proofs.work.Workers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/** The encrypted leaves of a deal and the tree over them. Thread-safe if its source is. */
public final class PodCiphertext {
    private static final Path SUBJECT = Path.of("deal");
    private static final int DISCARDED = 3;
    private static final byte[] NONE = {};

    private final PodLayout layout;
    private final LeafSource source;
    private final MerkleTree tree;

    private PodCiphertext(PodLayout layout, LeafSource source, MerkleTree tree) {
        this.layout = layout;
        this.source = source;
        this.tree = tree;
    }

    /**
     * Reads all leaves once.
     *
     * @param leaves of the layout; those that fill the tree are not asked for
     * @throws io.ppiofs.error.PpiofsException IO, INTERRUPTED
     */
    public static PodCiphertext of(PodLayout layout, LeafSource leaves, Workers workers) {
        LeafSource filled = (first, count, out) -> {
            int real = (int) Math.max(0, Math.min(count, layout.leaves() - first));
            if (real > 0) {
                leaves.read(first, real, out);
            }
            Arrays.fill(out, real * PodLayout.LEAF, count * PodLayout.LEAF, (byte) 0);
        };
        int size = layout.treeLeaves();
        int discarded = Math.min(DISCARDED, Integer.numberOfTrailingZeros(size));
        MerkleTree.Shape shape = new MerkleTree.Shape(NodeHash.SEPARATED, size, PodLayout.LEAF, discarded);
        return new PodCiphertext(layout, filled, MerkleTree.build(shape, filled, workers, SUBJECT));
    }

    public byte[] root() {
        return tree.root();
    }

    /** Encrypted leaves, one behind the other. */
    public void read(int first, int count, byte[] out) throws IOException {
        source.read(first, count, out);
    }

    private byte[] leaf(int index) throws IOException {
        byte[] leaf = new byte[PodLayout.LEAF];
        source.read(index, 1, leaf);
        return leaf;
    }

    /** That this leaf is here. */
    public PodOpening holding(int index) throws IOException {
        return PodOpening.of(index, leaf(index), tree.path(index, source));
    }

    /** What is needed to judge the leaf. */
    public PodOpening transition(int index) throws IOException {
        boolean last = layout.isLast(index);
        return new PodOpening(
                index,
                leaf(index),
                tree.path(index, source),
                last ? NONE : leaf(index + 1),
                last ? NONE : tree.path(index + 1, source));
    }
}
