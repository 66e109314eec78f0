package io.ppiofs.fs.fuse;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How often each kind of request came and how long its answer took, in classes of powers of two. Thread-safe; two atomic
 * additions per request, no allocation.
 */
public final class RequestTimes {
    /** Classes: up to 2^0, 2^1 … 2^23 microseconds (8 s), the last one takes the rest. */
    private static final int CLASSES = 24;

    private final String[] names;
    private final AtomicLongArray counts;
    private final AtomicLongArray nanos;

    /**
     * One kind of request.
     *
     * @param nanos of all answers together
     * @param upTo how many took at most 2^i microseconds (and more than half of it), by i; the last one has no upper end
     */
    public record Row(String name, long count, long nanos, List<Long> upTo) {
        public Row {
            upTo = List.copyOf(upTo);
        }

        /** A time in microseconds that {@code share} of the answers did not exceed, rounded up to a power of two. */
        public long quantileMicros(double share) {
            long wanted = (long) Math.ceil(count * share);
            long seen = 0;
            for (int i = 0; i < upTo.size(); i++) {
                seen += upTo.get(i);
                if (seen >= wanted) {
                    return 1L << i;
                }
            }
            return 1L << upTo.size();
        }
    }

    /** @param names of the kinds, by number; empty for a number that is none */
    public RequestTimes(List<String> names) {
        this.names = names.toArray(String[]::new);
        this.counts = new AtomicLongArray(names.size() * CLASSES);
        this.nanos = new AtomicLongArray(names.size());
    }

    /** @param kind outside the names: not recorded */
    public void record(int kind, long elapsedNanos) {
        if (kind < 0 || kind >= names.length) {
            return;
        }
        long micros = elapsedNanos / 1000;
        int c = micros <= 1 ? 0 : Math.min(CLASSES - 1, Long.SIZE - Long.numberOfLeadingZeros(micros - 1));
        counts.getAndIncrement(kind * CLASSES + c);
        nanos.getAndAdd(kind, elapsedNanos);
    }

    /** What came so far. */
    public List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        for (int kind = 0; kind < names.length; kind++) {
            List<Long> classes = new ArrayList<>(CLASSES);
            long count = 0;
            for (int c = 0; c < CLASSES; c++) {
                long n = counts.get(kind * CLASSES + c);
                classes.add(n);
                count += n;
            }
            if (count > 0) {
                rows.add(new Row(names[kind], count, nanos.get(kind), classes));
            }
        }
        return rows;
    }
}
