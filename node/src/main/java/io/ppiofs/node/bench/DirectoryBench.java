package io.ppiofs.node.bench;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Progress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Runs a {@link BenchPlan} in a directory of its own, which it removes also when it fails. */
public final class DirectoryBench {
    private static final long MEBIBYTE = 1 << 20;
    private static final long REPORT_EVERY_NANOS = 100_000_000;

    private final BenchPlan plan;
    private final Progress progress;
    private final AtomicLong done = new AtomicLong();
    private final AtomicLong nextReport = new AtomicLong();

    public DirectoryBench(BenchPlan plan, Progress progress) {
        this.plan = plan;
        this.progress = progress;
    }

    /**
     * @param parent an existing directory; everything happens in a new one inside
     * @throws PpiofsException NOT_FOUND, NOT_A_DIRECTORY; IO, NO_SPACE from what is measured
     */
    public List<BenchResult> run(Path parent) throws InterruptedException {
        if (!Files.isDirectory(parent)) {
            throw new PpiofsException(
                    Files.exists(parent) ? ErrorKind.NOT_A_DIRECTORY : ErrorKind.NOT_FOUND,
                    "bench",
                    parent.toString(),
                    "is no directory; name one, for example a mount point");
        }
        Path directory = null;
        ExecutorService workers = Executors.newFixedThreadPool(plan.threads());
        try {
            directory = Files.createTempDirectory(parent, "ppiofs-bench-");
            return measure(directory, workers);
        } catch (IOException e) {
            throw failure(parent, e);
        } finally {
            workers.shutdownNow();
            workers.awaitTermination(1, java.util.concurrent.TimeUnit.MINUTES);
            remove(directory, parent);
        }
    }

    private static PpiofsException failure(Path path, IOException e) {
        boolean full = String.valueOf(e.getMessage()).contains("No space left");
        return new PpiofsException(
                full ? ErrorKind.NO_SPACE : ErrorKind.IO, "bench", path.toString(), "failed: " + e.getMessage(), e);
    }

    private List<BenchResult> measure(Path directory, ExecutorService workers)
            throws IOException, InterruptedException {
        List<BenchResult> results = new ArrayList<>();
        if (plan.bigFileBytes() > 0) {
            double mebibytes = (double) plan.bigFileBytes() * plan.threads() / MEBIBYTE;
            long bytes = plan.bigFileBytes() * plan.threads();
            results.add(big(
                    "Write big file", mebibytes, time("write big file", bytes, workers, t -> writeBig(directory, t))));
            results.add(
                    big("Read big file", mebibytes, time("read big file", bytes, workers, t -> readBig(directory, t))));
        }
        if (plan.smallFiles() > 0) {
            long files = (long) plan.smallFiles() * plan.threads();
            results.add(small(
                    "Write small file", time("write small files", files, workers, t -> writeSmall(directory, t))));
            results.add(
                    small("Read small file", time("read small files", files, workers, t -> readSmall(directory, t))));
            results.add(small("Stat file", time("stat files", files, workers, t -> stat(directory, t))));
        }
        return results;
    }

    private BenchResult big(String item, double mebibytes, double seconds) {
        return new BenchResult(item, mebibytes / seconds, "MiB/s", seconds, "s/file");
    }

    private BenchResult small(String item, double seconds) {
        double files = (double) plan.smallFiles() * plan.threads();
        return new BenchResult(item, files / seconds, "files/s", seconds * 1000 / plan.smallFiles(), "ms/file");
    }

    /** What one thread does; the number names its files. */
    private interface Work {
        void run(int thread) throws IOException;
    }

    /** @return seconds until the last thread was done */
    private double time(String task, long total, ExecutorService workers, Work work)
            throws IOException, InterruptedException {
        done.set(0);
        nextReport.set(System.nanoTime());
        progress.report(task, 0, total);
        List<Callable<Void>> calls = new ArrayList<>();
        for (int t = 0; t < plan.threads(); t++) {
            int thread = t;
            calls.add(() -> {
                work.run(thread);
                return null;
            });
        }
        long start = System.nanoTime();
        for (Future<Void> future : workers.invokeAll(calls)) {
            await(future);
        }
        double seconds = Math.max(1, System.nanoTime() - start) / 1e9;
        progress.report(task, total, total);
        return seconds;
    }

    private static void await(Future<Void> future) throws IOException, InterruptedException {
        try {
            future.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException io) {
                throw io;
            }
            throw new IllegalStateException("bench worker", e.getCause());
        }
    }

    private void step(String task, long n, long total) {
        long now = done.addAndGet(n);
        long time = System.nanoTime();
        long due = nextReport.get();
        if (time >= due && nextReport.compareAndSet(due, time + REPORT_EVERY_NANOS)) {
            synchronized (progress) {
                progress.report(task, now, total);
            }
        }
    }

    private ByteBuffer randomBuffer(int size, long seed) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(size);
        refill(buffer, new SplittableRandom(seed));
        return buffer;
    }

    private static void refill(ByteBuffer buffer, SplittableRandom random) {
        buffer.clear();
        while (buffer.remaining() >= Long.BYTES) {
            buffer.putLong(random.nextLong());
        }
        while (buffer.hasRemaining()) {
            buffer.put((byte) random.nextInt());
        }
        buffer.flip();
    }

    private Path bigFile(Path directory, int thread) {
        return directory.resolve("big." + thread);
    }

    private void writeBig(Path directory, int thread) throws IOException {
        ByteBuffer buffer = randomBuffer(plan.blockBytes(), System.nanoTime() + thread);
        long total = plan.bigFileBytes() * plan.threads();
        try (FileChannel file =
                FileChannel.open(bigFile(directory, thread), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long at = 0; at < plan.bigFileBytes(); ) {
                // A counter in every 4 KiB keeps blocks different without the cost of new random bytes.
                for (int i = 0; i + Long.BYTES <= buffer.capacity(); i += 4096) {
                    buffer.putLong(i, at + i ^ (long) thread << 48);
                }
                buffer.clear().limit((int) Math.min(buffer.capacity(), plan.bigFileBytes() - at));
                int n = buffer.remaining();
                while (buffer.hasRemaining()) {
                    file.write(buffer);
                }
                at += n;
                step("write big file", n, total);
            }
            file.force(true);
        }
    }

    private void readBig(Path directory, int thread) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(plan.blockBytes());
        long total = plan.bigFileBytes() * plan.threads();
        long read = 0;
        try (FileChannel file = FileChannel.open(bigFile(directory, thread), StandardOpenOption.READ)) {
            while (true) {
                buffer.clear();
                int n = file.read(buffer);
                if (n < 0) {
                    break;
                }
                read += n;
                step("read big file", n, total);
            }
        }
        if (read != plan.bigFileBytes()) {
            throw new IOException("read " + read + " of " + plan.bigFileBytes() + " bytes");
        }
    }

    private Path smallFile(Path directory, int thread, int i) {
        return directory.resolve("small." + thread + "." + i);
    }

    private void writeSmall(Path directory, int thread) throws IOException {
        SplittableRandom random = new SplittableRandom(System.nanoTime() + thread);
        ByteBuffer buffer = ByteBuffer.allocateDirect(plan.smallFileBytes());
        for (int i = 0; i < plan.smallFiles(); i++) {
            refill(buffer, random);
            try (FileChannel file = FileChannel.open(
                    smallFile(directory, thread, i), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                while (buffer.hasRemaining()) {
                    file.write(buffer);
                }
                file.force(true);
            }
            step("write small files", 1, (long) plan.smallFiles() * plan.threads());
        }
    }

    private void readSmall(Path directory, int thread) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(plan.smallFileBytes() + 1);
        for (int i = 0; i < plan.smallFiles(); i++) {
            buffer.clear();
            try (FileChannel file = FileChannel.open(smallFile(directory, thread, i), StandardOpenOption.READ)) {
                while (file.read(buffer) > 0) {
                    // a read may give less than asked; go on to the end of the file
                    continue;
                }
            }
            if (buffer.position() != plan.smallFileBytes()) {
                throw new IOException("read " + buffer.position() + " of " + plan.smallFileBytes() + " bytes");
            }
            step("read small files", 1, (long) plan.smallFiles() * plan.threads());
        }
    }

    private void stat(Path directory, int thread) throws IOException {
        for (int i = 0; i < plan.smallFiles(); i++) {
            long size = Files.size(smallFile(directory, thread, i));
            if (size != plan.smallFileBytes()) {
                throw new IOException("a file of " + plan.smallFileBytes() + " bytes shows " + size);
            }
            step("stat files", 1, (long) plan.smallFiles() * plan.threads());
        }
    }

    private static void remove(@Nullable Path directory, Path parent) {
        if (directory == null) {
            return;
        }
        try {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path d, @Nullable IOException e) throws IOException {
                    Files.delete(d);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw failure(parent, e);
        }
    }
}
