package io.ppiofs.fs.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CorruptNodeTest {
    private final TreeFixture fixture = new TreeFixture();
    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    @Test
    void aDamagedNodeIsRefusedOrStillInOrder() {
        System.out.println("seed " + seed);
        for (Node sample : List.of(leaf(20), index())) {
            byte[] good = bytes(sample);
            BlockRef ref = write(sample);
            int refused = 0;
            for (int round = 0; round < 20_000; round++) {
                byte[] bad = damaged(good);
                try {
                    Node node = Node.decode(bad, ref);
                    for (int i = 1; i < node.count(); i++) {
                        assertThat(Arrays.compareUnsigned(node.key(i - 1), node.key(i)))
                                .isNegative();
                    }
                    for (int i = 0; i < node.count(); i++) {
                        assertThat(node.search(node.key(i))).isEqualTo(i);
                        assertThat(node.value(i)).hasSize(node.valueLength(i));
                        if (!node.isLeaf()) {
                            assertThat(node.child(i).length()).isPositive();
                        }
                    }
                } catch (PpiofsException e) {
                    refused++;
                    assertThat(e.kind())
                            .as("seed %d round %d", seed, round)
                            .isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT);
                }
            }
            assertThat(refused).isGreaterThan(2000);
        }
    }

    private byte[] damaged(byte[] good) {
        byte[] bad = good.clone();
        int flips = 1 + random.nextInt(3);
        for (int i = 0; i < flips; i++) {
            bad[random.nextInt(random.nextBoolean() ? Math.min(40, bad.length) : bad.length)] = (byte) random.nextInt();
        }
        int cut = random.nextInt(10);
        return cut == 0
                ? Arrays.copyOf(bad, random.nextInt(bad.length))
                : cut == 1 ? Arrays.copyOf(bad, bad.length + 1 + random.nextInt(9)) : bad;
    }

    @Test
    void anUnknownVersionIsNotDamage() {
        Node leaf = leaf(3);
        byte[] bytes = bytes(leaf);
        bytes[0] = 2;
        assertThatThrownBy(() -> Node.decode(bytes, write(leaf)))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNSUPPORTED_FORMAT));
    }

    @Test
    void aLongerEncodingOfTheSameContentIsRefused() {
        // prefix "a" although "ab" is common to both keys
        byte[] bytes = {1, 0, 0, 2, 0, 1, 'a', 0, 2, 0, 0, 'b', 'c', 0, 2, 0, 0, 'b', 'd'};
        assertThatThrownBy(() -> Node.decode(bytes, write(leaf(1))))
                .isInstanceOf(PpiofsException.class)
                .hasMessageContaining("prefix");
    }

    @Test
    void aRefThatPromisesAnEnormousNodeTakesNoMemory() {
        BlockRef ref = write(leaf(1));
        BlockRef huge = new BlockRef(ref.cid(), ref.key(), Integer.MAX_VALUE, 0, 0);
        assertThatThrownBy(() -> MerkleTree.open(fixture.context, huge))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
    }

    @Test
    void aChildOfTheWrongHeightEndsTheDescent() {
        Node leaf = leaf(1);
        BlockRef leafRef = write(leaf);
        Node index = indexOver(1, List.of(leaf, leaf(2)), List.of(leafRef, leafRef));
        BlockRef indexRef = write(index);
        Node tooHigh = indexOver(3, List.of(index), List.of(indexRef));
        MerkleTree tree = MerkleTree.open(fixture.context, write(tooHigh));
        assertThatThrownBy(() -> tree.get(new byte[] {'k'}))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
        assertThat(TreeFixture.problems(tree)).anyMatch(p -> p.contains("says height"));
    }

    @Test
    void verifyNamesEachBrokenPromise() {
        List<Node> leaves = new ArrayList<>();
        List<BlockRef> refs = new ArrayList<>();
        leavesOf(sample(400), leaves, refs);
        assertThat(problemsOver(leaves, refs)).isEmpty();

        List<BlockRef> swapped = new ArrayList<>(refs);
        java.util.Collections.swap(swapped, 0, 1);
        assertThat(problemsOver(leaves, swapped)).anyMatch(p -> p.contains("last key"));

        Node half = part(leaves.get(0), 0, leaves.get(0).count() - 1);
        assertThat(problemsOver(with(leaves, 0, half), with(refs, 0, write(half))))
                .anyMatch(p -> p.contains("should go on"));

        Node joined = joined(leaves.get(0), leaves.get(1));
        List<Node> fewer = with(leaves, 0, joined);
        List<BlockRef> fewerRefs = with(refs, 0, write(joined));
        fewer.remove(1);
        fewerRefs.remove(1);
        assertThat(problemsOver(fewer, fewerRefs)).anyMatch(p -> p.contains("should have ended"));

        assertThat(problemsOver(List.of(leaves.get(0)), List.of(refs.get(0))))
                .anyMatch(p -> p.contains("single child"));

        fixture.blocks.remove(refs.get(2));
        assertThat(problemsOver(leaves, refs)).hasSize(1);
    }

    @Test
    void aWrongEntryCountIsFound() {
        List<Node> leaves = new ArrayList<>();
        List<BlockRef> refs = new ArrayList<>();
        leavesOf(sample(300), leaves, refs);
        byte[][] keys = new byte[leaves.size()][];
        byte[][] values = new byte[leaves.size()][];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = leaves.get(i).key(leaves.get(i).count() - 1);
            values[i] = Node.childValue(refs.get(i), leaves.get(i).entries() + (i == 1 ? 1 : 0));
        }
        Node root = Node.encode(1, keys, values, keys.length, 0);
        assertThat(TreeFixture.problems(MerkleTree.open(fixture.context, write(root))))
                .hasSize(1)
                .allMatch(p -> p.contains("its parent says"));
    }

    private List<String> problemsOver(List<Node> leaves, List<BlockRef> refs) {
        return TreeFixture.problems(MerkleTree.open(fixture.context, write(indexOver(1, leaves, refs))));
    }

    private static <T> List<T> with(List<T> list, int at, T item) {
        List<T> copy = new ArrayList<>(list);
        copy.set(at, item);
        return copy;
    }

    /** Fixed content whose leaves all end by level and whose height is 1. */
    private NavigableMap<byte[], byte[]> sample(int n) {
        NavigableMap<byte[], byte[]> model = TreeFixture.model();
        for (int i = 0; i < n; i++) {
            model.put(("key " + i).getBytes(StandardCharsets.US_ASCII), new byte[] {(byte) i});
        }
        return model;
    }

    private void leavesOf(NavigableMap<byte[], byte[]> model, List<Node> leaves, List<BlockRef> refs) {
        MerkleTree tree = fixture.bulk(model);
        assertThat(tree.rootNode().height()).isEqualTo(1);
        assertThat(tree.rootNode().count()).isGreaterThan(3);
        for (int i = 0; i < tree.rootNode().count(); i++) {
            refs.add(tree.rootNode().child(i));
            leaves.add(NodeReader.uncached(fixture.blocks, tree.rootNode().child(i)));
        }
    }

    private static Node part(Node leaf, int from, int to) {
        byte[][] keys = new byte[to - from][];
        byte[][] values = new byte[to - from][];
        for (int i = from; i < to; i++) {
            keys[i - from] = leaf.key(i);
            values[i - from] = leaf.value(i);
        }
        return Node.encode(0, keys, values, keys.length, keys.length);
    }

    private static Node joined(Node a, Node b) {
        int n = a.count() + b.count();
        byte[][] keys = new byte[n][];
        byte[][] values = new byte[n][];
        for (int i = 0; i < n; i++) {
            keys[i] = i < a.count() ? a.key(i) : b.key(i - a.count());
            values[i] = i < a.count() ? a.value(i) : b.value(i - a.count());
        }
        return Node.encode(0, keys, values, n, n);
    }

    private static Node indexOver(int height, List<Node> children, List<BlockRef> refs) {
        byte[][] keys = new byte[children.size()][];
        byte[][] values = new byte[children.size()][];
        long entries = 0;
        for (int i = 0; i < keys.length; i++) {
            keys[i] = children.get(i).key(children.get(i).count() - 1);
            values[i] = Node.childValue(refs.get(i), children.get(i).entries());
            entries += children.get(i).entries();
        }
        return Node.encode(height, keys, values, keys.length, entries);
    }

    /** Keys k, k + one byte, … */
    private static Node leaf(int n) {
        byte[][] keys = new byte[n][];
        byte[][] values = new byte[n][];
        for (int i = 0; i < n; i++) {
            keys[i] = new byte[] {'k', (byte) n, (byte) i};
            values[i] = new byte[i % 5];
        }
        return Node.encode(0, keys, values, n, n);
    }

    private Node index() {
        List<Node> leaves = List.of(leaf(1), leaf(2), leaf(3), leaf(4));
        return indexOver(1, leaves, leaves.stream().map(this::write).toList());
    }

    private BlockRef write(Node node) {
        return fixture.blocks.write(BlockType.NODE, node.plaintext());
    }

    private static byte[] bytes(Node node) {
        ByteBuffer in = node.plaintext();
        byte[] bytes = new byte[in.remaining()];
        in.get(bytes);
        return bytes;
    }
}
