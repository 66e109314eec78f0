package io.ppiofs.fs.tree;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Builds the canonical tree of a sequence of entries, or of whole subtrees where it stands at a clean boundary. Holds
 * one unfinished node per height. One thread.
 */
final class TreeBuilder {
    private final TreeContext context;
    private final List<Level> levels = new ArrayList<>();

    TreeBuilder(TreeContext context) {
        this.context = context;
        levels.add(new Level(0));
    }

    /** The next entry of the map; keys ascend. */
    void entry(byte[] key, byte[] value) {
        add(0, key, value, NodeRule.level(context.levels(), key));
    }

    /** The next subtree, which must not continue behind its last key; only if {@link #cleanThrough} its height. */
    void subtree(int height, byte[] lastKey, byte[] childValue) {
        add(height + 1, lastKey, childValue, NodeRule.level(context.levels(), lastKey));
    }

    /** True if no node of this height or below is unfinished: an equal sequence would build equal nodes from here. */
    boolean cleanThrough(int height) {
        for (int h = 0; h <= height && h < levels.size(); h++) {
            if (levels.get(h).n > 0) {
                return false;
            }
        }
        return true;
    }

    /** Finishes all nodes; null if there was no entry. */
    @Nullable
    BlockRef finish() {
        for (int h = 0; h < levels.size(); h++) {
            Level level = levels.get(h);
            if (level.n == 0) {
                continue;
            }
            if (h > 0 && level.n == 1 && nothingAbove(h)) {
                return lowestSingle(Node.childOf(level.values[0]));
            }
            flush(level, NodeRule.level(context.levels(), level.keys[level.n - 1]));
        }
        return null;
    }

    private boolean nothingAbove(int height) {
        for (int h = height + 1; h < levels.size(); h++) {
            if (levels.get(h).n > 0) {
                return false;
            }
        }
        return true;
    }

    /** The root is the lowest node that is alone at its height. */
    private BlockRef lowestSingle(BlockRef top) {
        BlockRef root = top;
        Node node = NodeReader.cached(context, root);
        while (!node.isLeaf() && node.count() == 1) {
            root = node.child(0);
            node = NodeReader.child(context, node, 0);
        }
        return root;
    }

    private void add(int height, byte[] key, byte[] value, int keyLevel) {
        while (levels.size() <= height) {
            levels.add(new Level(levels.size()));
        }
        Level level = levels.get(height);
        level.add(key, value);
        if (NodeRule.ends(height, keyLevel, level.rawSize)) {
            flush(level, keyLevel);
        }
    }

    private void flush(Level level, int levelOfLastKey) {
        byte[] lastKey = level.keys[level.n - 1];
        Node node = Node.encode(level.height, level.keys, level.values, level.n, level.entries);
        BlockRef ref = context.blocks().write(BlockType.NODE, node.plaintext());
        context.cache().put(ref, node);
        level.clear();
        add(level.height + 1, lastKey, Node.childValue(ref, node.entries()), levelOfLastKey);
    }

    /** The unfinished node of one height. */
    private static final class Level {
        private final int height;
        private byte[][] keys = new byte[64][];
        private byte[][] values = new byte[64][];
        private int n;
        private int rawSize;
        private long entries;

        Level(int height) {
            this.height = height;
        }

        void add(byte[] key, byte[] value) {
            if (n == keys.length) {
                keys = Arrays.copyOf(keys, n * 2);
                values = Arrays.copyOf(values, n * 2);
            }
            keys[n] = key;
            values[n] = value;
            n++;
            rawSize += Node.rawSize(key.length, value.length);
            entries += height == 0 ? 1 : Node.entriesOf(value);
        }

        void clear() {
            n = 0;
            rawSize = 0;
            entries = 0;
        }
    }
}
