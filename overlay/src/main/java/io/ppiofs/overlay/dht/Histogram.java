package io.ppiofs.overlay.dht;

import java.util.concurrent.atomic.AtomicLongArray;

/** Counts of values by powers of two; one thread adds, any thread reads. */
public final class Histogram {
    /** Buckets: up to 1, 2, 4 … 2^18, and above. */
    private static final int BUCKETS = 20;

    private final AtomicLongArray counts = new AtomicLongArray(BUCKETS + 1); // the last one is the sum

    /** What a histogram held at one time: {@code counts[i]} values above 2^(i−1) and up to 2^i, the last ones without bound. */
    public record Snapshot(long[] counts, long sum) {
        public long count() {
            long all = 0;
            for (long n : counts) {
                all += n;
            }
            return all;
        }

        /** The upper bound of bucket {@code i}; {@link Long#MAX_VALUE} for the last. */
        public long upperBound(int i) {
            return i == counts.length - 1 ? Long.MAX_VALUE : 1L << i;
        }
    }

    void add(long value) {
        int bucket = value <= 1 ? 0 : Math.min(BUCKETS - 1, 64 - Long.numberOfLeadingZeros(value - 1));
        counts.incrementAndGet(bucket);
        counts.addAndGet(BUCKETS, value);
    }

    public Snapshot snapshot() {
        long[] copy = new long[BUCKETS];
        for (int i = 0; i < BUCKETS; i++) {
            copy[i] = counts.get(i);
        }
        return new Snapshot(copy, counts.get(BUCKETS));
    }
}
