package io.ppiofs.fs.volume;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A hybrid logical clock (Kulkarni et al. 2014): 48 bits of wall-clock milliseconds, 16 bits of counter. Each time is
 * higher than every earlier one and every observed one, also when the wall clock steps back or the process restarts
 * (observe the head's clock, then the journal's dots). Lock-free and thread-safe; {@link #next} is one read of the
 * wall clock and one compare-and-set.
 */
public final class HybridLogicalClock {
    /** Times further ahead than this are not believed. */
    public static final Duration MAX_AHEAD = Duration.ofMinutes(5);

    private static final int COUNTER_BITS = 16;
    private static final long MAX_MILLIS = (1L << 47) - 1;

    private final InstantSource wall;
    private final AtomicLong last;

    /** @param start no time at or below this is given out: the clock of the head that was opened, or 0 */
    public HybridLogicalClock(InstantSource wall, long start) {
        if (start < 0) {
            throw new IllegalArgumentException("time " + start);
        }
        this.wall = wall;
        this.last = new AtomicLong(start);
    }

    /** A time that no earlier call gave. More than 65,536 in one millisecond borrow from the next. */
    public long next() {
        long now = wallTime();
        return last.updateAndGet(previous -> Math.max(Math.addExact(previous, 1), now));
    }

    /** Makes all later times higher than {@code hlc}. Ask {@link #isQuarantined} first if it is not this machine's own. */
    public void observe(long hlc) {
        last.accumulateAndGet(hlc, Math::max);
    }

    /** The highest time given or observed. */
    public long last() {
        return last.get();
    }

    /** True if {@code hlc} lies more than {@link #MAX_AHEAD} ahead of the wall clock: such a head has to wait. */
    public boolean isQuarantined(long hlc) {
        return millis(hlc) - wall.millis() > MAX_AHEAD.toMillis();
    }

    /** The wall-clock part. */
    public static Instant instantOf(long hlc) {
        return Instant.ofEpochMilli(millis(hlc));
    }

    private static long millis(long hlc) {
        return hlc >>> COUNTER_BITS;
    }

    private long wallTime() {
        return Math.min(Math.max(wall.millis(), 0), MAX_MILLIS) << COUNTER_BITS;
    }
}
