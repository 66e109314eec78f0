package io.ppiofs.fs.tree;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Forward iteration over a tree; reads nodes when it gets there. It sees the tree it came from, whatever happens
 * meanwhile. One thread at a time.
 */
public final class TreeCursor {
    private static final class Frame {
        private final Node node;
        private int at;

        Frame(Node node, int at) {
            this.node = node;
            this.at = at;
        }
    }

    private final TreeContext context;
    /** The sought key until it has been reached; then null and nodes are entered at their beginning. */
    private byte @Nullable [] from;

    private final Deque<Frame> path = new ArrayDeque<>(4);
    private @Nullable Node leaf;
    private int at;

    TreeCursor(TreeContext context, @Nullable Node root, byte[] fromInclusive) {
        this.context = context;
        if (root != null) {
            path.push(new Frame(root, root.ceiling(fromInclusive) - 1));
        }
        this.from = fromInclusive.clone();
    }

    /** Moves to the next entry (the first call: to the first at or after the sought key). False at the end. */
    public boolean next() {
        leaf = null;
        for (Frame top = path.peek(); top != null; top = path.peek()) {
            if (++top.at >= top.node.count()) {
                path.pop();
            } else if (top.node.isLeaf()) {
                from = null;
                leaf = top.node;
                at = top.at;
                return true;
            } else {
                Node child = NodeReader.child(context, top.node, top.at);
                path.push(new Frame(child, from == null ? -1 : child.ceiling(from) - 1));
            }
        }
        return false;
    }

    /** A copy of the current key; IllegalStateException if the last {@link #next} was not true. */
    public byte[] key() {
        return current().key(at);
    }

    /** A copy of the current value; IllegalStateException if the last {@link #next} was not true. */
    public byte[] value() {
        return current().value(at);
    }

    private Node current() {
        if (leaf == null) {
            throw new IllegalStateException("the cursor is not on an entry");
        }
        return leaf;
    }
}
