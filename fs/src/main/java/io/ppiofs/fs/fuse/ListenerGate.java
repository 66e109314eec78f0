package io.ppiofs.fs.fuse;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Lets one worker at a time listen on /dev/fuse while the others rest. The kernel wakes listeners in turn, the one that
 * slept longest first; with several, each request of a single-threaded program would wake a cold thread on another CPU,
 * which costs two to three times the request itself. So a worker that is done listens again only if nobody does, and:
 *
 * <ul>
 *   <li>one that takes a request while more are waiting wakes another at once: concurrent programs get parallel service;
 *   <li>a sentinel looks every millisecond, while there is traffic, whether nobody listens because all awake workers are
 *       held up (a disk, a peer), and wakes one: a slow request delays others by at most two milliseconds.
 * </ul>
 *
 * <p>Thread-safe. The sentinel ends with {@link #close}.
 */
public final class ListenerGate implements AutoCloseable {
    private static final long TICK_NANOS = Duration.ofMillis(1).toNanos();
    /** Ticks without a request after which the sentinel sleeps until there is one. */
    private static final int QUIET_TICKS = 500;

    private final AtomicInteger listening = new AtomicInteger();
    private final AtomicInteger resting = new AtomicInteger();
    private final Semaphore wakeUps = new Semaphore(0);
    private final @Nullable Thread sentinel;
    private volatile boolean sentinelSleeps;
    private volatile boolean closed;
    private volatile boolean paused;
    /** Requests taken, roughly: only whether it changes matters. */
    private volatile long taken;

    public ListenerGate(String name, int workers) {
        sentinel = workers > 1 ? new Thread(this::watch, name) : null;
        if (sentinel != null) {
            sentinel.setDaemon(true);
            sentinel.start();
        }
    }

    /** Returns when the calling worker shall listen; false if it shall leave: the session has ended, or pauses. */
    public boolean enter() {
        while (!closed && !paused) {
            if (listening.compareAndSet(0, 1)) {
                return true;
            }
            rest();
        }
        return false;
    }

    private void rest() {
        resting.incrementAndGet();
        // The listener may have left between our look and our counting ourselves as resting.
        if ((listening.get() == 0 || closed || paused) && takeRester()) {
            return;
        }
        wakeUps.acquireUninterruptibly();
    }

    private boolean takeRester() {
        int n = resting.get();
        while (n > 0) {
            if (resting.compareAndSet(n, n - 1)) {
                return true;
            }
            n = resting.get();
        }
        return false;
    }

    private void wakeOne() {
        if (takeRester()) {
            wakeUps.release();
        }
    }

    /**
     * The listener has taken a request.
     *
     * @return whether somebody rests, so that it is worth looking if more requests wait
     */
    @SuppressWarnings("NonAtomicVolatileUpdate") // a lost count is no loss
    public boolean leave() {
        listening.decrementAndGet();
        taken++;
        if (sentinelSleeps) {
            LockSupport.unpark(sentinel);
        }
        return resting.get() > 0;
    }

    /** More requests wait. */
    public void wakeAnother() {
        wakeOne();
    }

    private void watch() {
        long seen = -1;
        int quiet = 0;
        while (!closed) {
            long now = taken;
            if (now != seen) {
                seen = now;
                quiet = 0;
            } else if (listening.get() == 0) {
                wakeOne();
            } else {
                quiet++;
            }
            if (quiet < QUIET_TICKS) {
                LockSupport.parkNanos(this, TICK_NANOS);
            } else {
                sleepUntilTraffic(seen);
                quiet = 0;
            }
        }
    }

    private void sleepUntilTraffic(long seen) {
        sentinelSleeps = true;
        while (taken == seen && !closed) {
            LockSupport.park(this);
        }
        sentinelSleeps = false;
    }

    /** Everybody leaves; who listens does with the next request. {@link #resume} lets them in again. */
    public void pause() {
        paused = true;
        wakeAll();
    }

    public void resume() {
        paused = false;
    }

    /** Whether the session is over. */
    public boolean closed() {
        return closed;
    }

    /** Whether somebody waits for a request. */
    public boolean listened() {
        return listening.get() > 0;
    }

    private void wakeAll() {
        while (takeRester()) {
            wakeUps.release();
        }
    }

    /** The session is over: everybody leaves. */
    @Override
    public void close() {
        closed = true;
        if (sentinel != null) {
            LockSupport.unpark(sentinel);
        }
        wakeAll();
    }
}
