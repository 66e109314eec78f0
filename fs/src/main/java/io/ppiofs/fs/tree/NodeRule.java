package io.ppiofs.fs.tree;

/**
 * Where nodes end. A node of height h ends after an entry whose key has a level above h, or whose size reaches {@link
 * Node#SPLIT_BYTES}. Both depend only on the node's own content; that is what makes the tree independent of history.
 */
final class NodeRule {
    /** Zero bits per level: 2^6 = 64 entries in a node on average. */
    private static final int BITS_PER_LEVEL = 6;

    private NodeRule() {}

    /** 0 for 63 of 64 keys, 1 for 63 of 64 of the rest, … at most 10. */
    static int level(SipHash hash, byte[] key) {
        return Long.numberOfTrailingZeros(hash.hash(key)) / BITS_PER_LEVEL;
    }

    static boolean ends(int height, int levelOfLastKey, int rawSize) {
        return levelOfLastKey > height || rawSize >= Node.SPLIT_BYTES;
    }
}
