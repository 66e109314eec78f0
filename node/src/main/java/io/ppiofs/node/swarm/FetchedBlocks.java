package io.ppiofs.node.swarm;

import io.netty.util.concurrent.DefaultThreadFactory;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Blocks that came from peers, on their way into the local store: who reads does not wait for the disk. A block is readable
 * here until it is readable there. What the disk is slower than is written by who fetches it, so memory is bounded. A disk
 * that takes nothing costs only that the block is fetched again. Thread-safe.
 */
final class FetchedBlocks implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FetchedBlocks.class);

    /** What may wait for the disk, in bytes of stored forms: a quarter second of a disk's work. */
    static final long MOST_WAITING = 16 << 20;

    /** What goes to the store in one call. */
    private static final int MOST_AT_ONCE = 16;

    private final String name;
    private final Consumer<List<StoredBlock>> store;
    private final ThreadPoolExecutor thread;
    /** In the order of their coming; guarded by this. */
    private final Map<Cid, ByteBuffer> waiting = new LinkedHashMap<>();

    private long bytes; // guarded by this
    private boolean failing; // guarded by this

    /**
     * @param name of the volume, for the log
     * @param store writes blocks into the local store; may throw {@link PpiofsException}
     */
    FetchedBlocks(String name, Consumer<List<StoredBlock>> store) {
        this.name = name;
        this.store = store;
        this.thread = new ThreadPoolExecutor(
                1,
                1,
                5,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                new DefaultThreadFactory("keep-" + name, true),
                new ThreadPoolExecutor.DiscardPolicy()); // after close: nobody reads the volume any more
        thread.allowCoreThreadTimeOut(true);
    }

    /** Takes blocks over; their bytes must not change any more. */
    void add(Map<Cid, ByteBuffer> fetched) {
        List<StoredBlock> own = new ArrayList<>();
        boolean wakes = false;
        synchronized (this) {
            for (Map.Entry<Cid, ByteBuffer> block : fetched.entrySet()) {
                ByteBuffer stored = block.getValue().duplicate();
                if (bytes + stored.remaining() > MOST_WAITING) {
                    own.add(new StoredBlock(block.getKey(), stored));
                } else if (waiting.putIfAbsent(block.getKey(), stored) == null) {
                    bytes += stored.remaining();
                    wakes = true;
                }
            }
        }
        if (wakes) {
            thread.execute(this::write);
        }
        if (!own.isEmpty()) {
            store(own);
        }
    }

    /** The stored form of a block that waits, at its start, for this caller; null if it does not wait. */
    synchronized @Nullable ByteBuffer get(Cid cid) {
        ByteBuffer bytes = waiting.get(cid);
        return bytes == null ? null : bytes.duplicate();
    }

    private void write() {
        List<StoredBlock> next = next();
        while (!next.isEmpty()) {
            try {
                store(next);
            } finally {
                done(next);
            }
            next = next();
        }
    }

    private synchronized void done(List<StoredBlock> blocks) {
        for (StoredBlock block : blocks) {
            ByteBuffer stored = waiting.remove(block.cid());
            if (stored != null) {
                bytes -= stored.remaining();
            }
        }
    }

    private synchronized List<StoredBlock> next() {
        List<StoredBlock> next = new ArrayList<>();
        Iterator<Map.Entry<Cid, ByteBuffer>> blocks = waiting.entrySet().iterator();
        while (blocks.hasNext() && next.size() < MOST_AT_ONCE) {
            Map.Entry<Cid, ByteBuffer> block = blocks.next();
            next.add(new StoredBlock(block.getKey(), block.getValue().duplicate()));
        }
        return next;
    }

    private void store(List<StoredBlock> blocks) {
        try {
            store.accept(blocks);
            failed(null);
        } catch (PpiofsException e) {
            failed(e);
        }
    }

    private synchronized void failed(@Nullable PpiofsException e) {
        if (e != null && !failing) {
            LOG.warn("volume {}: what peers send is not kept here: {}", name, e.getMessage());
        }
        failing = e != null;
    }

    /** Writes what waits, for some seconds at most. Nobody adds or reads any more. */
    @Override
    public void close() {
        thread.shutdown();
        boolean interrupted = false;
        try {
            if (!thread.awaitTermination(10, TimeUnit.SECONDS)) {
                LOG.warn("volume {}: the disk does not take what peers sent; it will be fetched again", name);
            }
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
