package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Progress;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides when garbage is collected without being asked: when much has been dropped, or when little space is left and
 * anything has been dropped, so that a full disk can always be emptied by {@code rm}. Looks once a second; a look costs
 * a few counters.
 */
final class AutoCollect implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(AutoCollect.class);

    private static final long MUCH = 512L << 20;
    private static final long LITTLE_SPACE = 512L << 20;
    private static final long WORTH_IT_WHEN_FULL = 1 << 20;

    private final NodeServices services;
    private final Mounts mounts;
    /** What was known to be garbage when a collection was refused because a volume is locked. */
    private long refusedAt = -1;

    AutoCollect(NodeServices services, Mounts mounts) {
        this.services = services;
        this.mounts = mounts;
    }

    /** One look. Called by one thread. */
    @Override
    public void run() {
        try {
            StoreFacts store = services.store();
            if (store == null) {
                return;
            }
            Map<String, OpenVolume> open = mounts.open();
            long garbage = open.values().stream()
                    .mapToLong(v -> v.facts().garbageBytes())
                    .sum();
            if (isDue(store, garbage) && garbage != refusedAt) {
                collect(garbage);
            }
        } catch (RuntimeException e) {
            LOG.warn("collecting garbage failed", e);
        }
    }

    static boolean isDue(StoreFacts store, long garbage) {
        boolean scarce = store.availableBytes() < Math.min(LITTLE_SPACE, store.totalBytes() / 10);
        return garbage >= Math.max(MUCH, store.diskBytes() / 4) || (scarce && garbage >= WORTH_IT_WHEN_FULL);
    }

    private void collect(long garbage) {
        long start = System.nanoTime();
        try {
            GcReport report = services.gc(Progress.NONE);
            refusedAt = -1;
            LOG.info(
                    "collected garbage: {} blocks, {} bytes, in {} ms",
                    report.deletedBlocks(),
                    report.freedBytes(),
                    (System.nanoTime() - start) / 1_000_000);
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.WRONG_KEY) {
                throw e;
            }
            refusedAt = garbage;
            LOG.warn("garbage stays: {}", e.getMessage());
        }
    }
}
