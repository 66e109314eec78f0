package io.ppiofs.node.audit;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * When something that failed is tried again: after a pause that doubles. Immutable.
 *
 * @param again System.nanoTime of that
 * @param pause before it
 */
record Backoff(long again, Duration pause) {
    /**
     * After one more failure.
     *
     * @param last null for the first
     */
    static Backoff after(@Nullable Backoff last, Duration first, Duration longest) {
        Duration doubled = last == null ? first : last.pause().multipliedBy(2);
        Duration pause = doubled.compareTo(longest) < 0 ? doubled : longest;
        return new Backoff(System.nanoTime() + pause.toNanos(), pause);
    }

    static boolean isDue(@Nullable Backoff backoff) {
        return backoff == null || System.nanoTime() - backoff.again() >= 0;
    }
}
