package io.ppiofs.fs.tree;

import io.ppiofs.blockstore.BlockRef;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * An ordered map byte[] → byte[] (unsigned lexicographic) in blocks, the same for the same content whatever the history:
 * equal maps of one volume have equal roots. An instance is one version and never changes; {@link #apply} makes the
 * next. Thread-safe. Every method that reads may throw {@link io.ppiofs.error.PpiofsException} CORRUPT,
 * UNSUPPORTED_FORMAT or what {@link io.ppiofs.blockstore.Blocks} throws.
 */
public final class MerkleTree {
    public static final int MAX_KEY_LENGTH = 512;
    public static final int MAX_VALUE_LENGTH = 4096;

    private final TreeContext context;
    private final @Nullable BlockRef root;
    private final @Nullable Node rootNode;

    private MerkleTree(TreeContext context, @Nullable BlockRef root) {
        this.context = context;
        this.root = root;
        this.rootNode = root == null ? null : NodeReader.cached(context, root);
    }

    public static MerkleTree empty(TreeContext context) {
        return new MerkleTree(context, null);
    }

    /** Reads the root node. @param root null for the empty tree */
    public static MerkleTree open(TreeContext context, @Nullable BlockRef root) {
        return new MerkleTree(context, root);
    }

    /** Names this version; null if it is empty. */
    public @Nullable BlockRef root() {
        return root;
    }

    /** Number of entries. Reads nothing. */
    public long size() {
        return rootNode == null ? 0 : rootNode.entries();
    }

    /** A copy of the value, or null. With cached nodes it allocates only the copy. */
    public byte @Nullable [] get(byte[] key) {
        Node node = rootNode;
        while (node != null && !node.isLeaf()) {
            int i = node.ceiling(key);
            node = i == node.count() ? null : NodeReader.child(context, node, i);
        }
        if (node == null) {
            return null;
        }
        int i = node.search(key);
        return i < 0 ? null : node.value(i);
    }

    /** The entry with the greatest key ≤ {@code key}, or null. Reads at most two paths. */
    public @Nullable Entry floor(byte[] key) {
        Node node = rootNode;
        Node left = null; // the node that holds, rightmost, the last entry before the current one; child leftAt
        int leftAt = 0;
        while (node != null && !node.isLeaf()) {
            int i = node.ceiling(key);
            if (i > 0) {
                left = node;
                leftAt = i - 1;
            }
            node = i == node.count() ? null : NodeReader.child(context, node, i);
        }
        if (node != null) {
            int i = node.search(key);
            int at = i >= 0 ? i : -i - 2;
            if (at >= 0) {
                return new Entry(node.key(at), node.value(at));
            }
        }
        return left == null ? null : lastEntry(NodeReader.child(context, left, leftAt));
    }

    private Entry lastEntry(Node subtree) {
        Node node = subtree;
        while (!node.isLeaf()) {
            node = NodeReader.child(context, node, node.count() - 1);
        }
        return new Entry(node.key(node.count() - 1), node.value(node.count() - 1));
    }

    /** Entries with key ≥ {@code fromInclusive}, ascending; an empty array starts at the beginning. */
    public TreeCursor seek(byte[] fromInclusive) {
        return new TreeCursor(context, rootNode, fromInclusive);
    }

    /**
     * The tree after the changes. Reads and writes only nodes on the paths to changed entries, and a few neighbours where a
     * boundary moved. New nodes are written, not synced: the caller syncs before it relies on the new root. If this
     * throws, this tree is untouched and nodes already written are garbage.
     *
     * @param sortedChanges keys strictly ascending; consumed as it goes, never held as a whole
     * @throws IllegalArgumentException keys not ascending, key or value beyond the limits
     */
    public MerkleTree apply(Iterator<Change> sortedChanges) {
        TreeMerge merge = new TreeMerge(context, sortedChanges);
        return merge.nothingToDo() ? this : new MerkleTree(context, merge.into(rootNode));
    }

    /**
     * Reports what {@code after} has changed against {@code before}, ascending. Steps over equal subtrees: the cost grows
     * with the difference, not with the trees. Both trees must be of one volume.
     */
    public static void diff(MerkleTree before, MerkleTree after, DiffVisitor visitor) {
        if (before.root == null ? after.root != null : !before.root.equals(after.root)) {
            new TreeDiff(before, after, visitor).run();
        }
    }

    /** Visits every reachable node; leaves are read only if the visitor wants entries. */
    public void walk(NodeVisitor visitor) {
        if (root != null && rootNode != null && visitor.node(root, rootNode.height())) {
            walk(rootNode, visitor);
        }
    }

    private void walk(Node node, NodeVisitor visitor) {
        if (node.isLeaf()) {
            for (int i = 0; i < node.count() && visitor.wantsEntries(); i++) {
                visitor.entry(node.key(i), node.value(i));
            }
            return;
        }
        boolean leavesBelow = node.height() == 1;
        for (int i = 0; i < node.count(); i++) {
            boolean wanted = visitor.node(node.child(i), node.height() - 1);
            if (wanted && (!leavesBelow || visitor.wantsEntries())) {
                walk(NodeReader.child(context, node, i), visitor);
            }
        }
    }

    /**
     * Reads every node from the blocks (not the cache) and checks order, heights, counts and where nodes end. Reports
     * problems, does not throw them; what lies below an unreadable node is not visited.
     */
    public void verify(TreeChecker checker) {
        if (root != null && rootNode != null) {
            new TreeVerifier(context, checker).root(root, rootNode.height());
        }
    }

    TreeContext context() {
        return context;
    }

    @Nullable
    Node rootNode() {
        return rootNode;
    }
}
