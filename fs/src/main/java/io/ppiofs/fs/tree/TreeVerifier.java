package io.ppiofs.fs.tree;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.error.PpiofsException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Checks every invariant of a tree on what is in the blocks, not in the cache. One thread. */
final class TreeVerifier {
    /** What a parent says about a child. */
    private record Expected(int height, byte[] lastKey, long entries) {}

    private final TreeContext context;
    private final TreeChecker checker;
    /** The last key of the nodes before, which all later keys must exceed. */
    private byte @Nullable [] above;

    TreeVerifier(TreeContext context, TreeChecker checker) {
        this.context = context;
        this.checker = checker;
    }

    void root(BlockRef root, int height) {
        if (checker.node(root, height)) {
            Node node = read(root, height);
            if (node == null) {
                return;
            }
            if (!node.isLeaf() && node.count() < 2) {
                checker.problem(root, height, "the root has a single child, which should be the root");
            }
            content(root, node, true);
        }
    }

    private void child(BlockRef ref, Expected expected, boolean rightmost) {
        if (checker.node(ref, expected.height)) {
            Node node = read(ref, expected.height);
            if (node != null) {
                againstParent(ref, node, expected);
                content(ref, node, rightmost);
            }
        }
        above = expected.lastKey;
    }

    private @Nullable Node read(BlockRef ref, int height) {
        try {
            Node node = NodeReader.uncached(context.blocks(), ref);
            if (node.height() == height) {
                return node;
            }
            checker.problem(ref, height, "the node says height " + node.height() + ", its parent " + height);
        } catch (PpiofsException e) {
            checker.problem(ref, height, String.valueOf(e.getMessage()));
        }
        return null;
    }

    private void againstParent(BlockRef ref, Node node, Expected expected) {
        if (!Arrays.equals(node.key(node.count() - 1), expected.lastKey)) {
            checker.problem(ref, node.height(), "the last key is not the one its parent says");
        }
        if (node.entries() != expected.entries) {
            checker.problem(
                    ref,
                    node.height(),
                    "it has " + node.entries() + " entries below, its parent says " + expected.entries);
        }
    }

    private void content(BlockRef ref, Node node, boolean rightmost) {
        rule(ref, node, rightmost);
        if (above != null && Arrays.compareUnsigned(node.key(0), above) <= 0) {
            checker.problem(ref, node.height(), "its first key is not above the keys before the node");
        }
        if (node.isLeaf()) {
            leafEntries(node);
            return;
        }
        for (int i = 0; i < node.count(); i++) {
            Expected expected = new Expected(node.height() - 1, node.key(i), node.childEntries(i));
            child(node.child(i), expected, rightmost && i == node.count() - 1);
        }
    }

    private void leafEntries(Node leaf) {
        if (checker.wantsEntries()) {
            for (int i = 0; i < leaf.count(); i++) {
                checker.entry(leaf.key(i), leaf.value(i));
            }
        }
    }

    /** A node ends at its last entry by rule, and nowhere before; only the rightmost may just stop. */
    private void rule(BlockRef ref, Node node, boolean rightmost) {
        int rawSize = 0;
        for (int i = 0; i < node.count(); i++) {
            boolean last = i == node.count() - 1;
            rawSize += Node.rawSize(node.keyLength(i), node.valueLength(i));
            boolean ends = NodeRule.ends(node.height(), NodeRule.level(context.levels(), node.key(i)), rawSize);
            if (ends && !last) {
                checker.problem(ref, node.height(), "the node should have ended after entry " + i);
                return;
            }
            if (last && !ends && !rightmost) {
                checker.problem(ref, node.height(), "the node should go on behind its last entry");
            }
        }
    }
}
