package io.ppiofs.fs.core;

import java.time.Instant;

/**
 * A POSIX time.
 *
 * @param seconds since 1970-01-01T00:00Z, may be negative
 * @param nanos 0 … 999,999,999
 */
public record Timestamp(long seconds, int nanos) implements Comparable<Timestamp> {
    public Timestamp {
        if (nanos < 0 || nanos > 999_999_999) {
            throw new IllegalArgumentException("nanos " + nanos);
        }
    }

    public static Timestamp of(Instant t) {
        return new Timestamp(t.getEpochSecond(), t.getNano());
    }

    @Override
    public int compareTo(Timestamp o) {
        int c = Long.compare(seconds, o.seconds);
        return c != 0 ? c : Integer.compare(nanos, o.nanos);
    }
}
