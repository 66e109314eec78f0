package io.ppiofs.fs.tree;

import static io.ppiofs.fs.tree.TreeFixture.assertSame;
import static io.ppiofs.fs.tree.TreeFixture.bytes;
import static io.ppiofs.fs.tree.TreeFixture.changes;
import static io.ppiofs.fs.tree.TreeFixture.model;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.BlockRef;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MerkleTreeTest {
    private final TreeFixture fixture = new TreeFixture();
    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    @Test
    void theEmptyTreeHasNoRootAndNothingInIt() {
        MerkleTree empty = MerkleTree.empty(fixture.context);
        assertThat(empty.root()).isNull();
        assertThat(empty.size()).isZero();
        assertThat(empty.get(key("a"))).isNull();
        assertThat(empty.floor(key("a"))).isNull();
        assertThat(empty.seek(new byte[0]).next()).isFalse();
        assertThat(empty.apply(List.of(new Change(key("a"), null)).iterator()).root())
                .isNull();
    }

    @ParameterizedTest
    @EnumSource
    void behavesLikeATreeMapAndForgetsItsHistory(TreeFixture.Keys keys) {
        System.out.println("seed " + seed);
        NavigableMap<byte[], byte[]> model = model();
        MerkleTree tree = MerkleTree.empty(fixture.context);
        for (int round = 0; round < 60; round++) {
            NavigableMap<byte[], byte[]> batch = batch(keys, model, 1 << random.nextInt(11));
            MerkleTree before = tree;
            NavigableMap<byte[], byte[]> modelBefore = model();
            modelBefore.putAll(model);
            apply(model, batch);
            tree = tree.apply(changes(batch));
            assertThat(tree.root())
                    .as("seed %d round %d", seed, round)
                    .isEqualTo(fixture.bulk(model).root());
            checkDiff(before, modelBefore, tree, model);
            checkLookups(keys, tree, model);
        }
        assertSame(tree, model);
        assertSame(MerkleTree.open(fixture.context, tree.root()), model);
    }

    /** Mostly insertions while small, mostly deletions while large; now and then a whole range goes. */
    private NavigableMap<byte[], byte[]> batch(TreeFixture.Keys keys, NavigableMap<byte[], byte[]> model, int size) {
        NavigableMap<byte[], byte[]> batch = model();
        boolean shrink = model.size() > 6000 || random.nextInt(5) == 0;
        for (int i = 0; i < size; i++) {
            byte[] key = keys.next(random, 10_000);
            byte[] known = model.ceilingKey(key);
            if (shrink && known != null) {
                batch.put(known, null);
            } else {
                batch.put(key, value());
            }
        }
        if (random.nextInt(8) == 0) {
            byte[] from = keys.next(random, 10_000);
            model.tailMap(from).keySet().stream().limit(2000).forEach(k -> batch.put(k, null));
        }
        return batch;
    }

    private byte[] value() {
        int kind = random.nextInt(20);
        return bytes(random, kind == 0 ? 3584 : kind == 1 ? 0 : random.nextInt(120));
    }

    private static void apply(NavigableMap<byte[], byte[]> model, NavigableMap<byte[], byte[]> batch) {
        batch.forEach((k, v) -> {
            if (v == null) {
                model.remove(k);
            } else {
                model.put(k, v);
            }
        });
    }

    private void checkLookups(TreeFixture.Keys keys, MerkleTree tree, NavigableMap<byte[], byte[]> model) {
        for (int i = 0; i < 50; i++) {
            byte[] key = keys.next(random, 10_000);
            byte[] known = model.ceilingKey(key);
            byte[] probe = known != null && random.nextBoolean() ? known : key;
            assertThat(tree.get(probe)).as("seed %d", seed).isEqualTo(model.get(probe));
            Map.Entry<byte[], byte[]> floor = model.floorEntry(probe);
            Entry found = tree.floor(probe);
            assertThat(found == null).as("seed %d", seed).isEqualTo(floor == null);
            if (found != null && floor != null) {
                assertThat(found.key()).isEqualTo(floor.getKey());
                assertThat(found.value()).isEqualTo(floor.getValue());
            }
            TreeCursor cursor = tree.seek(probe);
            for (Map.Entry<byte[], byte[]> e :
                    model.tailMap(probe).entrySet().stream().limit(3).toList()) {
                assertThat(cursor.next()).isTrue();
                assertThat(cursor.key()).isEqualTo(e.getKey());
                assertThat(cursor.value()).isEqualTo(e.getValue());
            }
            if (model.tailMap(probe).isEmpty()) {
                assertThat(cursor.next()).isFalse();
            }
        }
    }

    private void checkDiff(
            MerkleTree before,
            NavigableMap<byte[], byte[]> modelBefore,
            MerkleTree after,
            NavigableMap<byte[], byte[]> modelAfter) {
        NavigableMap<byte[], byte[]> patched = model();
        patched.putAll(modelBefore);
        List<byte[]> order = new ArrayList<>();
        MerkleTree.diff(before, after, (key, oldValue, newValue) -> {
            order.add(key);
            assertThat(oldValue).as("seed %d", seed).isEqualTo(modelBefore.get(key));
            assertThat(newValue).as("seed %d", seed).isEqualTo(modelAfter.get(key));
            assertThat(Arrays.equals(oldValue, newValue)).isFalse();
            if (newValue == null) {
                patched.remove(key);
            } else {
                patched.put(key, newValue);
            }
        });
        assertThat(order).isSortedAccordingTo(Arrays::compareUnsigned);
        assertThat(patched.keySet()).as("seed %d", seed).containsExactlyElementsOf(modelAfter.keySet());
        patched.forEach((k, v) -> assertThat(v).isEqualTo(modelAfter.get(k)));
    }

    @Test
    void deletingEverythingLeavesTheEmptyTree() {
        NavigableMap<byte[], byte[]> model = some(5000, 40);
        MerkleTree tree = fixture.bulk(model);
        List<byte[]> order = new ArrayList<>(model.keySet());
        java.util.Collections.shuffle(order, random);
        while (!order.isEmpty()) {
            List<byte[]> part = order.subList(0, Math.min(order.size(), 1 + random.nextInt(700)));
            NavigableMap<byte[], byte[]> batch = model();
            part.forEach(k -> batch.put(k, null));
            part.forEach(model::remove);
            part.clear();
            tree = tree.apply(changes(batch));
            assertThat(tree.root())
                    .as("seed %d", seed)
                    .isEqualTo(fixture.bulk(model).root());
        }
        assertThat(tree.root()).isNull();
        assertThat(tree.size()).isZero();
    }

    @Test
    void largeValuesEndANodeByItsSize() {
        NavigableMap<byte[], byte[]> model = some(800, 4096);
        MerkleTree tree = fixture.bulk(model);
        assertSame(tree, model);
        List<Integer> sizes = new ArrayList<>();
        tree.walk((ref, height) -> sizes.add(ref.length()));
        assertThat(sizes).allMatch(s -> s <= Node.MAX_BYTES).anyMatch(s -> s >= Node.SPLIT_BYTES);
        // one insertion in front shifts the size-ended leaves only up to the next key that ends one by level
        long writes = fixture.blocks.writes();
        tree.apply(List.of(new Change(new byte[] {0}, new byte[4096])).iterator());
        assertThat(fixture.blocks.writes() - writes).isLessThan(60);
    }

    @Test
    void aSmallChangeWritesAndReadsAFewNodes() {
        NavigableMap<byte[], byte[]> model = some(100_000, 80);
        MerkleTree tree = fixture.bulk(model);
        fixture.context.cache().clear();
        long writes = fixture.blocks.writes();
        long reads = fixture.blocks.reads();
        byte[] key = bytes(random, 20);
        MerkleTree changed = tree.apply(List.of(new Change(key, new byte[1])).iterator());
        assertThat(fixture.blocks.writes() - writes).as("seed %d", seed).isLessThan(12);
        assertThat(fixture.blocks.reads() - reads).as("seed %d", seed).isLessThan(12);
        fixture.context.cache().clear();
        reads = fixture.blocks.reads();
        List<byte[]> different = new ArrayList<>();
        MerkleTree.diff(tree, changed, (k, o, n) -> different.add(k));
        assertThat(different).hasSize(1);
        assertThat(different.get(0)).isEqualTo(key);
        assertThat(fixture.blocks.reads() - reads).as("seed %d", seed).isLessThan(20);
    }

    @Test
    void noChangesGiveTheSameTree() {
        MerkleTree tree = fixture.bulk(some(100, 10));
        assertThat(tree.apply(List.<Change>of().iterator())).isSameAs(tree);
        byte[] key = TreeFixture.content(tree).get(50).key();
        MerkleTree same = tree.apply(List.of(new Change(key, tree.get(key))).iterator());
        assertThat(same.root()).isEqualTo(tree.root());
    }

    @Test
    void refusesWhatItCannotKeep() {
        MerkleTree empty = MerkleTree.empty(fixture.context);
        byte[] ok = key("k");
        assertThatThrownBy(
                        () -> empty.apply(List.of(new Change(new byte[0], ok)).iterator()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(
                        () -> empty.apply(List.of(new Change(new byte[513], ok)).iterator()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() ->
                        empty.apply(List.of(new Change(ok, new byte[4097])).iterator()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> empty.apply(List.of(new Change(key("b"), ok), new Change(key("a"), ok))
                        .iterator()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> empty.apply(List.of(new Change(key("b"), ok), new Change(key("b"), ok))
                        .iterator()))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theCursorHasNoEntryBeforeTheFirstAndBehindTheLast() {
        TreeCursor cursor = fixture.bulk(some(1, 3)).seek(new byte[0]);
        assertThatThrownBy(cursor::key).isInstanceOf(IllegalStateException.class);
        assertThat(cursor.next()).isTrue();
        assertThat(cursor.next()).isFalse();
        assertThat(cursor.next()).isFalse();
        assertThatThrownBy(cursor::value).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void walkNamesEveryNodeOnceAndSkipsWhatIsKnown() {
        MerkleTree tree = fixture.bulk(some(20_000, 30));
        Set<BlockRef> seen = new HashSet<>();
        tree.walk((ref, height) -> {
            assertThat(seen.add(ref)).isTrue();
            return true;
        });
        assertThat(seen).hasSizeGreaterThan(100);
        MerkleTree next = tree.apply(List.of(new Change(key("zz"), key("v"))).iterator());
        List<BlockRef> fresh = new ArrayList<>();
        next.walk((ref, height) -> {
            boolean isNew = seen.add(ref);
            if (isNew) {
                fresh.add(ref);
            }
            return isNew;
        });
        assertThat(fresh).hasSizeBetween(1, 12);
        long[] entries = {0};
        next.walk(new NodeVisitor() {
            @Override
            public boolean node(BlockRef ref, int height) {
                return true;
            }

            @Override
            public boolean wantsEntries() {
                return true;
            }

            @Override
            public void entry(byte[] key, byte[] value) {
                entries[0]++;
            }
        });
        assertThat(entries[0]).isEqualTo(next.size());
    }

    @Test
    void readersOnOtherThreadsSeeTheirOwnVersion() throws Exception {
        NavigableMap<byte[], byte[]> model = some(3000, 30);
        MerkleTree tree = fixture.bulk(model);
        List<Throwable> failures = new java.util.concurrent.CopyOnWriteArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            Thread thread = new Thread(() -> assertSame(tree, model));
            thread.setUncaughtExceptionHandler((x, e) -> failures.add(e));
            threads.add(thread);
            thread.start();
        }
        MerkleTree other = tree;
        for (int i = 0; i < 200; i++) {
            other = other.apply(
                    List.of(new Change(bytes(random, 9), new byte[9])).iterator());
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        assertThat(other.size()).isEqualTo(3200);
    }

    @Test
    void theCacheStaysWithinItsBound() {
        TreeContext small = new TreeContext(fixture.blocks, fixture.context.levels(), new NodeCache(200_000));
        MerkleTree tree = MerkleTree.open(small, fixture.bulk(some(20_000, 50)).root());
        assertThat(TreeFixture.content(tree)).hasSize(20_000);
        assertThat(small.cache().bytes()).isBetween(1L, 200_000L);
    }

    private NavigableMap<byte[], byte[]> some(int n, int valueLength) {
        System.out.println("seed " + seed);
        NavigableMap<byte[], byte[]> model = model();
        while (model.size() < n) {
            model.put(bytes(random, 16), bytes(random, valueLength));
        }
        return model;
    }

    private static byte[] key(String s) {
        return s.getBytes(StandardCharsets.UTF_8);
    }
}
