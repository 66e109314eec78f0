package io.ppiofs.blockstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.gc.MarkSet;
import io.ppiofs.blockstore.gc.SweepResult;
import io.ppiofs.blockstore.gc.Sweepable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every {@link BlockStore} must do; a subclass per implementation says how one is made. */
public abstract class BlockStoreContractTest {
    protected final Random random = new Random(20261120);
    protected BlockStore store;

    /** A new, empty store. */
    protected abstract BlockStore newStore() throws Exception;

    @BeforeEach
    void makeStore() throws Exception {
        store = newStore();
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    protected final StoredBlock block(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return new StoredBlock(Cid.of(ByteBuffer.wrap(bytes)), ByteBuffer.wrap(bytes));
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    @Test
    void whatIsPutIsThere() {
        List<StoredBlock> blocks = new ArrayList<>();
        for (int length : new int[] {1, 40, 4096, 4352, 100_000, 1 << 20, 4 << 20}) {
            blocks.add(block(length));
        }
        store.put(blocks);
        List<Cid> cids = new ArrayList<>(blocks.stream().map(StoredBlock::cid).toList());
        cids.add(block(10).cid());
        assertThat(store.has(cids).cardinality()).isEqualTo(blocks.size());
        assertThat(store.has(cids).get(blocks.size())).isFalse();
        List<ByteBuffer> got = store.get(cids);
        for (int i = 0; i < blocks.size(); i++) {
            assertThat(bytes(got.get(i))).isEqualTo(bytes(blocks.get(i).bytes()));
            assertThat(store.length(cids.get(i))).isEqualTo(got.get(i).remaining());
        }
        assertThat(got.get(blocks.size())).isNull();
        assertThat(store.length(cids.get(blocks.size()))).isEqualTo(-1);
    }

    @Test
    void putKeepsNothingOfTheCallersBuffer() {
        StoredBlock block = block(5000);
        byte[] original = bytes(block.bytes());
        ByteBuffer given = ByteBuffer.allocate(6000).position(500);
        given.put(original).position(500).limit(5500);
        store.put(List.of(new StoredBlock(block.cid(), given)));
        given.clear();
        while (given.hasRemaining()) {
            given.put((byte) 0);
        }
        assertThat(bytes(store.get(List.of(block.cid())).get(0))).isEqualTo(original);
    }

    @Test
    void rangesEndAtTheBlocksEnd() {
        StoredBlock block = block(10_000);
        byte[] all = bytes(block.bytes());
        store.put(List.of(block));
        for (int round = 0; round < 2; round++) {
            for (int offset : new int[] {0, 1, 4095, 9_999, 10_000, 20_000}) {
                for (int length : new int[] {0, 1, 4096, 12_000}) {
                    ByteBuffer dst = ByteBuffer.allocate(length);
                    int expected = Math.max(0, Math.min(length, 10_000 - offset));
                    assertThat(store.read(block.cid(), offset, dst)).isEqualTo(expected);
                    assertThat(dst.position()).isEqualTo(expected);
                    for (int i = 0; i < expected; i++) {
                        assertThat(dst.get(i)).isEqualTo(all[offset + i]);
                    }
                }
            }
            store.sync();
        }
        assertThat(store.read(block(3).cid(), 0, ByteBuffer.allocate(3))).isEqualTo(-1);
        assertThatThrownBy(() -> store.read(block.cid(), -1, ByteBuffer.allocate(3)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void deletedBlocksAreGoneAndCanComeBack() {
        StoredBlock block = block(777);
        StoredBlock other = block(888);
        store.put(List.of(block, other));
        store.delete(List.of(block.cid(), block(5).cid()));
        assertThat(store.has(List.of(block.cid(), other.cid()))).isEqualTo(BitSet.valueOf(new long[] {2}));
        assertThat(store.read(block.cid(), 0, ByteBuffer.allocate(1))).isEqualTo(-1);
        store.put(List.of(block));
        assertThat(bytes(store.get(List.of(block.cid())).get(0))).isEqualTo(bytes(block.bytes()));
    }

    @Test
    void manyThreadsPutAndReadTheSameBlocks() throws Exception {
        List<StoredBlock> blocks = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            blocks.add(block(1 + random.nextInt(20_000)));
        }
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                int seed = t;
                running.add(threads.submit(() -> {
                    Random order = new Random(seed);
                    for (int i = 0; i < 1000; i++) {
                        StoredBlock block = blocks.get(order.nextInt(blocks.size()));
                        store.put(List.of(
                                new StoredBlock(block.cid(), block.bytes().duplicate())));
                        ByteBuffer found = store.get(List.of(block.cid())).get(0);
                        assertThat(bytes(found)).isEqualTo(bytes(block.bytes()));
                        if (i % 100 == 0) {
                            store.sync();
                        }
                    }
                    return null;
                }));
            }
            for (Future<?> f : running) {
                f.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private Sweepable sweepable() {
        Assumptions.assumeTrue(store instanceof Sweepable, "this store does not collect garbage");
        return (Sweepable) store;
    }

    @Test
    void aSweepDropsWhatIsNeitherMarkedNorNew() {
        Sweepable gc = sweepable();
        StoredBlock live = block(3000);
        StoredBlock dead = block(4000);
        StoredBlock deadButWrittenAgain = block(5000);
        store.put(List.of(live, dead, deadButWrittenAgain));
        long mark = gc.beginMark();
        StoredBlock fresh = block(6000);
        store.put(List.of(fresh, deadButWrittenAgain));
        MarkSet marks = new MarkSet(10);
        marks.add(live.cid());
        SweepResult result = gc.sweep(marks, mark);
        assertThat(result.blocks()).isEqualTo(1);
        assertThat(result.bytes()).isEqualTo(4000);
        List<Cid> cids = List.of(live.cid(), dead.cid(), deadButWrittenAgain.cid(), fresh.cid());
        BitSet here = store.has(cids);
        assertThat(here).isEqualTo(BitSet.valueOf(new long[] {0b1101}));
        assertThat(bytes(store.get(cids).get(0))).isEqualTo(bytes(live.bytes()));
        gc.sweep(marks, gc.beginMark());
        assertThat(store.has(cids)).isEqualTo(BitSet.valueOf(new long[] {1}));
    }

    @Test
    void sweepsAndWritersRunTogether() throws Exception {
        Sweepable gc = sweepable();
        Map<Cid, StoredBlock> kept = new HashMap<>();
        MarkSet marks = new MarkSet(100);
        List<StoredBlock> shared = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            shared.add(block(2000 + random.nextInt(30_000)));
        }
        for (int i = 0; i < 100; i++) {
            StoredBlock block = block(2000 + random.nextInt(30_000));
            kept.put(block.cid(), block);
            marks.add(block.cid());
        }
        store.put(List.copyOf(kept.values()));
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            for (int round = 0; round < 15; round++) {
                long mark = gc.beginMark();
                int seed = round;
                Future<List<StoredBlock>> writer = threads.submit(() -> {
                    Random order = new Random(seed);
                    List<StoredBlock> written = new ArrayList<>();
                    for (int i = 0; i < 100; i++) {
                        StoredBlock block = shared.get(order.nextInt(shared.size()));
                        store.put(List.of(
                                new StoredBlock(block.cid(), block.bytes().duplicate())));
                        written.add(block);
                    }
                    return written;
                });
                gc.sweep(marks, mark);
                for (StoredBlock block : writer.get()) {
                    assertThat(bytes(store.get(List.of(block.cid())).get(0)))
                            .as("round %d", round)
                            .isEqualTo(bytes(block.bytes()));
                }
                for (StoredBlock block : kept.values()) {
                    assertThat(bytes(store.get(List.of(block.cid())).get(0))).isEqualTo(bytes(block.bytes()));
                }
            }
        } finally {
            threads.shutdownNow();
        }
    }
}
