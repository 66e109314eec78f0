package io.ppiofs.node.audit;

import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * How often holders evaded a question that they could have answered: one counts for a holder and interval, however many slots it has, so that who is slow for a
 * minute is not accused of all that it was asked in it. Thread-safe.
 */
final class Evasions {
    private final int tolerated;
    private final Duration interval;
    private final LongSupplier nanos;

    private record Run(int length, long last) {}

    private final Map<PeerId, Run> runs = new HashMap<>();

    /**
     * @param tolerated so many in a row, less one, are no failure
     * @param nanos as System.nanoTime
     */
    Evasions(int tolerated, Duration interval, LongSupplier nanos) {
        this.tolerated = tolerated;
        this.interval = interval;
        this.nanos = nanos;
    }

    /** One more. @return whether it is to count as a failure */
    synchronized boolean evaded(PeerId holder) {
        long now = nanos.getAsLong();
        Run last = runs.get(holder);
        if (last != null && now - last.last() < interval.toNanos()) {
            return false;
        }
        Run run = new Run(last == null ? 1 : last.length() + 1, now);
        runs.put(holder, run);
        return run.length() >= tolerated;
    }

    /** It gave an answer, right or wrong. What is no answer and no fault either, busy or away, is not told of. */
    synchronized void answered(PeerId holder) {
        runs.remove(holder);
    }
}
