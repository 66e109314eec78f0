package io.ppiofs.tests.crash;

import io.ppiofs.tests.crash.CrashWorker.Habit;
import io.ppiofs.tests.harness.OpExecutor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/** The workers of one round, each in a process, a thread and a directory of its own. */
final class CrashRound implements AutoCloseable {
    private static final List<Habit> HABITS = List.of(Habit.SYNCS_OFTEN, Habit.SYNCS_SELDOM, Habit.NEVER_SYNCS);
    private static final long FILES_PER_WORKER = 1_000_000;

    private final Path dir;
    private final AtomicBoolean dying = new AtomicBoolean();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicInteger progress = new AtomicInteger();
    private final List<OpExecutor> executors = new ArrayList<>();
    private final List<CrashWorker> workers = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final List<Step> promises = new ArrayList<>();

    /** Starts the workers in {@code dir}, which must be durable and hold an empty directory for each. */
    CrashRound(Path program, Path dir, long seed, int number) {
        this.dir = dir;
        for (int w = 0; w < HABITS.size(); w++) {
            OpExecutor executor = OpExecutor.start(program, directory(w), OpExecutor.Credentials.ROOT);
            executors.add(executor);
            long firstFile = (number * (long) HABITS.size() + w) * FILES_PER_WORKER;
            workers.add(new CrashWorker(executor, seed * 7 + w, HABITS.get(w), firstFile, dying, stop, progress));
        }
        for (CrashWorker worker : workers) {
            Thread thread = new Thread(worker, "crash-worker");
            threads.add(thread);
            thread.start();
        }
    }

    static void makeDirectories(Path dir) throws IOException {
        for (int w = 0; w < HABITS.size(); w++) {
            Files.createDirectories(dir.resolve("w" + w));
        }
    }

    private Path directory(int worker) {
        return dir.resolve("w" + worker);
    }

    /** Returns when so many steps are done, or so much time has gone, or a worker has failed. */
    void awaitSteps(int steps, Duration atMost) {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (progress.get() < steps
                && System.nanoTime() < deadline
                && threads.stream().allMatch(Thread::isAlive)) {
            LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(200));
        }
    }

    /** From now on errors are what is wanted. */
    void expectDeath() {
        dying.set(true);
    }

    /** Lets the workers finish their steps; all of them are answered afterwards. */
    void finish() {
        stop.set(true);
        join();
    }

    /** Waits for the workers to notice that the file system is gone. */
    void join() {
        for (Thread thread : threads) {
            try {
                thread.join(TimeUnit.SECONDS.toMillis(100));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted", e);
            }
            if (thread.isAlive()) {
                throw new AssertionError("a worker hangs: its file system neither answers nor is gone");
            }
        }
        executors.forEach(OpExecutor::close);
        workers.stream()
                .map(CrashWorker::failure)
                .filter(failure -> !failure.isEmpty())
                .findFirst()
                .ifPresent(failure -> {
                    throw new AssertionError(failure);
                });
    }

    /** Somebody was told that everything until now is safe. */
    void everythingWasPromised() {
        long now = System.nanoTime();
        promises.add(new Step(new Change.SyncAll(), 0, now, now, 0));
    }

    int steps() {
        return progress.get();
    }

    int syncs() {
        return (int) workers.stream()
                .flatMap(worker -> worker.steps().stream())
                .filter(step -> step.completed() && step.change() instanceof Change.OfSync)
                .count();
    }

    /** @return how many steps of each worker survived */
    List<Integer> check() throws IOException {
        List<List<Step>> histories =
                workers.stream().map(CrashWorker::steps).collect(Collectors.toCollection(ArrayList::new));
        List<Observed> found = new ArrayList<>();
        for (int w = 0; w < workers.size(); w++) {
            found.add(Observed.read(directory(w)));
        }
        // a worker without names, who made the promises
        histories.add(promises);
        found.add(new Observed(java.util.Map.of()));
        return new CrashChecker(histories, found).check();
    }

    @Override
    public void close() {
        stop.set(true);
        executors.forEach(OpExecutor::close);
    }
}
