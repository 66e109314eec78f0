package io.ppiofs.fs.fuse.kernel;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells one mount's kernel what it does not see to have changed, mostly through other mounts, from a thread of its own that holds no lock: the kernel may
 * wait there for requests that this mount's workers answer. The thread exists once there is something to tell. Thread-safe.
 */
final class Invalidator implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Invalidator.class);
    private static final long END_SECONDS = 5;

    private record Job(List<MountGroup.Change> changes, CountDownLatch told) {}

    private final Device device;
    private final boolean writeback;
    private final Thread thread;
    private final LinkedBlockingQueue<Job> jobs = new LinkedBlockingQueue<>();
    private final AtomicLong late = new AtomicLong();
    private boolean started;
    private volatile boolean closed;

    Invalidator(String name, Device device, boolean writeback) {
        this.device = device;
        this.writeback = writeback;
        this.thread = new Thread(this::run, name);
        thread.setDaemon(true);
    }

    boolean writeback() {
        return writeback;
    }

    private synchronized void start() {
        if (!started && !closed) {
            started = true;
            thread.start();
        }
    }

    void forget(List<MountGroup.Change> changes, CountDownLatch told) {
        if (closed) {
            told.countDown();
        } else {
            start();
            jobs.add(new Job(changes, told));
        }
    }

    /** Somebody stopped waiting for us. */
    void late() {
        LOG.trace("{} invalidations were late", late.incrementAndGet());
    }

    private void run() {
        Notifier notifier = new Notifier(device);
        while (!closed) {
            try {
                Job job = jobs.take();
                job.changes().forEach(notifier::forget);
                job.told().countDown();
            } catch (InterruptedException e) {
                break; // closed
            }
        }
    }

    /** Returns when the thread no longer uses the device. */
    @Override
    public void close() {
        boolean running;
        synchronized (this) {
            closed = true;
            running = started;
        }
        thread.interrupt();
        jobs.forEach(j -> j.told().countDown());
        if (running) {
            try {
                thread.join(TimeUnit.SECONDS.toMillis(END_SECONDS));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
