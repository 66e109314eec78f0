package io.ppiofs.proofs.pod;

import java.util.Arrays;

/**
 * Where which bytes of a deal are. Each block is cut into leaves of {@value #DATA} bytes; a leaf is the state of SHA-256 over the block's
 * bytes before it, and its bytes, filled with zeros. Immutable, thread-safe.
 */
public final class PodLayout {
    /** Bytes of a block in a leaf. */
    public static final int DATA = 4096;

    /** Bytes of a leaf. */
    public static final int LEAF = Sha256Chain.STATE + DATA;

    /** Most leaves of a deal: 1 GiB. */
    public static final int MAX_LEAVES = 1 << 18;

    /** Most bytes of a block. */
    public static final int MAX_BLOCK = (4 << 20) + (64 << 10);

    private final int[] lengths;
    /** Number of each block's first leaf, and behind them the number of leaves. */
    private final int[] first;

    private final long bytes;

    /** @param lengths of the blocks, each 1 to {@value #MAX_BLOCK}; at most {@value #MAX_LEAVES} leaves in all */
    public PodLayout(int[] lengths) {
        this.lengths = lengths.clone();
        this.first = new int[lengths.length + 1];
        long sum = 0;
        for (int i = 0; i < lengths.length; i++) {
            if (lengths[i] < 1 || lengths[i] > MAX_BLOCK) {
                throw new IllegalArgumentException("a block of " + lengths[i] + " bytes");
            }
            sum += lengths[i];
            first[i + 1] = first[i] + (lengths[i] - 1) / DATA + 1;
            if (first[i + 1] > MAX_LEAVES) {
                throw new IllegalArgumentException("more than " + MAX_LEAVES + " leaves");
            }
        }
        if (lengths.length == 0) {
            throw new IllegalArgumentException("no blocks");
        }
        this.bytes = sum;
    }

    /** How many blocks. */
    public int blocks() {
        return lengths.length;
    }

    /** Bytes of all blocks. */
    public long bytes() {
        return bytes;
    }

    /** How many leaves. */
    public int leaves() {
        return first[lengths.length];
    }

    /** Leaves of the tree: as many, and empty ones up to a power of two. */
    public int treeLeaves() {
        int highest = Integer.highestOneBit(leaves());
        return highest == leaves() ? highest : 2 * highest;
    }

    /** Bytes of a block. */
    public int length(int block) {
        return lengths[block];
    }

    /** Number of a block's first leaf. */
    public int firstOf(int block) {
        return first[block];
    }

    /** In which block a leaf is. */
    public int blockOf(int leaf) {
        if (leaf < 0 || leaf >= leaves()) {
            throw new IllegalArgumentException("leaf " + leaf + " of " + leaves());
        }
        int found = Arrays.binarySearch(first, leaf);
        return found >= 0 ? found : -found - 2;
    }

    /** Where in its block a leaf's bytes begin. */
    public int offsetOf(int leaf) {
        return (leaf - first[blockOf(leaf)]) * DATA;
    }

    /** How many of a leaf's bytes are the block's. */
    public int dataOf(int leaf) {
        return Math.min(DATA, lengths[blockOf(leaf)] - offsetOf(leaf));
    }

    /** Whether it is the first of its block. */
    public boolean isFirst(int leaf) {
        return first[blockOf(leaf)] == leaf;
    }

    /** Whether it is the last of its block. */
    public boolean isLast(int leaf) {
        return first[blockOf(leaf) + 1] == leaf + 1;
    }
}
