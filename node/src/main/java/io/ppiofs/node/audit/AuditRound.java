package io.ppiofs.node.audit;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What is audited in one interval, and when its turn is: rounds are spread over the first half of it. The rounds of who audits alone begin an interval after
 * each other; those of verifiers, who draw anew in each epoch, with the epoch, since others count on them. What a round leaves comes first in the
 * next one. Of one thread.
 */
final class AuditRound<T> {
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(50);

    private final Duration every;
    private final boolean byEpochs;
    private final Duration look;
    private final LongSupplier wallMillis;
    private final LongSupplier nanos;
    private final Deque<T> left = new ArrayDeque<>();
    private long epoch = -1;
    private long began;
    private long nextAt;
    private long spread;

    /**
     * @param every zero for never
     * @param byEpochs whether rounds begin when the epoch changes
     * @param look the longest rest
     * @param wallMillis ms since 1970
     * @param nanos as System.nanoTime
     */
    AuditRound(Duration every, boolean byEpochs, Duration look, LongSupplier wallMillis, LongSupplier nanos) {
        this.every = every;
        this.byEpochs = byEpochs;
        this.look = look;
        this.wallMillis = wallMillis;
        this.nanos = nanos;
        this.began = nanos.getAsLong() - every.toNanos();
    }

    /** Number of the interval since 1970. */
    long epoch() {
        return wallMillis.getAsLong() / every.toMillis();
    }

    /** Whether it is time for {@link #begin}. */
    boolean isDue() {
        if (every.isZero()) {
            return false;
        }
        return byEpochs ? epoch() != epoch : left.isEmpty() && nanos.getAsLong() - began >= every.toNanos();
    }

    /** @param all what is audited in this epoch */
    void begin(long ofEpoch, Collection<T> all) {
        Set<T> together = new LinkedHashSet<>(left);
        together.addAll(all);
        left.clear();
        left.addAll(together);
        epoch = ofEpoch;
        began = nanos.getAsLong();
        nextAt = began;
        spread = Math.max(SHORTEST_PAUSE.toNanos(), every.toNanos() / (2L * Math.max(1, left.size())));
    }

    /** What is to be audited now; null for nothing. */
    @Nullable
    T next() {
        long now = nanos.getAsLong();
        if (left.isEmpty() || now - nextAt < 0) {
            return null;
        }
        nextAt = now + spread;
        return left.poll();
    }

    /** How long nothing is to be done. */
    Duration pause() {
        long rest = every.isZero() ? look.toNanos() : Math.min(look.toNanos(), every.toNanos());
        if (!left.isEmpty()) {
            rest = Math.min(rest, nextAt - nanos.getAsLong());
        }
        if (byEpochs && !every.isZero()) {
            long over = wallMillis.getAsLong() % every.toMillis();
            rest = Math.min(rest, TimeUnit.MILLISECONDS.toNanos(every.toMillis() - over));
        }
        return Duration.ofNanos(Math.max(TimeUnit.MILLISECONDS.toNanos(1), rest));
    }
}
