package io.ppiofs.proofs.porep;

import java.time.Duration;
import java.util.function.LongSupplier;

/** Turns units of work into a fraction and a time that is left. Not thread-safe. */
final class SealProgress {
    private final long total;
    private final LongSupplier nanoTime;
    private final SealListener listener;
    private final long start;
    private long done;
    private long skipped;

    /** @param total units of all steps together; what a unit is must cost about the same in each */
    SealProgress(long total, LongSupplier nanoTime, SealListener listener) {
        this.total = total;
        this.nanoTime = nanoTime;
        this.listener = listener;
        this.start = nanoTime.getAsLong();
    }

    void advance(SealStep step, long units) {
        done += units;
        long worked = done - skipped;
        long elapsed = nanoTime.getAsLong() - start;
        double perUnit = worked == 0 ? 0 : (double) elapsed / worked;
        listener.progress(step, (double) done / total, Duration.ofNanos((long) (perUnit * (total - done))));
    }

    /** Work that an earlier run has done: it counts as done and says nothing about the speed. */
    void skip(SealStep step, long units) {
        skipped += units;
        advance(step, units);
    }
}
