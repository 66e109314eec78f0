package io.ppiofs.bench;

import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.sealed.SealedBlocks;
import io.ppiofs.blockstore.sealed.SealedOptions;
import io.ppiofs.fs.tree.Change;
import io.ppiofs.fs.tree.MerkleTree;
import io.ppiofs.fs.tree.NodeCache;
import io.ppiofs.fs.tree.SipHash;
import io.ppiofs.fs.tree.TreeContext;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * A tree of {@code entries} entries of the size of a namespace's (key 16 bytes, value 64), sealed into memory. Its nodes
 * all fit into the cache: a lookup that misses it costs a block read more.
 */
public final class SampleTree {
    private static final int VALUE_LENGTH = 64;
    private static final long CACHE_BYTES = 512L << 20;

    private final MerkleTree tree;
    private final int entries;

    public SampleTree(int entries) {
        this.entries = entries;
        SealedBlocks blocks = new SealedBlocks(
                new MemoryBlockStore(),
                new FixedKeys(),
                SealedOptions.defaults().withCacheBytes(0));
        TreeContext context = new TreeContext(blocks, new SipHash(new byte[16]), new NodeCache(CACHE_BYTES));
        Iterator<Change> all = IntStream.range(0, entries)
                .mapToObj(i -> new Change(key(i, false), value(i)))
                .iterator();
        tree = MerkleTree.empty(context).apply(all);
    }

    public MerkleTree tree() {
        return tree;
    }

    public int entries() {
        return entries;
    }

    /** Keys ascend with {@code i}. @param absent a key right behind that of {@code i} which is not in the tree */
    public static byte[] key(int i, boolean absent) {
        long spread = (long) i << 20;
        return ByteBuffer.allocate(16)
                .putLong(absent ? spread + 1 : spread)
                .putLong(new SplittableRandom(i).nextLong())
                .array();
    }

    private static byte[] value(long seed) {
        byte[] value = new byte[VALUE_LENGTH];
        new SplittableRandom(seed).nextBytes(value);
        return value;
    }

    /** {@code count} changes all over the tree, half of them new keys. */
    public Iterator<Change> changes(int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int step = entries / count;
        return IntStream.range(0, count)
                .mapToObj(i -> new Change(key(i * step + random.nextInt(step), (i & 1) == 1), value(random.nextLong())))
                .iterator();
    }
}
