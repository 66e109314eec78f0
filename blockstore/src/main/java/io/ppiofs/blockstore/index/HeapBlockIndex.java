package io.ppiofs.blockstore.index;

import io.ppiofs.blockstore.Cid;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** An index in the heap, about 150 bytes an entry: the fallback, and the model in tests. */
public final class HeapBlockIndex implements BlockIndex {
    private final ConcurrentHashMap<Cid, Location> entries = new ConcurrentHashMap<>();

    @Override
    public @Nullable Location get(Cid cid) {
        return entries.get(cid);
    }

    @Override
    public void put(Cid cid, Location location) {
        entries.put(cid, location);
    }

    @Override
    public void remove(Cid cid) {
        entries.remove(cid);
    }

    @Override
    public long size() {
        return entries.size();
    }

    @Override
    public void close() {
        entries.clear();
    }
}
