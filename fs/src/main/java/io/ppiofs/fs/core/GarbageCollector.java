package io.ppiofs.fs.core;

import io.ppiofs.blockstore.gc.LiveSet;
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

    /** Hears how far a collection is, once per block; called by the thread that collects. */
    public interface Stages {
        /** For who does not want to know. */
        Stages SILENT = new Stages() {
            @Override
            public void marked(long blocks) {
                // silent
            }

            @Override
            public void examined(long blocks) {
                // silent
            }
        };

        /** @param blocks found live so far */
        void marked(long blocks);

        /** @param blocks of the store looked at so far, to keep or to drop */
        void examined(long blocks);
    }

    /** Others beside the store that drop what a mark does not find. Called by the thread that collects. */
    public interface Also {
        /** For a store that is all there is. */
        Also NOBODY = new Also() {
            @Override
            public void markBegins() {
                // nobody
            }

            @Override
            public void marked(LiveSet live) {
                // nobody
            }
        };

        /** The epoch has just been opened; all volumes are quiet, so this must return soon. */
        void markBegins();

        /**
         * All volumes have been marked. A checkpoint of them after this call's begin no longer reaches what was not found.
         *
         * @param live does not change any more; may be kept
         */
        void marked(LiveSet live);
    }

    public GarbageCollector(Sweepable store) {
        this.store = store;
    }

    /**
     * @param volumes all open volumes with blocks in the store
     * @param also hears of the mark
     * @throws io.ppiofs.error.PpiofsException CORRUPT if a volume cannot be marked completely: then nothing is swept
     */
    public Report collect(List<VolumeFileSystem> volumes, Also also, Stages stages) {
        collecting.lock();
        try {
            return locked(volumes, 0, also, stages);
        } finally {
            collecting.unlock();
        }
    }

    /** Waits for checks of the volumes, but not for ever: somebody on a full disk may wait for this. */
    private Report locked(List<VolumeFileSystem> volumes, int from, Also also, Stages stages) {
        if (from == volumes.size()) {
            return markAndSweep(volumes, also, stages);
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
            return locked(volumes, from + 1, also, stages);
        } finally {
            maintenance.unlock();
        }
    }

    private Report markAndSweep(List<VolumeFileSystem> volumes, Also also, Stages stages) {
        for (VolumeFileSystem v : volumes) {
            v.engine().awaitBackground();
            v.checkpoint();
            v.engine().takeGarbageBytes();
        }
        long epoch = beginMark(volumes, 0, also);
        MarkSet live = new MarkSet(1 << 16);
        for (VolumeFileSystem v : volumes) {
            v.engine().mark(ref -> {
                if (live.add(ref.cid())) {
                    stages.marked(live.size());
                }
            });
        }
        // what dropped a block since the last checkpoint must be durable before the block goes: replay would need it
        for (VolumeFileSystem v : volumes) {
            v.engine().commitJournal();
        }
        also.marked(live);
        long[] examined = new long[1];
        LiveSet counted = cid -> {
            stages.examined(++examined[0]);
            return live.contains(cid);
        };
        return new Report(live.size(), store.sweep(counted, epoch));
    }

    /** Opens the epoch with all volumes quiet at once. */
    private long beginMark(List<VolumeFileSystem> volumes, int from, Also also) {
        if (from == volumes.size()) {
            also.markBegins();
            return store.beginMark();
        }
        long[] epoch = new long[1];
        volumes.get(from).engine().quiesced(() -> epoch[0] = beginMark(volumes, from + 1, also));
        return epoch[0];
    }
}
