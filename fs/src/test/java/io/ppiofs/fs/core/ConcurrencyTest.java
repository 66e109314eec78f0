package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ConcurrencyTest {
    @TempDir
    Path directory;

    private static CoreOptions eager() {
        return new CoreOptions(
                8L << 20, 1L << 20, 8L << 20, Duration.ofMillis(50), Duration.ofMillis(150), 4L << 20, 2, Caller.ROOT);
    }

    private static void run(List<Callable<Void>> tasks) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(tasks.size());
        try {
            List<Future<Void>> all = new ArrayList<>();
            tasks.forEach(t -> all.add(pool.submit(t)));
            for (Future<Void> f : all) {
                f.get();
            }
        } finally {
            pool.shutdownNow();
            assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    /** Each file has one writer that checks every read; checkpoints, flushes and pressure go on underneath. */
    @Test
    void filesKeepTheirBytesWhileEverythingHappensAtOnce() throws Exception {
        CoreFixture core = new CoreFixture(directory, eager());
        try {
            List<Callable<Void>> tasks = new ArrayList<>();
            AtomicBoolean stop = new AtomicBoolean();
            for (int t = 0; t < 4; t++) {
                int id = t;
                tasks.add(() -> {
                    Random random = new Random(id);
                    byte[] model = new byte[6 << 20];
                    OpenFile f = core.create("f" + id);
                    for (int i = 0; i < 400; i++) {
                        int n = 1 + random.nextInt(random.nextInt(5) == 0 ? 700_000 : 9000);
                        int at = random.nextInt(model.length - n);
                        byte[] bytes = new byte[n];
                        random.nextBytes(bytes);
                        core.write(f, at, bytes);
                        System.arraycopy(bytes, 0, model, at, n);
                        int from = random.nextInt(model.length - 100_000);
                        byte[] got = core.read(f, from, 100_000);
                        byte[] want = Arrays.copyOfRange(model, from, from + got.length);
                        assertThat(Arrays.mismatch(got, want))
                                .as("file " + id + " step " + i)
                                .isEqualTo(-1);
                        if (i % 50 == 0) {
                            core.fs.fsync(f, false);
                        }
                    }
                    core.fs.release(f);
                    core.reopenable(model, "f" + id);
                    return null;
                });
            }
            run(tasks);
            stop.set(true);
            core.reopen();
            core.verifyAll();
        } finally {
            core.fs.close();
        }
    }

    /** What a flush has picked may be gone before it is sealed: removed, truncated or written over. */
    @Test
    void contentThatIsDroppedUnderAFlushFailsNothing() throws Exception {
        CoreFixture core = new CoreFixture(directory, eager());
        try {
            AtomicBoolean stop = new AtomicBoolean();
            List<Callable<Void>> tasks = new ArrayList<>();
            OpenFile f = core.create("f");
            byte[] bytes = new byte[5000]; // too long to be inline
            Callable<Void> dropping = () -> {
                try {
                    for (int i = 0; i < 30_000; i++) {
                        core.write(f, 0, bytes);
                        core.fs.setattr(Caller.ROOT, f.ino(), new SetAttr(null, null, null, 0L, null, null));
                    }
                } finally {
                    stop.set(true);
                }
                return null;
            };
            tasks.addAll(List.of(dropping, dropping, dropping, dropping));
            tasks.add(() -> {
                while (!stop.get()) {
                    core.fs.engine().contents().flushAll();
                }
                return null;
            });
            run(tasks);
            core.fs.release(f);
            assertThat(core.fs.stats().lastError()).isNull();
        } finally {
            core.fs.close();
        }
    }

    /** Threads make, move and remove names in shared directories; the tree stays consistent. */
    @Test
    void namesStayConsistentUnderConcurrentMoves() throws Exception {
        CoreFixture core = new CoreFixture(directory, eager());
        try {
            for (int d = 0; d < 4; d++) {
                core.fs.mkdir(Caller.ROOT, Ino.ROOT, FileName.of("d" + d), 0755);
            }
            List<Callable<Void>> tasks = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                int id = t;
                tasks.add(() -> {
                    Random random = new Random(100 + id);
                    for (int i = 0; i < 3000; i++) {
                        try {
                            step(core, random);
                        } catch (PpiofsException e) {
                            assertThat(e.kind())
                                    .isIn(
                                            ErrorKind.NOT_FOUND,
                                            ErrorKind.EXISTS,
                                            ErrorKind.NOT_EMPTY,
                                            ErrorKind.IS_A_DIRECTORY,
                                            ErrorKind.NOT_A_DIRECTORY,
                                            ErrorKind.NOT_PERMITTED,
                                            ErrorKind.INVALID);
                        }
                    }
                    return null;
                });
            }
            run(tasks);
            core.reopen();
            Fsck.Report report = new Fsck(core.fs, core.everyBlock(), n -> {}).run();
            assertThat(report.listed()).isEmpty();
        } finally {
            core.fs.close();
        }
    }

    private static void step(CoreFixture core, Random random) {
        Ino dir = core.lookup("d" + random.nextInt(4)).ino();
        Ino dir2 = core.lookup("d" + random.nextInt(4)).ino();
        FileName name = FileName.of("n" + random.nextInt(6));
        FileName name2 = FileName.of("n" + random.nextInt(6));
        switch (random.nextInt(7)) {
            case 0 -> {
                FileSystemCore.Created c = core.fs.create(Caller.ROOT, dir, name, 0644, OpenFlags.ofLinux(2));
                core.fs.write(c.file(), 0, ByteBuffer.wrap(new byte[random.nextInt(5000)]));
                core.fs.release(c.file());
                core.fs.forget(c.attr().ino(), 1);
            }
            case 1 -> core.fs.mkdir(Caller.ROOT, dir, name, 0755);
            case 2 -> core.fs.unlink(Caller.ROOT, dir, name);
            case 3 -> core.fs.rmdir(Caller.ROOT, dir, name);
            case 4 -> core.fs.link(Caller.ROOT, core.fs.lookup(dir, name).ino(), dir2, name2);
            default ->
                core.fs.rename(
                        Caller.ROOT,
                        dir,
                        name,
                        dir2,
                        name2,
                        random.nextInt(4) == 0 ? RenameMode.EXCHANGE : RenameMode.REPLACE);
        }
    }
}
