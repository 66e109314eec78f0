package io.ppiofs.fs.core;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Bounds the memory of unflushed file data. Writers wait here while too much is dirty; the flusher waits here for
 * pressure. A flush that fails wakes the writers with its error: a full disk is an answer, never a hang.
 */
final class DirtyBudget {
    private static final long PATIENCE_SECONDS = 60;

    private final long limit;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition released = lock.newCondition();
    private final Condition pressed = lock.newCondition();
    private long used;
    private @Nullable PpiofsException failure;

    DirtyBudget(long limit) {
        this.limit = limit;
    }

    /** Waits until {@code bytes} more may be dirty. A request above the whole limit is granted when nothing is dirty. */
    void acquire(long bytes) {
        lock.lock();
        try {
            long nanos = TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            boolean waited = false;
            while (used > 0 && used + bytes > limit) {
                if (waited && failure != null) {
                    throw failure;
                }
                pressed.signalAll();
                if (nanos <= 0) {
                    throw new PpiofsException(
                            ErrorKind.IO,
                            "write",
                            "file data",
                            "the disk did not take dirty data for " + PATIENCE_SECONDS + " s");
                }
                nanos = released.awaitNanos(nanos);
                waited = true;
            }
            used += bytes;
            if (used > limit / 2) {
                pressed.signalAll();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "write", "file data", "interrupted", e);
        } finally {
            lock.unlock();
        }
    }

    /** Counts bytes that are dirty already (replay). */
    void add(long bytes) {
        lock.lock();
        try {
            used += bytes;
        } finally {
            lock.unlock();
        }
    }

    void release(long bytes) {
        if (bytes == 0) {
            return;
        }
        lock.lock();
        try {
            used -= bytes;
            failure = null;
            released.signalAll();
        } finally {
            lock.unlock();
        }
    }

    long used() {
        lock.lock();
        try {
            return used;
        } finally {
            lock.unlock();
        }
    }

    boolean underPressure() {
        return used() > limit / 2;
    }

    /** The flusher could not make room. */
    void failed(PpiofsException why) {
        lock.lock();
        try {
            failure = why;
            released.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Returns when bytes were released, or after {@code millis}. */
    void awaitRelease(long millis) throws InterruptedException {
        lock.lock();
        try {
            if (released.await(millis, TimeUnit.MILLISECONDS)) {
                return;
            }
        } finally {
            lock.unlock();
        }
    }

    /** @return true if there is pressure, false after {@code millis} without */
    boolean awaitPressure(long millis) throws InterruptedException {
        lock.lock();
        try {
            long nanos = TimeUnit.MILLISECONDS.toNanos(millis);
            while (used <= limit / 2) {
                if (nanos <= 0) {
                    return false;
                }
                nanos = pressed.awaitNanos(nanos);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }
}
