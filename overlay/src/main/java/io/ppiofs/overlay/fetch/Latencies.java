package io.ppiofs.overlay.fetch;

import java.util.Arrays;

/** How long the last fetches of single blocks took, and after what time another peer is asked. Safe for any thread. */
final class Latencies {
    private static final int KEPT = 256;
    private static final int ENOUGH = 20;
    private static final double PERCENTILE = 0.95;
    private static final long LEAST_NANOS = 2_000_000;

    private final long firstNanos;
    private final long mostNanos;
    private final long[] last = new long[KEPT];
    private int count;
    private int next;
    private long hedgeNanos;

    Latencies(FetchOptions options) {
        this.firstNanos = options.hedgeAfter().toNanos();
        this.mostNanos = options.maxTimeout().toNanos();
        this.hedgeNanos = firstNanos;
    }

    synchronized void add(long nanos) {
        last[next] = nanos;
        next = (next + 1) % KEPT;
        count = Math.min(KEPT, count + 1);
        if (count >= ENOUGH && next % 8 == 0) {
            long[] sorted = Arrays.copyOf(last, count);
            Arrays.sort(sorted);
            hedgeNanos = Math.max(LEAST_NANOS, Math.min(mostNanos, sorted[(int) (PERCENTILE * (count - 1))]));
        }
    }

    /** 95 of 100 of the last fetches took no longer. */
    synchronized long hedgeNanos() {
        return hedgeNanos;
    }
}
