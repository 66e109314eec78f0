package io.ppiofs.node;

import io.ppiofs.node.control.Progress;

/** Passes on how far a work is, but no more than five times a second. Not thread-safe. */
final class Paced {
    private static final long EVERY_NANOS = 200_000_000;

    private final Progress progress;
    private final String task;
    private long next = System.nanoTime() + EVERY_NANOS;

    Paced(Progress progress, String task) {
        this.progress = progress;
        this.task = task;
    }

    /** @param expected what {@code done} will be at the end, as far as anybody knows */
    void report(long done, long expected) {
        if (System.nanoTime() - next >= 0) {
            next = System.nanoTime() + EVERY_NANOS;
            progress.report(task, done, Math.max(done, expected));
        }
    }
}
