package io.ppiofs.proofs.work;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A fixed number of threads that share ranges of a task among them; one thread is the caller's. Thread-safe; tasks must not
 * start tasks here.
 */
public final class Workers implements AutoCloseable {
    private final int threads;
    private final ExecutorService executor;

    /** Something to do for [from, to), to - from ≤ the range size that was asked for. */
    @FunctionalInterface
    public interface RangeTask {
        void run(long from, long to) throws IOException;
    }

    /** @param threads 1 or more */
    public Workers(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + ", not positive");
        }
        this.threads = threads;
        this.executor = Executors.newFixedThreadPool(threads, task -> {
            Thread thread = new Thread(task, "ppiofs-proofs");
            thread.setDaemon(true);
            return thread;
        });
    }

    public int threads() {
        return threads;
    }

    /**
     * Runs the task over [0, count) in ranges of {@code size} and waits.
     *
     * @param subject the file that an {@link IOException} is about
     * @throws PpiofsException IO, NO_SPACE of a task; INTERRUPTED if the caller was
     */
    public void forRanges(long count, int size, String operation, Path subject, RangeTask task) {
        if (Thread.currentThread().isInterrupted()) {
            throw interrupted(operation, subject); // tasks that end at once would never notice
        }
        if (threads == 1) {
            onThisThread(count, size, operation, subject, task);
            return;
        }
        AtomicLong next = new AtomicLong();
        AtomicBoolean stop = new AtomicBoolean();
        List<Future<?>> running = new ArrayList<>();
        long ranges = (count + size - 1) / size;
        for (int i = 0; i < Math.min(threads, ranges); i++) {
            running.add(executor.submit(() -> {
                boolean finished = false;
                try {
                    takeRanges(next, stop, count, size, task);
                    finished = true;
                } finally {
                    if (!finished) {
                        stop.set(true);
                    }
                }
                return null;
            }));
        }
        await(running, stop, operation, subject);
    }

    private static void onThisThread(long count, int size, String operation, Path subject, RangeTask task) {
        try {
            for (long from = 0; from < count; from += size) {
                if (Thread.currentThread().isInterrupted()) {
                    throw interrupted(operation, subject);
                }
                task.run(from, Math.min(count, from + size));
            }
        } catch (IOException e) {
            throw DurableFile.failure(operation, subject, e);
        }
    }

    private static void takeRanges(AtomicLong next, AtomicBoolean stop, long count, int size, RangeTask task)
            throws IOException {
        while (!stop.get()) {
            long from = next.getAndAdd(size);
            if (from >= count) {
                return;
            }
            task.run(from, Math.min(count, from + size));
        }
    }

    private static void await(List<Future<?>> running, AtomicBoolean stop, String operation, Path subject) {
        Throwable failure = null;
        boolean interrupted = false;
        for (Future<?> future : running) {
            boolean done = false;
            while (!done) {
                try {
                    future.get();
                    done = true;
                } catch (InterruptedException e) {
                    // the ranges under way write to the caller's files: they have to end before the caller goes on
                    interrupted = true;
                    stop.set(true);
                } catch (ExecutionException e) {
                    failure = e.getCause();
                    done = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
            throw interrupted(operation, subject);
        }
        if (failure instanceof IOException e) {
            throw DurableFile.failure(operation, subject, e);
        }
        if (failure instanceof RuntimeException e) {
            throw e;
        }
        if (failure != null) {
            throw new PpiofsException(
                    ErrorKind.INTERNAL, operation, subject.toString(), "a worker failed; report this", failure);
        }
    }

    /** What an interrupted caller throws. */
    public static PpiofsException interrupted(String operation, Path subject) {
        return new PpiofsException(
                ErrorKind.INTERRUPTED, operation, subject.toString(), "it was stopped; start it again to go on");
    }

    @Override
    public void close() {
        executor.shutdownNow();
    }
}
