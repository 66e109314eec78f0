package io.ppiofs.fs.tree;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** Walks two trees side by side and steps over what both have. One thread. */
final class TreeDiff {
    /** A position in one tree: its head is the next child (not yet read) or the next entry. */
    private static final class Side {
        private final TreeContext context;
        private final Deque<Node> nodes = new ArrayDeque<>();
        private final Deque<Integer> positions = new ArrayDeque<>();
        private @Nullable Node node;
        private int at;

        Side(MerkleTree tree) {
            context = tree.context();
            node = tree.rootNode();
            settle();
        }

        boolean atEnd() {
            return node == null;
        }

        Node node() {
            if (node == null) {
                throw new IllegalStateException("behind the end");
            }
            return node;
        }

        boolean onEntry() {
            return node().isLeaf();
        }

        void skip() {
            at++;
            settle();
        }

        void open() {
            Node parent = node();
            Node child = NodeReader.child(context, parent, at);
            nodes.push(parent);
            positions.push(at + 1);
            node = child;
            at = 0;
        }

        private void settle() {
            while (node != null && at >= node.count()) {
                node = nodes.poll();
                at = node == null ? 0 : positions.pop();
            }
        }
    }

    private final Side before;
    private final Side after;
    private final DiffVisitor visitor;

    TreeDiff(MerkleTree before, MerkleTree after, DiffVisitor visitor) {
        this.before = new Side(before);
        this.after = new Side(after);
        this.visitor = visitor;
    }

    void run() {
        while (!before.atEnd() && !after.atEnd()) {
            step();
        }
        rest(before, false);
        rest(after, true);
    }

    private void step() {
        boolean entryBefore = before.onEntry();
        boolean entryAfter = after.onEntry();
        if (entryBefore && entryAfter) {
            compareEntries();
        } else if (entryBefore) {
            after.open();
        } else if (entryAfter) {
            before.open();
        } else if (before.node().child(before.at).equals(after.node().child(after.at))) {
            before.skip();
            after.skip();
        } else {
            int heightBefore = before.node().height();
            int heightAfter = after.node().height();
            if (heightBefore >= heightAfter) {
                before.open();
            }
            if (heightAfter >= heightBefore) {
                after.open();
            }
        }
    }

    private void compareEntries() {
        Node a = before.node();
        Node b = after.node();
        byte[] keyBefore = a.key(before.at);
        byte[] keyAfter = b.key(after.at);
        int c = Arrays.compareUnsigned(keyBefore, keyAfter);
        if (c < 0) {
            visitor.difference(keyBefore, a.value(before.at), null);
        } else if (c > 0) {
            visitor.difference(keyAfter, null, b.value(after.at));
        } else if (!a.sameValue(before.at, b, after.at)) {
            visitor.difference(keyBefore, a.value(before.at), b.value(after.at));
        }
        if (c <= 0) {
            before.skip();
        }
        if (c >= 0) {
            after.skip();
        }
    }

    private void rest(Side side, boolean added) {
        while (!side.atEnd()) {
            if (!side.onEntry()) {
                side.open();
                continue;
            }
            byte[] key = side.node().key(side.at);
            byte[] value = side.node().value(side.at);
            visitor.difference(key, added ? null : value, added ? value : null);
            side.skip();
        }
    }
}
