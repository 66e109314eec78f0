package io.ppiofs.fs.tree;

import io.ppiofs.blockstore.BlockRef;

/** A {@link NodeVisitor} that also hears what is wrong. */
public interface TreeChecker extends NodeVisitor {
    /** @param problem one sentence; the subtree of an unreadable node is skipped, the rest is still checked */
    void problem(BlockRef node, int height, String problem);
}
