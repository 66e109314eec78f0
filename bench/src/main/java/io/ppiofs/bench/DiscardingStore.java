package io.ppiofs.bench;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Counts what it is given and keeps nothing, so that only the sealing is measured. */
public final class DiscardingStore implements BlockStore {
    private final LongAdder bytes = new LongAdder();

    /** Stored bytes given so far. */
    public long bytes() {
        return bytes.sum();
    }

    @Override
    public void put(List<StoredBlock> blocks) {
        blocks.forEach(block -> bytes.add(block.bytes().remaining()));
    }

    @Override
    public BitSet has(List<Cid> cids) {
        return new BitSet();
    }

    @Override
    public List<@Nullable ByteBuffer> get(List<Cid> cids) {
        return Collections.nCopies(cids.size(), null);
    }

    @Override
    public int read(Cid cid, long offset, ByteBuffer dst) {
        return -1;
    }

    @Override
    public long length(Cid cid) {
        return -1;
    }

    @Override
    public void delete(Collection<Cid> cids) {}

    @Override
    public void sync() {}

    @Override
    public void close() {}
}
