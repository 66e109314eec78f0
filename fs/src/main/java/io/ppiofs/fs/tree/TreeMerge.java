package io.ppiofs.fs.tree;

import io.ppiofs.blockstore.BlockRef;
import java.util.Arrays;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/** Merges sorted changes into a tree: feeds a {@link TreeBuilder} with what changed and reuses the rest. One thread. */
final class TreeMerge {
    private final TreeContext context;
    private final Iterator<Change> changes;
    private final TreeBuilder builder;
    private @Nullable Change next;

    TreeMerge(TreeContext context, Iterator<Change> changes) {
        this.context = context;
        this.changes = changes;
        this.builder = new TreeBuilder(context);
        advance();
    }

    boolean nothingToDo() {
        return next == null;
    }

    /** @param root null for the empty tree */
    @Nullable
    BlockRef into(@Nullable Node root) {
        if (root != null) {
            merge(root, true);
        }
        while (next != null) {
            put(next);
            advance();
        }
        return builder.finish();
    }

    /** @param rightmost nothing of the old tree follows, so later changes belong here */
    private void merge(Node node, boolean rightmost) {
        if (node.isLeaf()) {
            mergeLeaf(node);
            return;
        }
        for (int i = 0; i < node.count(); i++) {
            boolean last = rightmost && i == node.count() - 1;
            byte[] lastKey = node.key(i);
            boolean touched = next != null && (last || Arrays.compareUnsigned(next.key(), lastKey) <= 0);
            // What is not rightmost has ended by rule, and so has all in it; the rightmost is taken only as the end.
            if (!touched && builder.cleanThrough(node.height() - 1)) {
                builder.subtree(node.height() - 1, lastKey, node.value(i));
            } else {
                merge(NodeReader.child(context, node, i), last);
            }
        }
    }

    private void mergeLeaf(Node leaf) {
        for (int i = 0; i < leaf.count(); i++) {
            byte[] key = leaf.key(i);
            int order = -1;
            while (next != null && (order = Arrays.compareUnsigned(next.key(), key)) < 0) {
                put(next);
                advance();
            }
            if (next != null && order == 0) {
                put(next);
                advance();
            } else {
                builder.entry(key, leaf.value(i));
            }
        }
    }

    private void put(Change change) {
        byte[] value = change.value();
        if (value != null) {
            builder.entry(change.key(), value);
        }
    }

    private void advance() {
        Change before = next;
        if (!changes.hasNext()) {
            next = null;
            return;
        }
        Change change = changes.next();
        int keyLength = change.key().length;
        if (keyLength == 0 || keyLength > MerkleTree.MAX_KEY_LENGTH) {
            throw new IllegalArgumentException("key of " + keyLength + " bytes");
        }
        byte[] value = change.value();
        if (value != null && value.length > MerkleTree.MAX_VALUE_LENGTH) {
            throw new IllegalArgumentException("value of " + value.length + " bytes");
        }
        if (before != null && Arrays.compareUnsigned(before.key(), change.key()) >= 0) {
            throw new IllegalArgumentException("changes are not in strictly ascending order");
        }
        next = change;
    }
}
