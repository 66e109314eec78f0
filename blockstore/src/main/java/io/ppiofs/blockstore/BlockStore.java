package io.ppiofs.blockstore;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps stored forms by name. It has no key and never sees plaintext. Implementations: memory, local segments, later
 * the network; {@code BlockStoreContractTest} is the contract in code. Thread-safe; calls are batches because a
 * network round trip or an index probe is shared by the batch.
 */
public interface BlockStore extends Closeable {
    /** A stored form and its name. {@code bytes} is read from position to limit and not kept after the call. */
    record StoredBlock(Cid cid, ByteBuffer bytes) {}

    /**
     * Stores each block that is not here yet; a block that is here counts as written again (garbage collection sees a
     * fresh write). The caller vouches that {@code cid} names {@code bytes}.
     */
    void put(List<StoredBlock> blocks);

    /**
     * {@link #put} of what will hardly be read soon: a store on disk need not fill the page cache with it. The bytes are as
     * durable and as visible.
     */
    default void putCold(List<StoredBlock> blocks) {
        put(blocks);
    }

    /** Bit i is set where {@code cids.get(i)} is here. */
    BitSet has(List<Cid> cids);

    /** Whole stored forms in order, each checked against its CID; null where the block is not here. */
    List<@Nullable ByteBuffer> get(List<Cid> cids);

    /**
     * Reads stored bytes from {@code offset} into {@code dst} without checking the CID (frame tags protect them).
     *
     * @return bytes read, fewer than asked only at the block's end; -1 if the block is not here
     */
    int read(Cid cid, long offset, ByteBuffer dst);

    /** Bytes of the stored form, or -1 if the block is not here. */
    long length(Cid cid);

    /**
     * How many bytes ahead of a reader that goes through a file in order this store wants to be told of what comes next; 0 where it
     * makes no difference, as on a local disk. Changes with time; cheap enough to be asked at each read.
     */
    default int readAhead() {
        return 0;
    }

    /**
     * These blocks will probably be read soon, in this order. A hint: returns at once, and nothing fails.
     *
     * @param reader tells readers apart; the number of a file will do
     * @param anew what was expected of this reader before is not expected any more, as after a seek
     */
    default void expect(long reader, List<Cid> next, boolean anew) {}

    /** Forgets the blocks; a name that is not here is no error. Space comes back at once or with compaction. */
    void delete(Collection<Cid> cids);

    /** Makes every put and delete that returned before this call survive kill -9 and power loss; calls share one flush. */
    void sync();

    @Override
    void close();
}
