package io.ppiofs.proofs.merkle;

import io.ppiofs.proofs.sdr.Sha256;
import java.security.MessageDigest;

/** Checks paths: the siblings from a leaf's hash up, 32 bytes each. Reusable, not thread-safe. */
public final class MerklePath {
    private final NodeHash hash;
    private final Sha256 sha256 = new Sha256();

    public MerklePath(NodeHash hash) {
        this.hash = hash;
    }

    /** Levels between a leaf and the root of a tree of so many leaves, a power of two. */
    public static int depth(long leaves) {
        if (Long.bitCount(leaves) != 1) {
            throw new IllegalArgumentException("leaves is " + leaves + ", not a power of two");
        }
        return Long.numberOfTrailingZeros(leaves);
    }

    /**
     * Whether {@code leaf}, the bytes of the leaf and not their hash, is the {@code index}th of the tree with that root.
     *
     * @param leaves of the tree, a power of two
     */
    public boolean leads(byte[] leaf, long index, long leaves, byte[] path, byte[] root) {
        int depth = depth(leaves);
        if (index < 0 || index >= leaves || path.length != depth * Sha256.BYTES || root.length != Sha256.BYTES) {
            return false;
        }
        if (hash == NodeHash.TRUNCATED && leaf.length != Sha256.BYTES) {
            return false;
        }
        byte[] pair = new byte[2 * Sha256.BYTES];
        byte[] node = new byte[Sha256.BYTES];
        hash.leaf(sha256, leaf, 0, leaf.length, node, 0);
        for (int level = 0; level < depth; level++) {
            boolean right = (index >>> level & 1) == 1;
            System.arraycopy(node, 0, pair, right ? Sha256.BYTES : 0, Sha256.BYTES);
            System.arraycopy(path, level * Sha256.BYTES, pair, right ? 0 : Sha256.BYTES, Sha256.BYTES);
            hash.pair(sha256, pair, 0, node, 0);
        }
        return MessageDigest.isEqual(node, root);
    }
}
