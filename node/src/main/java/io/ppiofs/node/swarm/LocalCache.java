package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.gc.Sweepable;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.placement.Inventory;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a volume's part of the local store below a limit: a hand goes round the volume's groups and drops what was not used
 * since it came by last (CLOCK, which is nearly LRU for a bit per block), down to seven eighths of the limit. Only blocks go
 * whose copies are known to be on peers; what is not safe elsewhere stays, above the limit if it must. Eviction is a sweep of
 * the store, so a block that is written meanwhile stays, and killing the process loses nothing. Thread-safe.
 */
final class LocalCache implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LocalCache.class);

    /** Bits that say what was used; two blocks may share one, then both stay a round longer. */
    private static final int BITS = 1 << 22;

    /** Names that are taken out in one sweep. */
    private static final int MOST_VICTIMS = 1 << 18;

    /** What could not be dropped may be safe a little later. */
    private static final Duration AGAIN = Duration.ofSeconds(1);

    /** How many of a group's entries, from the first, are on all the peers that should have them. */
    @FunctionalInterface
    interface Safety {
        int safeEntries(Group group);
    }

    private final String name;
    private final BlockStore local;
    private final Sweepable store;
    private final GroupBook book;
    private final Backlog backlog;
    private final Safety safety;
    private final long limit;
    private final AtomicLongArray used = new AtomicLongArray(BITS / Long.SIZE);
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong evicted = new AtomicLong();
    private final Thread thread;
    private boolean closed;
    private long handGroup;

    /**
     * @param local also a {@link Sweepable}
     * @param backlog what is not on peers yet, which counts and stays; an empty one for a volume that is only read
     */
    <S extends BlockStore & Sweepable> LocalCache(
            String name, S local, GroupBook book, Backlog backlog, Safety safety, long limit) {
        this.name = name;
        this.local = local;
        this.store = local;
        this.book = book;
        this.backlog = backlog;
        this.safety = safety;
        this.limit = limit;
        this.thread = new Thread(this::run, "cache-" + name);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** A block is read, or has come. */
    void touch(Cid cid) {
        int bit = bit(cid);
        long mask = 1L << bit;
        if ((used.get(bit / Long.SIZE) & mask) == 0) {
            used.accumulateAndGet(bit / Long.SIZE, mask, (a, b) -> a | b);
        }
    }

    private static int bit(Cid cid) {
        return (int) (cid.word(2) >>> 8) & BITS - 1;
    }

    private boolean takeTouch(Cid cid) {
        int bit = bit(cid);
        long mask = 1L << bit;
        return (used.getAndUpdate(bit / Long.SIZE, word -> word & ~mask) & mask) != 0;
    }

    /** So many stored bytes of the volume have come into the local store. */
    void added(long more) {
        if (bytes.addAndGet(more) > limit) {
            synchronized (this) {
                notifyAll();
            }
        }
    }

    /** Stored bytes of the volume in the local store, nearly. */
    long bytes() {
        return bytes.get();
    }

    long limit() {
        return limit;
    }

    /** Stored bytes that were dropped since the start. */
    long evicted() {
        return evicted.get();
    }

    // ---- the thread

    private void run() {
        try {
            count();
            while (awaitExcess()) {
                try {
                    evict();
                } catch (PpiofsException e) {
                    LOG.warn("volume {}: the local store cannot be made smaller: {}", name, e.getMessage());
                }
                pause();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized boolean awaitExcess() throws InterruptedException {
        while (!closed && bytes.get() <= limit) {
            wait();
        }
        return !closed;
    }

    private synchronized void pause() throws InterruptedException {
        long end = System.nanoTime() + AGAIN.toNanos();
        long left = AGAIN.toMillis();
        while (!closed && left > 0) {
            wait(left);
            left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        }
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    /** What is here of what the book names, and of the backlog. */
    private void count() {
        long before = bytes.get();
        long here = 0;
        for (Group group : book.read()) {
            for (Inventory.Entry entry : book.entries(group)) {
                if (isClosed()) {
                    return;
                }
                here += Math.max(0, local.length(entry.cid()));
            }
        }
        for (Cid cid : backlog.all()) {
            here += Math.max(0, local.length(cid));
        }
        // what came meanwhile may be counted twice; the next count knows better
        bytes.addAndGet(here - before);
    }

    private void evict() {
        count();
        long excess = bytes.get() - limit / 8 * 7;
        if (bytes.get() <= limit) {
            return;
        }
        long epoch = store.beginMark();
        Set<Cid> victims = victims(excess);
        if (!victims.isEmpty()) {
            long dropped = store.sweep(cid -> !victims.contains(cid), epoch).bytes();
            bytes.addAndGet(-dropped);
            evicted.addAndGet(dropped);
            LOG.debug("volume {}: dropped {} blocks, {} bytes, from the local store", name, victims.size(), dropped);
        }
    }

    /** Chosen group by group from the hand on, at most twice round: the first time takes second chances away. */
    private Set<Cid> victims(long excess) {
        List<Group> groups = book.current();
        Set<Cid> victims = new HashSet<>();
        long chosen = 0;
        for (int i = 0; i < 2 * groups.size() && !isClosed(); i++) {
            Group group = groups.get((int) (handGroup % groups.size()));
            int safe = safety.safeEntries(group);
            List<Inventory.Entry> entries = book.entries(group);
            for (Inventory.Entry entry : entries.subList(0, Math.min(safe, entries.size()))) {
                if (chosen >= excess || victims.size() >= MOST_VICTIMS) {
                    return victims; // the hand stays at this group: what is left of it is next
                }
                long length = entry.isEmpty() ? -1 : local.length(entry.cid());
                if (length >= 0 && !takeTouch(entry.cid()) && victims.add(entry.cid())) {
                    chosen += length;
                }
            }
            handGroup++;
        }
        return victims;
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
