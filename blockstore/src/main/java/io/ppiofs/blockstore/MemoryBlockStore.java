package io.ppiofs.blockstore;

import io.ppiofs.blockstore.gc.LiveSet;
import io.ppiofs.blockstore.gc.SweepResult;
import io.ppiofs.blockstore.gc.Sweepable;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/** Blocks in the heap: for tests and as the model of the contract. Forgets everything when dropped; sync does nothing. */
public final class MemoryBlockStore implements BlockStore, Sweepable {
    private record Entry(byte[] bytes, long epoch) {}

    private final ConcurrentHashMap<Cid, Entry> blocks = new ConcurrentHashMap<>();
    private final AtomicLong epoch = new AtomicLong(1);
    private final ReentrantReadWriteLock marking = new ReentrantReadWriteLock();

    @Override
    public void put(List<StoredBlock> batch) {
        marking.readLock().lock();
        try {
            for (StoredBlock block : batch) {
                blocks.compute(block.cid(), (cid, old) -> {
                    if (old != null) {
                        return new Entry(old.bytes, epoch.get());
                    }
                    byte[] copy = new byte[block.bytes().remaining()];
                    block.bytes().duplicate().get(copy);
                    return new Entry(copy, epoch.get());
                });
            }
        } finally {
            marking.readLock().unlock();
        }
    }

    @Override
    public BitSet has(List<Cid> cids) {
        BitSet here = new BitSet(cids.size());
        for (int i = 0; i < cids.size(); i++) {
            here.set(i, blocks.containsKey(cids.get(i)));
        }
        return here;
    }

    @Override
    public List<@Nullable ByteBuffer> get(List<Cid> cids) {
        List<@Nullable ByteBuffer> found = new ArrayList<>(cids.size());
        for (Cid cid : cids) {
            Entry entry = blocks.get(cid);
            if (entry == null) {
                found.add(null);
                continue;
            }
            ByteBuffer bytes = ByteBuffer.wrap(entry.bytes).asReadOnlyBuffer();
            if (!Cid.of(bytes).equals(cid)) {
                throw new PpiofsException(
                        ErrorKind.CORRUPT, "get block", cid.toString(), "its bytes do not have this name");
            }
            found.add(bytes);
        }
        return found;
    }

    @Override
    public int read(Cid cid, long offset, ByteBuffer dst) {
        Entry entry = blocks.get(cid);
        if (entry == null) {
            return -1;
        }
        if (offset < 0) {
            throw new IllegalArgumentException("offset " + offset);
        }
        int from = (int) Math.min(offset, entry.bytes.length);
        int n = Math.min(dst.remaining(), entry.bytes.length - from);
        dst.put(entry.bytes, from, n);
        return n;
    }

    @Override
    public long length(Cid cid) {
        Entry entry = blocks.get(cid);
        return entry == null ? -1 : entry.bytes.length;
    }

    @Override
    public void delete(Collection<Cid> cids) {
        cids.forEach(blocks::remove);
    }

    @Override
    public long beginMark() {
        // waits for the puts under way: one that returns after this call must not carry the old epoch
        marking.writeLock().lock();
        try {
            return epoch.incrementAndGet();
        } finally {
            marking.writeLock().unlock();
        }
    }

    @Override
    public synchronized SweepResult sweep(LiveSet live, long markEpoch) {
        long count = 0;
        long bytes = 0;
        for (Cid cid : blocks.keySet()) {
            if (live.contains(cid)) {
                continue;
            }
            Entry seen = blocks.get(cid);
            if (seen != null && seen.epoch < markEpoch && blocks.remove(cid, seen)) {
                count++;
                bytes += seen.bytes.length;
            }
        }
        return new SweepResult(count, bytes, 0, 0, 0);
    }

    /** Blocks held. */
    public int size() {
        return blocks.size();
    }

    /** Replaces the stored bytes of a block by others, so that tests can damage it. */
    public void replace(Cid cid, byte[] bytes) {
        blocks.put(cid, new Entry(bytes.clone(), epoch.get()));
    }

    @Override
    public void sync() {}

    @Override
    public void close() {}
}
