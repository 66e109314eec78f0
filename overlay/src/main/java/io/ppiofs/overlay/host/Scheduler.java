package io.ppiofs.overlay.host;

import java.time.Duration;
import java.util.concurrent.Executor;

/**
 * A host's clock, timers and serial executor: tasks and timers run one at a time, in order, and see each other's effects.
 * Real in the swarm, virtual in the simulated network. Protocols take the time from here only. Tasks must not block; one
 * that throws is logged and does not end the executor.
 */
public interface Scheduler extends Executor {
    /** A timer that may be cancelled from any thread; a cancelled task that has not begun does not run. */
    interface Timer {
        void cancel();
    }

    /** Monotonic nanoseconds; only differences mean something. */
    long nanoTime();

    /** Milliseconds since 1970, for records that carry a date. */
    long wallMillis();

    /** Runs {@code task} once on the executor after {@code delay}. */
    Timer schedule(Duration delay, Runnable task);

    /** Runs {@code task} each {@code period} until cancelled; the first time after one period. */
    Timer scheduleRepeating(Duration period, Runnable task);
}
