package io.ppiofs.overlay.blocks;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Blocks in memory, with handles for tests: what is read can be held up, what is put can be refused. */
public final class MemoryBlockHost implements BlockHost {
    /** Called before a piece is read, by a disk thread. */
    public interface ReadGate {
        void beforeRead(Cid cid, int offset);
    }

    public final Map<Cid, ByteBuffer> blocks = new ConcurrentHashMap<>();
    public final Map<Cid, Verdict> verdicts = new ConcurrentHashMap<>();
    public final List<Cid> opened = new CopyOnWriteArrayList<>();
    public final List<SlotAddress> slots = new CopyOnWriteArrayList<>();
    public final List<Receipt> receipts = new CopyOnWriteArrayList<>();
    public final AtomicInteger flushes = new AtomicInteger();
    public final AtomicInteger openSources = new AtomicInteger();
    public volatile ReadGate gate = (cid, offset) -> {};
    public volatile Runnable beforeFlush = () -> {};

    /** Random blocks, the same for the same seed. */
    public static List<StoredBlock> random(long seed, int count, int length) {
        Random random = new Random(seed);
        List<StoredBlock> made = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            made.add(new StoredBlock(Cid.of(ByteBuffer.wrap(bytes)), ByteBuffer.wrap(bytes)));
        }
        return made;
    }

    public static List<Cid> cids(List<StoredBlock> blocks) {
        return blocks.stream().map(StoredBlock::cid).toList();
    }

    public MemoryBlockHost with(List<StoredBlock> some) {
        some.forEach(block -> blocks.put(block.cid(), block.bytes()));
        return this;
    }

    @Override
    public BitSet has(PeerId asker, List<Cid> cids) {
        BitSet there = new BitSet();
        for (int i = 0; i < cids.size(); i++) {
            there.set(i, blocks.containsKey(cids.get(i)));
        }
        return there;
    }

    @Override
    public @Nullable BlockSource open(PeerId asker, Cid cid) {
        opened.add(cid);
        ByteBuffer bytes = blocks.get(cid);
        if (bytes == null) {
            return null;
        }
        openSources.incrementAndGet();
        return new BlockSource() {
            @Override
            public int length() {
                return bytes.remaining();
            }

            @Override
            public void read(int offset, ByteBuffer into) {
                gate.beforeRead(cid, offset);
                into.put(bytes.slice(offset, into.remaining()));
            }

            @Override
            public void close() {
                openSources.decrementAndGet();
            }
        };
    }

    @Override
    public @Nullable Verdict admit(PeerId asker, PeerId tenant, SlotAddress slot, Cid cid, int length) {
        return blocks.containsKey(cid) ? Verdict.STORED : verdicts.get(cid);
    }

    @Override
    public Verdict store(PeerId asker, PeerId tenant, SlotAddress slot, Cid cid, ByteBuffer bytes) {
        slots.add(slot);
        blocks.put(cid, ByteBuffer.allocate(bytes.remaining()).put(bytes).flip());
        return Verdict.STORED;
    }

    @Override
    public void durable() {
        beforeFlush.run();
        flushes.incrementAndGet();
    }

    @Override
    public void receipt(PeerId asker, Receipt receipt) {
        receipts.add(receipt);
    }
}
