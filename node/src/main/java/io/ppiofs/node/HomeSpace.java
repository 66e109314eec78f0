package io.ppiofs.node;

import io.ppiofs.blockstore.space.SpaceBudget;
import io.ppiofs.fs.core.SpaceAccount;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * The room on the disk of a home as the volumes see it: reservations come out of the store's budget; when it refuses,
 * garbage is collected first, once for all who wait, and only then is the disk called full.
 */
final class HomeSpace implements SpaceAccount {
    /** With no garbage known, a collection that just ran is not repeated for every refused write. */
    private static final long RETRY_NANOS = 2_000_000_000L;

    private final SpaceBudget budget;
    private final Runnable collect;
    private final LongSupplier garbage;
    private final ReentrantLock collecting = new ReentrantLock();
    private long lastCollection = System.nanoTime() - RETRY_NANOS;

    /**
     * @param collect frees what nothing reaches; logs if it cannot. Called without locks of the core.
     * @param garbage what was dropped since the last collection, 0 if nothing was
     */
    HomeSpace(SpaceBudget budget, Runnable collect, LongSupplier garbage) {
        this.budget = budget;
        this.collect = collect;
        this.garbage = garbage;
    }

    @Override
    public void reserve(long bytes) {
        if (budget.tryReserve(bytes)) {
            return;
        }
        collectOnce();
        budget.reserve(bytes);
    }

    private void collectOnce() {
        if (collecting.isHeldByCurrentThread()) {
            return;
        }
        collecting.lock();
        try {
            if (garbage.getAsLong() == 0 && System.nanoTime() - lastCollection < RETRY_NANOS) {
                return;
            }
            try {
                collect.run();
            } finally {
                lastCollection = System.nanoTime();
            }
        } finally {
            collecting.unlock();
        }
    }

    @Override
    public void charge(long bytes) {
        budget.charge(bytes);
    }

    @Override
    public void release(long bytes) {
        budget.release(bytes);
    }

    @Override
    public boolean relieve() {
        return budget.dropBallast();
    }

    @Override
    public long totalBytes() {
        return budget.total();
    }

    @Override
    public long availableBytes() {
        return budget.available();
    }
}
