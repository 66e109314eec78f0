package io.ppiofs.fs.core;

import io.ppiofs.blockstore.gc.MarkSet;
import io.ppiofs.blockstore.gc.SweepResult;
import io.ppiofs.blockstore.gc.Sweepable;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Collects blocks that no volume of a home needs any more: checkpoints every volume, opens a write epoch while none of
 * them is between a block and its place, marks, sweeps. Every volume that has blocks in the store must be given, or its
 * blocks go; the caller answers for that. Writers go on meanwhile. One collection runs at a time.
 */
public final class GarbageCollector {
    private static final long PATIENCE_SECONDS = 20;

    private final Sweepable store;
    private final ReentrantLock collecting = new ReentrantLock();

    /** @param marked blocks in use */
    public record Report(long marked, SweepResult swept) {}

    public GarbageCollector(Sweepable store) {
        this.store = store;
    }

    /**
     * @param volumes all open volumes with blocks in the store
     * @throws io.ppiofs.error.PpiofsException CORRUPT if a volume cannot be marked completely: then nothing is swept
     */
    public Report collect(List<VolumeFileSystem> volumes) {
        collecting.lock();
        try {
            return locked(volumes, 0);
        } finally {
            collecting.unlock();
        }
    }

    /** Waits for checks of the volumes, but not for ever: somebody on a full disk may wait for this. */
    private Report locked(List<VolumeFileSystem> volumes, int from) {
        if (from == volumes.size()) {
            return markAndSweep(volumes);
        }
        ReentrantLock maintenance = volumes.get(from).engine().maintenance();
        try {
            if (!maintenance.tryLock(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new PpiofsException(
                        ErrorKind.BUSY, "collect", "garbage", "a check of a volume is under way; try again after it");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "collect", "garbage", "interrupted", e);
        }
        try {
            return locked(volumes, from + 1);
        } finally {
            maintenance.unlock();
        }
    }

    private Report markAndSweep(List<VolumeFileSystem> volumes) {
        for (VolumeFileSystem v : volumes) {
            v.engine().awaitBackground();
            v.checkpoint();
            v.engine().takeGarbageBytes();
        }
        long epoch = beginMark(volumes, 0);
        MarkSet live = new MarkSet(1 << 16);
        for (VolumeFileSystem v : volumes) {
            v.engine().mark(ref -> live.add(ref.cid()));
        }
        // what dropped a block since the last checkpoint must be durable before the block goes: replay would need it
        for (VolumeFileSystem v : volumes) {
            v.engine().commitJournal();
        }
        return new Report(live.size(), store.sweep(live, epoch));
    }

    /** Opens the epoch with all volumes quiet at once. */
    private long beginMark(List<VolumeFileSystem> volumes, int from) {
        if (from == volumes.size()) {
            return store.beginMark();
        }
        long[] epoch = new long[1];
        volumes.get(from).engine().quiesced(() -> epoch[0] = beginMark(volumes, from + 1));
        return epoch[0];
    }
}
