package io.ppiofs.fs.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.fs.testing.InMemoryBlocks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;

/** Trees over memory and the plain model they are compared with. */
final class TreeFixture {
    static final byte[] LEVEL_KEY = "ppiofs test key!".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    final InMemoryBlocks blocks = new InMemoryBlocks();
    final TreeContext context = new TreeContext(blocks, new SipHash(LEVEL_KEY), new NodeCache(64 << 20));

    static NavigableMap<byte[], byte[]> model() {
        return new TreeMap<>(Arrays::compareUnsigned);
    }

    static Iterator<Change> changes(Map<byte[], byte[]> sorted) {
        return sorted.entrySet().stream()
                .map(e -> new Change(e.getKey(), e.getValue()))
                .iterator();
    }

    MerkleTree bulk(NavigableMap<byte[], byte[]> model) {
        return MerkleTree.empty(context).apply(changes(model));
    }

    static List<Change> content(MerkleTree tree) {
        List<Change> out = new ArrayList<>();
        TreeCursor cursor = tree.seek(new byte[0]);
        while (cursor.next()) {
            out.add(new Change(cursor.key(), cursor.value()));
        }
        return out;
    }

    /** Same entries by iteration, same size, sound by its own verifier. */
    static void assertSame(MerkleTree tree, NavigableMap<byte[], byte[]> model) {
        TreeCursor cursor = tree.seek(new byte[0]);
        for (Map.Entry<byte[], byte[]> e : model.entrySet()) {
            assertThat(cursor.next()).isTrue();
            assertThat(cursor.key()).isEqualTo(e.getKey());
            assertThat(cursor.value()).isEqualTo(e.getValue());
        }
        assertThat(cursor.next()).isFalse();
        assertThat(tree.size()).isEqualTo(model.size());
        assertThat(problems(tree)).isEmpty();
    }

    static List<String> problems(MerkleTree tree) {
        List<String> problems = new ArrayList<>();
        tree.verify(new TreeChecker() {
            @Override
            public void problem(BlockRef node, int height, String problem) {
                problems.add("height " + height + ": " + problem);
            }

            @Override
            public boolean node(BlockRef ref, int height) {
                return true;
            }
        });
        return problems;
    }

    /** Kinds of keys that stress different things. */
    enum Keys {
        /** 1–40 random bytes. */
        RANDOM,
        /** Few directories, then hashes: long common prefixes, as the namespace has them. */
        PREFIXED,
        /** From a two-letter alphabet: keys that are prefixes of others. */
        NESTED,
        /** 8-byte counters: dense. */
        DENSE;

        byte[] next(Random random, int space) {
            return switch (this) {
                case RANDOM -> bytes(random, 1 + random.nextInt(40));
                case PREFIXED -> {
                    byte[] key = new byte[25];
                    key[7] = (byte) random.nextInt(5);
                    key[8] = 'd';
                    int r = random.nextInt(space);
                    key[20] = (byte) (r >> 16);
                    key[21] = (byte) (r >> 8);
                    key[22] = (byte) r;
                    yield key;
                }
                case NESTED -> {
                    byte[] key = new byte[1 + random.nextInt(18)];
                    for (int i = 0; i < key.length; i++) {
                        key[i] = (byte) (random.nextBoolean() ? 0xff : 0);
                    }
                    yield key;
                }
                case DENSE ->
                    java.nio.ByteBuffer.allocate(8)
                            .putLong(random.nextInt(space))
                            .array();
            };
        }
    }

    static byte[] bytes(Random random, int n) {
        byte[] bytes = new byte[n];
        random.nextBytes(bytes);
        return bytes;
    }
}
