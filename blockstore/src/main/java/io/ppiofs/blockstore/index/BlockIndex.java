package io.ppiofs.blockstore.index;

import io.ppiofs.blockstore.Cid;
import java.io.Closeable;
import org.jspecify.annotations.Nullable;

/**
 * CID to location. Thread-safe; two calls about one CID are ordered by the caller (the store holds that CID's stripe
 * lock when it changes anything).
 */
public interface BlockIndex extends Closeable {
    @Nullable
    Location get(Cid cid);

    /** Inserts or replaces. @throws io.ppiofs.error.PpiofsException NO_SPACE if the index cannot grow */
    void put(Cid cid, Location location);

    void remove(Cid cid);

    /** Entries, exact when nobody writes. */
    long size();

    @Override
    void close();
}
