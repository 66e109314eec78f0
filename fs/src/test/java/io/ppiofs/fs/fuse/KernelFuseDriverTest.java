package io.ppiofs.fs.fuse;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.SetAttr;
import io.ppiofs.fs.fuse.kernel.KernelFuseDriver;
import io.ppiofs.fs.testing.PosixConformance;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** The contract on our own implementation of the kernel's protocol, and what it can do beside. */
class KernelFuseDriverTest extends FuseDriverContractTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final KernelFuseDriver driver = new KernelFuseDriver();

    @Override
    FuseDriver driver() {
        return driver;
    }

    @Test
    void conformsToLinux() throws Exception {
        mount("allow_other", "dev", "suid");
        model().setattr(Caller.ROOT, Ino.ROOT, new SetAttr(0755, null, null, null, null, null));
        Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwxr-xr-x"));
        PosixConformance.Report report = PosixConformance.runLinux(mountPoint());
        assertThat(report.failures()).isEmpty();
        assertThat(report.assertions()).isGreaterThan(100);
    }

    @Test
    void conformsWithAWritebackCache() throws Exception {
        mount("allow_other", "dev", "suid", "writeback_cache");
        model().setattr(Caller.ROOT, Ino.ROOT, new SetAttr(0755, null, null, null, null, null));
        Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwxr-xr-x"));
        assertThat(PosixConformance.run(mountPoint()).failures()).isEmpty();
    }

    @Test
    void handsAMountOverAndTakesNoRequestWhileItPauses() throws Exception {
        FuseMount old = mount();
        Path f = mountPoint().resolve("f");
        try (FileChannel open = FileChannel.open(f, CREATE, READ, WRITE)) {
            open.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
            assertThat(old.pause(PATIENCE)).isTrue();
            CompletableFuture<Integer> waiting = CompletableFuture.supplyAsync(() -> written(open));
            CompletableFuture<Integer> unanswered = waiting;
            assertThatThrownBy(() -> unanswered.get(50, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
            old.resume();
            assertThat(waiting.get(10, TimeUnit.SECONDS)).isEqualTo(1);

            assertThat(old.pause(PATIENCE)).isTrue();
            MountHandover left = old.handOver();
            assertThat(old.mounted()).isFalse();
            waiting = CompletableFuture.supplyAsync(() -> written(open));
            FuseMount next = new KernelFuseDriver().adopt(tapped().core(), left);
            try {
                next.resume();
                assertThat(waiting.get(10, TimeUnit.SECONDS)).isEqualTo(1);
                assertThat(Files.readAllBytes(f)).containsExactly(1, 2, 3, 9, 9);
            } finally {
                open.close();
                next.unmount(true);
            }
            assertThat(next.mounted()).isFalse();
        }
    }

    private static int written(FileChannel open) {
        try {
            return open.write(ByteBuffer.wrap(new byte[] {9}));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void followsARemountThatChangesAccessTimes() throws Exception {
        assumeTrue(NativeSystem.load().root(), "only root remounts");
        mount("strictatime");
        bash("mkdir d; echo x > d/f");
        for (String rule : List.of("noatime", "strictatime,nodiratime", "noatime", "strictatime,diratime")) {
            bash("mount -i -o remount," + rule + " \"$(pwd -P)\"");
            boolean moves = rule.startsWith("strictatime");
            boolean directoriesMove = rule.endsWith(",diratime");
            await().atMost(PATIENCE).untilAsserted(() -> {
                bash("touch -a -d @1000 d d/f; cat d/f; ls d");
                String[] times = bash("stat -c %X d d/f").split("\n");
                assertThat(!times[0].equals("1000")).as(rule).isEqualTo(directoriesMove);
                assertThat(!times[1].equals("1000")).as(rule).isEqualTo(moves);
            });
        }
    }

    @Test
    void tellsWhenAFileWasMade() throws Exception {
        mount();
        Path file = mountPoint().resolve("f");
        long before = System.currentTimeMillis() / 1000;
        Files.writeString(file, "text");
        Files.setLastModifiedTime(file, FileTime.fromMillis(0));
        assertThat(birth(file)).isBetween(before, before + 60);
        Path directory = Files.createDirectory(mountPoint().resolve("d"));
        assertThat(birth(directory)).isBetween(before, before + 60);
        // what came with the birth time are the attributes, too
        assertThat(Files.size(file)).isEqualTo(4);
        assertThat(Files.getLastModifiedTime(file).toMillis()).isZero();
    }

    /** Seconds, 0 if it is not known. */
    private static long birth(Path path) throws IOException, InterruptedException {
        Process stat = new ProcessBuilder("stat", "-c", "%W %s %F", path.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(stat.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(stat.waitFor()).as(said).isZero();
        return Long.parseLong(said.substring(0, said.indexOf(' ')));
    }

    @Test
    void asksForAnAbsentNameOnce() {
        mount();
        Path absent = mountPoint().resolve("absent");
        assertThat(Files.exists(absent)).isFalse();
        long before = tapped().count("lookup");
        for (int i = 0; i < 100; i++) {
            assertThat(Files.exists(absent)).isFalse();
        }
        assertThat(tapped().count("lookup")).isEqualTo(before);
    }

    @Test
    void countsRequestsAndTheirTimes() throws Exception {
        FuseMount m = mount();
        for (int i = 0; i < 10; i++) {
            Files.createDirectory(mountPoint().resolve("d" + i));
        }
        // a request is counted just after its answer
        org.awaitility.Awaitility.await()
                .atMost(java.time.Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(mkdirs(m).count()).isEqualTo(10));
        RequestTimes.Row mkdir = mkdirs(m);
        assertThat(mkdir.nanos()).isPositive();
        assertThat(mkdir.upTo().stream().mapToLong(Long::longValue).sum()).isEqualTo(10);
        assertThat(mkdir.quantileMicros(0.5)).isLessThanOrEqualTo(mkdir.quantileMicros(1));
    }

    private static RequestTimes.Row mkdirs(FuseMount m) {
        return m.requestTimes().stream()
                .filter(r -> r.name().equals("mkdir"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void readsAndWritesAMebibyteAtOnce() throws Exception {
        mount();
        Path f = mountPoint().resolve("f");
        Files.createFile(f);
        try (var c = java.nio.channels.FileChannel.open(f, java.nio.file.StandardOpenOption.WRITE)) {
            long before = tapped().count("write");
            c.write(java.nio.ByteBuffer.allocate(4 << 20));
            assertThat(tapped().count("write") - before).isLessThanOrEqualTo(5);
        }
    }

    /** Long timeouts on both, and each sees at once what the other does. */
    @Test
    void mountsOfOneCoreSeeEachOther() throws Exception {
        mount();
        Path other = Files.createDirectory(work.resolve("other"));
        mount(tapped().core(), other, false);
        Path here = mountPoint();
        assertThat(Files.exists(other.resolve("f"))).isFalse();
        Files.write(here.resolve("f"), new byte[] {1, 2, 3});
        assertThat(Files.readAllBytes(other.resolve("f"))).containsExactly(1, 2, 3);
        Files.write(other.resolve("f"), new byte[] {4, 5, 6, 7});
        assertThat(Files.readAllBytes(here.resolve("f"))).containsExactly(4, 5, 6, 7);
        Files.createLink(here.resolve("g"), here.resolve("f"));
        assertThat(Files.getAttribute(other.resolve("f"), "unix:nlink")).isEqualTo(2);
        Files.delete(other.resolve("f"));
        assertThat(Files.exists(here.resolve("f"))).isFalse();
        assertThat(Files.getAttribute(here.resolve("g"), "unix:nlink")).isEqualTo(1);
        Files.move(other.resolve("g"), other.resolve("h"));
        assertThat(Files.exists(here.resolve("g"))).isFalse();
        assertThat(Files.readAllBytes(here.resolve("h"))).containsExactly(4, 5, 6, 7);
        Files.setPosixFilePermissions(here.resolve("h"), PosixFilePermissions.fromString("rw-------"));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(other.resolve("h"))))
                .isEqualTo("rw-------");
        refuses(io.ppiofs.error.ErrorKind.INVALID, Files.createDirectory(work.resolve("third")), "writeback_cache");
    }

    @Test
    void conformsThroughTwoMountsInTurn() throws Exception {
        mount("allow_other", "dev", "suid");
        Path other = Files.createDirectory(work.resolve("two"));
        mount(tapped().core(), other, false, "allow_other", "dev", "suid");
        model().setattr(Caller.ROOT, Ino.ROOT, new SetAttr(0755, null, null, null, null, null));
        Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwxr-xr-x"));
        for (long seed = 1; seed <= 3; seed++) {
            PosixConformance.Report report = PosixConformance.runAcross(mountPoint(), other, seed);
            assertThat(report.failures()).isEmpty();
            assertThat(report.assertions()).isGreaterThan(1000);
        }
    }

    @Test
    void twoMountsMayChangeOneDirectoryAtTheSameTime() throws Exception {
        mount();
        Path other = Files.createDirectory(work.resolve("other"));
        mount(tapped().core(), other, false);
        Thread[] writers = new Thread[4];
        java.util.concurrent.atomic.AtomicReference<Throwable> failure =
                new java.util.concurrent.atomic.AtomicReference<>();
        for (int t = 0; t < writers.length; t++) {
            Path mine = t % 2 == 0 ? mountPoint() : other;
            String prefix = "t" + t + "-";
            writers[t] = new Thread(() -> {
                try {
                    for (int i = 0; i < 30; i++) {
                        Files.write(mine.resolve(prefix + i), new byte[] {(byte) i});
                        if (i % 3 == 0) {
                            Files.delete(mine.resolve(prefix + i));
                        }
                    }
                } catch (java.io.IOException | RuntimeException e) {
                    failure.set(e);
                }
            });
            writers[t].start();
        }
        for (Thread w : writers) {
            w.join();
        }
        assertThat(failure.get()).isNull();
        try (var a = Files.list(mountPoint());
                var b = Files.list(other)) {
            assertThat(a.map(p -> p.getFileName().toString()))
                    .hasSize(80)
                    .containsExactlyInAnyOrderElementsOf(
                            b.map(p -> p.getFileName().toString()).toList());
        }
    }
}
