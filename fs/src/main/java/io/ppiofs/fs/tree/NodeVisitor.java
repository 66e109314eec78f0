package io.ppiofs.fs.tree;

import io.ppiofs.blockstore.BlockRef;

/** Receives the nodes of a tree, parents before children, children in key order. */
public interface NodeVisitor {
    /**
     * A node that is reachable; it has not been read yet.
     *
     * @param height 0 for a leaf
     * @return false to skip it and everything below (seen already)
     */
    boolean node(BlockRef ref, int height);

    /** Whether {@link #entry} wants the leaves' content; without it leaves are named but not read. */
    default boolean wantsEntries() {
        return false;
    }

    /** An entry of a leaf that {@link #node} did not skip, only if {@link #wantsEntries}. */
    default void entry(byte[] key, byte[] value) {}
}
