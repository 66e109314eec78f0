package io.ppiofs.fs.fuse;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.OpenFlags;
import io.ppiofs.fs.core.SetAttr;
import io.ppiofs.fs.core.Timestamp;
import io.ppiofs.fs.testing.ModelFileSystem;
import io.ppiofs.fs.testing.PosixConformance;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What every {@link FuseDriver} must do, on real mounts of the model filesystem. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class FuseDriverContractTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final int THREADS = 4;

    @TempDir
    Path work;

    private Path mountPoint;
    private final ModelFileSystem model = new ModelFileSystem();
    private final TappedCore tapped = new TappedCore(model);
    private final List<FuseMount> mounts = new ArrayList<>();

    abstract FuseDriver driver();

    @BeforeEach
    void needsFuse() throws IOException {
        assumeTrue(Files.isReadable(Path.of("/dev/fuse")), "/dev/fuse cannot be opened here");
        mountPoint = Files.createDirectory(work.resolve("mnt"));
    }

    @AfterEach
    void unmountEverything() {
        mounts.forEach(FuseMount::close);
    }

    final Path mountPoint() {
        return mountPoint;
    }

    final ModelFileSystem model() {
        return model;
    }

    final TappedCore tapped() {
        return tapped;
    }

    final FuseMount mount(String... options) {
        return mount(tapped.core(), mountPoint, false, options);
    }

    final FuseMount mount(FileSystemCore core, Path where, boolean readOnly, String... options) {
        FuseMount m = driver().mount(core, where, new MountOptions("ppiofs:test", readOnly, List.of(options), THREADS));
        mounts.add(m);
        return m;
    }

    @Test
    void aMountWithoutAccessTimesLeavesThemAlone() throws Exception {
        mount("noatime");
        bash("mkdir d; echo x > d/f; ln -s f d/l; touch -d @1000 d/f; touch -h -d @1000 d/l; touch -d @1000 d");
        bash("cat d/f; readlink d/l; ls d");
        assertThat(bash("stat -c %X d d/f d/l")).isEqualTo("1000\n1000\n1000");
    }

    /** {@code truncate -o} and others take the one for the other. */
    @Test
    void aFilesBlockIsTheFilesystemsBlock() throws Exception {
        mount();
        bash("echo x > f");
        assertThat(bash("stat -f -c '%s %S' .; stat -c '%o %o' f").split("\n")).containsOnly("4096 4096");
    }

    /** An access time in the future is one that relatime would leave alone. */
    @Test
    void strictAccessTimesMoveWithEveryOpenAndRead() throws Exception {
        mount("strictatime", "nodiratime");
        bash("mkdir d; echo x > d/f; touch -d @1000 d");
        for (int i = 0; i < 2; i++) {
            bash("cat d/f; touch -a -d @3000000000 d/f; cat d/f; ls d");
            assertThat(bash("stat -c %X d/f")).isNotEqualTo("3000000000");
            assertThat(bash("stat -c %X d")).isEqualTo("1000");
        }
    }

    /** Runs bash and returns what it prints; a failure of the script fails the test. */
    final String bash(String script) throws IOException, InterruptedException {
        Process p = new ProcessBuilder("bash", "-euc", script)
                .directory(mountPoint.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(p.getInputStream().readAllBytes(), UTF_8);
        assertThat(p.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(p.exitValue()).as(output).isZero();
        return output.strip();
    }

    private static byte[] randomBytes(int n, long seed) {
        byte[] b = new byte[n];
        new Random(seed).nextBytes(b);
        return b;
    }

    // ---- ordinary use

    @Test
    void answersAsSoonAsMountReturns() throws Exception {
        FuseMount m = mount();
        assertThat(m.mounted()).isTrue();
        assertThat(m.mountPoint()).isEqualTo(mountPoint.toRealPath());
        assertThat(bash("grep \" $(pwd -P) \" /proc/mounts"))
                .startsWith("ppiofs:test ")
                .contains(" fuse.ppiofs rw,");
        m.unmount(false);
        assertThat(m.mounted()).isFalse();
        assertThat(MountTable.at(mountPoint.toRealPath())).isEmpty();
        m.unmount(false);
        m.close();
    }

    @Test
    void conformsToPosix() throws Exception {
        mount("allow_other", "dev", "suid");
        model.setattr(Caller.ROOT, Ino.ROOT, new SetAttr(0755, null, null, null, null, null));
        Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwxr-xr-x"));
        PosixConformance.Report report = PosixConformance.run(mountPoint);
        assertThat(report.failures()).isEmpty();
        assertThat(report.assertions()).isGreaterThan(1000);
        // Everything was removed, so the kernel has forgotten it all; the root stays.
        await().atMost(SOON).untilAsserted(() -> assertThat(model.inodeCount()).isEqualTo(1));
    }

    @Test
    void servesJavaFiles() throws IOException {
        mount();
        Path d = Files.createDirectories(mountPoint.resolve("a/b/c"));
        byte[] data = randomBytes(3_000_001, 1);
        Files.write(d.resolve("f"), data);
        assertThat(Files.readAllBytes(d.resolve("f"))).isEqualTo(data);
        Files.move(d.resolve("f"), mountPoint.resolve("g"));
        assertThat(Files.exists(d.resolve("f"))).isFalse();
        Files.copy(mountPoint.resolve("g"), d.resolve("copy"), StandardCopyOption.COPY_ATTRIBUTES);
        assertThat(Files.mismatch(mountPoint.resolve("g"), d.resolve("copy"))).isEqualTo(-1);
        Files.createLink(mountPoint.resolve("hard"), mountPoint.resolve("g"));
        assertThat(Files.getAttribute(mountPoint.resolve("hard"), "unix:nlink")).isEqualTo(2);
        Files.createSymbolicLink(mountPoint.resolve("soft"), Path.of("a/b"));
        assertThat(Files.isDirectory(mountPoint.resolve("soft"))).isTrue();
        assertThatThrownBy(() -> Files.delete(mountPoint.resolve("a"))).isInstanceOf(DirectoryNotEmptyException.class);
        assertThatThrownBy(() -> Files.createDirectory(d)).isInstanceOf(FileAlreadyExistsException.class);
        assertThatThrownBy(() -> Files.size(d.resolve("none"))).isInstanceOf(NoSuchFileException.class);
        assertThat(Files.getFileStore(mountPoint).getTotalSpace())
                .isEqualTo(model.statfs().totalBytes());
    }

    @Test
    void servesTools() throws Exception {
        mount();
        bash("""
                mkdir -p src/{a,b,c}
                for i in $(seq 50); do echo "line $i" > src/a/f$i; done
                ln src/a/f1 src/b/hard; ln -s ../a/f2 src/b/soft; mkfifo src/c/pipe
                cp -a src dst; diff -r --no-dereference src/a dst/a
                [ "$(readlink dst/b/soft)" = ../a/f2 ]
                mv dst other; mv other/a other/c/moved; [ "$(cat other/c/moved/f7)" = "line 7" ]
                dd if=/dev/urandom of=big bs=64k count=33 status=none
                dd if=big of=small bs=1000 skip=5 count=3 status=none; [ "$(stat -c %s small)" = 3000 ]
                cmp <(dd if=big bs=1000 skip=5 count=3 status=none) small
                tar cf t.tar src; mkdir x; tar xf t.tar -C x; diff -r x/src/a src/a
                echo one >> log; echo two >> log; [ "$(wc -l < log)" = 2 ]
                truncate -s 100M sparse; [ "$(stat -c %b sparse)" = 0 ]
                touch -d '2001-02-03 04:05:06.789' log; [ "$(stat -c %Y log)" = "$(date -d '2001-02-03 04:05:06' +%s)" ]
                chmod 640 log; [ "$(stat -c %a log)" = 640 ]
                rm -r src other x; [ -z "$(ls -d src other x 2>/dev/null)" ]
                """);
    }

    @Test
    void keepsNamesOfAnyBytes() throws Exception {
        mount();
        bash("""
                touch $'\\xff\\xfe raw' $'new\\nline' 'ümläut' "$(printf 'n%.0s' $(seq 255))"
                [ -e $'\\xff\\xfe raw' ]; [ -e $'new\\nline' ]
                [ "$(ls -1 --quoting-style=c | wc -l)" = 4 ]
                ls --quoting-style=c | grep -qF '\\377\\376 raw'
                rm $'\\xff\\xfe raw'; [ "$(find . -type f | wc -c)" -gt 255 ]
                """);
    }

    @Test
    void listsLargeDirectories() throws IOException {
        mount();
        Path d = Files.createDirectory(mountPoint.resolve("many"));
        Set<String> expected = new TreeSet<>();
        for (int i = 0; i < 3000; i++) {
            String name = "entry-" + i;
            Files.createFile(d.resolve(name));
            expected.add(name);
        }
        try (var s = Files.list(d)) {
            List<String> found = s.map(p -> p.getFileName().toString()).toList();
            assertThat(found).doesNotHaveDuplicates();
            assertThat(new TreeSet<>(found)).isEqualTo(expected);
        }
    }

    @Test
    void writesMappedPages() throws IOException {
        mount();
        Path f = mountPoint.resolve("mapped");
        byte[] data = randomBytes(1 << 20, 2);
        try (FileChannel c =
                FileChannel.open(f, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MappedByteBuffer map = c.map(FileChannel.MapMode.READ_WRITE, 0, data.length);
            map.put(data);
            map.force();
            ByteBuffer back = ByteBuffer.allocate(data.length);
            while (back.hasRemaining() && c.read(back, back.position()) > 0) {}
            assertThat(back.array()).isEqualTo(data);
        }
        assertThat(Files.readAllBytes(f)).isEqualTo(data);
    }

    /** Pages of a mapping may be written back through any descriptor, also one that appends. */
    @Test
    void writesMappedPagesWhereTheyBelongWhileAnotherAppends() throws IOException {
        mount();
        Path f = mountPoint.resolve("mapped");
        Files.write(f, new byte[8192]);
        try (FileChannel appender = FileChannel.open(f, StandardOpenOption.APPEND);
                RandomAccessFile file = new RandomAccessFile(f.toFile(), "rw")) {
            MappedByteBuffer map = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 8192);
            map.put(100, (byte) 42);
            appender.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
            map.force();
        }
        byte[] all = Files.readAllBytes(f);
        assertThat(all).hasSize(8195).endsWith(1, 2, 3);
        assertThat(all[100]).isEqualTo((byte) 42);
    }

    @Test
    void appendsOfSeveralProcessesDoNotOverlap() throws Exception {
        mount();
        bash("""
                w() { for i in $(seq 100); do echo "$1 $i" >> log; done; }
                w a & w b & w c & wait; [ "$(sort -u log | wc -l)" = 300 ]
                """);
    }

    @Test
    void keepsUnlinkedFilesWhileTheyAreOpen() throws Exception {
        mount();
        Path f = mountPoint.resolve("f");
        try (FileChannel c =
                FileChannel.open(f, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            c.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
            Files.delete(f);
            assertThat(bash("ls -A")).isEmpty();
            ByteBuffer back = ByteBuffer.allocate(10);
            assertThat(c.read(back, 0)).isEqualTo(3);
            assertThat(model.inodeCount()).isEqualTo(2);
        }
        await().atMost(SOON).untilAsserted(() -> assertThat(model.inodeCount()).isEqualTo(1));
    }

    @Test
    void servesManyThreads() throws Exception {
        mount();
        ExecutorService pool = Executors.newFixedThreadPool(8);
        try {
            List<Callable<Boolean>> jobs = IntStream.range(0, 8)
                    .<Callable<Boolean>>mapToObj(t -> () -> writeAndCheck(t))
                    .collect(Collectors.toList());
            for (Future<Boolean> f : pool.invokeAll(jobs)) {
                assertThat(f.get()).isTrue();
            }
        } finally {
            pool.shutdownNow();
        }
        List<String> names = Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(n -> n.startsWith("fuse-mnt-") && !n.endsWith("-remounts")) // not each driver has that one
                .sorted()
                .toList();
        assertThat(names).containsExactly("fuse-mnt-0", "fuse-mnt-1", "fuse-mnt-2", "fuse-mnt-3", "fuse-mnt-sentinel");
    }

    private boolean writeAndCheck(int t) throws IOException {
        Path d = Files.createDirectory(mountPoint.resolve("t" + t));
        for (int i = 0; i < 60; i++) {
            byte[] data = randomBytes(10_000 + i, t * 1000L + i);
            Files.write(d.resolve("f" + i), data);
            Files.move(d.resolve("f" + i), d.resolve("g" + i));
            if (!Arrays.equals(data, Files.readAllBytes(d.resolve("g" + i)))) {
                return false;
            }
        }
        return true;
    }

    // ---- what reaches the core

    @Test
    void sendsLargeWritesInLargePieces() throws IOException {
        mount();
        Path f = mountPoint.resolve("f");
        Files.createFile(f);
        try (FileChannel c = FileChannel.open(f, StandardOpenOption.WRITE)) {
            long before = tapped.count("write");
            c.write(ByteBuffer.allocate(1 << 20));
            assertThat(tapped.count("write") - before).isLessThanOrEqualTo(8);
        }
    }

    @Test
    void passesTruncateWithOpen() throws IOException {
        mount();
        Path f = mountPoint.resolve("f");
        Files.write(f, new byte[100]);
        AtomicReference<OpenFlags> seen = new AtomicReference<>();
        tapped.tap("open", (arguments, real) -> {
            seen.set((OpenFlags) arguments[2]);
            return real.call();
        });
        long setattrs = tapped.count("setattr");
        Files.newOutputStream(f, StandardOpenOption.TRUNCATE_EXISTING).close();
        assertThat(seen.get().truncate()).isTrue();
        assertThat(tapped.count("setattr")).isEqualTo(setattrs);
        assertThat(Files.size(f)).isZero();
    }

    @Test
    void letsTheKernelRemember() throws IOException {
        mount();
        Path f = mountPoint.resolve("f");
        Files.write(f, new byte[100]);
        Files.size(f);
        long before = tapped.count("getattr") + tapped.count("lookup");
        for (int i = 0; i < 100; i++) {
            assertThat(Files.size(f)).isEqualTo(100);
        }
        assertThat(tapped.count("getattr") + tapped.count("lookup")).isEqualTo(before);
    }

    @Test
    void asksEachTimeWithoutTimeouts() throws IOException {
        mount("attr_timeout=0", "entry_timeout=0");
        Path f = mountPoint.resolve("f");
        Files.createFile(f);
        long before = tapped.count("getattr") + tapped.count("lookup");
        for (int i = 0; i < 100; i++) {
            assertThat(Files.size(f)).isZero();
        }
        assertThat(tapped.count("getattr") + tapped.count("lookup")).isGreaterThanOrEqualTo(before + 100);
    }

    @Test
    void tellsFsync() throws IOException {
        mount();
        try (FileChannel c =
                FileChannel.open(mountPoint.resolve("f"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            AtomicReference<Object> dataOnly = new AtomicReference<>();
            tapped.tap("fsync", (arguments, real) -> {
                dataOnly.set(arguments[1]);
                return real.call();
            });
            c.write(ByteBuffer.allocate(10));
            c.force(true);
            assertThat(dataOnly.get()).isEqualTo(false);
            c.force(false);
            assertThat(dataOnly.get()).isEqualTo(true);
        }
        try (FileChannel d = FileChannel.open(mountPoint, StandardOpenOption.READ)) {
            d.force(true);
        }
        assertThat(tapped.count("fsyncdir")).isEqualTo(1);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(tapped.count("release")).isEqualTo(1));
        assertThat(tapped.count("flush")).isEqualTo(1);
    }

    // ---- trouble in the core

    @Test
    void turnsADefectIntoEioAndGoesOn() throws IOException {
        mount();
        Path f = mountPoint.resolve("f");
        Files.write(f, new byte[10]);
        for (Throwable t : new Throwable[] {new IllegalStateException("defect"), new StackOverflowError()}) {
            tapped.tap("mkdir", (arguments, real) -> {
                throw t;
            });
            assertThatThrownBy(() -> Files.createDirectory(mountPoint.resolve("d")))
                    .isInstanceOf(FileSystemException.class)
                    .hasMessageContaining("Input/output error");
        }
        tapped.untap("mkdir");
        Files.createDirectory(mountPoint.resolve("d"));
        assertThat(Files.size(f)).isEqualTo(10);
    }

    @Test
    void passesEveryKindOfErrorAsItsErrno() throws IOException {
        mount();
        for (ErrorKind kind : ErrorKind.values()) {
            tapped.tap("symlink", (arguments, real) -> {
                throw PpiofsException.expected(kind, "symlink", "x");
            });
            assertThatThrownBy(() -> Files.createSymbolicLink(mountPoint.resolve("s"), Path.of("t")))
                    .as(kind.name())
                    .isInstanceOf(IOException.class);
        }
        tapped.tap("symlink", (arguments, real) -> {
            throw PpiofsException.expected(ErrorKind.QUOTA_EXCEEDED, "symlink", "x");
        });
        assertThatThrownBy(() -> Files.createSymbolicLink(mountPoint.resolve("s"), Path.of("t")))
                .hasMessageContaining("Disk quota exceeded");
    }

    @Test
    void reportsAFullVolumeAtWrite() throws IOException {
        ModelFileSystem small = new ModelFileSystem(() -> Timestamp.of(Instant.now()), 1 << 20);
        mount(small, mountPoint, false);
        Path f = mountPoint.resolve("f");
        assertThatThrownBy(() -> Files.write(f, new byte[2 << 20])).hasMessageContaining("No space left");
        Files.delete(f);
        // the kernel tells of the close on its own time, and an open file that was deleted still has its bytes
        await().atMost(SOON).untilAsserted(() -> assertThat(small.inodeCount()).isEqualTo(1));
        Files.write(f, new byte[1 << 19]);
        assertThat(Files.size(f)).isEqualTo(1 << 19);
    }

    @Test
    void servesOthersWhileSomeRequestsAreHeldUp() throws Exception {
        mount();
        Path f = mountPoint.resolve("f");
        Files.write(f, new byte[10]);
        CountDownLatch held = new CountDownLatch(THREADS - 1);
        CountDownLatch go = new CountDownLatch(1);
        tapped.tap("fsync", (arguments, real) -> {
            held.countDown();
            go.await();
            return real.call();
        });
        ExecutorService pool = Executors.newCachedThreadPool();
        try {
            List<Future<?>> syncs = new ArrayList<>();
            for (int i = 0; i < THREADS - 1; i++) {
                Path each = mountPoint.resolve("held" + i);
                syncs.add(pool.submit(() -> sync(each)));
            }
            assertThat(held.await(10, TimeUnit.SECONDS)).isTrue();
            Files.write(mountPoint.resolve("other"), new byte[5000]);
            assertThat(Files.size(mountPoint.resolve("other"))).isEqualTo(5000);
            go.countDown();
            for (Future<?> s : syncs) {
                s.get(10, TimeUnit.SECONDS);
            }
        } finally {
            go.countDown();
            pool.shutdownNow();
        }
    }

    private static Void sync(Path f) throws IOException {
        try (FileChannel c = FileChannel.open(f, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            c.force(true);
        }
        return null;
    }

    @Test
    void survivesAProcessKilledInTheMiddleOfARequest() throws Exception {
        mount();
        Files.write(mountPoint.resolve("f"), new byte[100_000]);
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        tapped.tap("read", (arguments, real) -> {
            entered.countDown();
            go.await();
            return real.call();
        });
        Process reader = new ProcessBuilder("cat", mountPoint.resolve("f").toString())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            assertThat(entered.await(10, TimeUnit.SECONDS)).isTrue();
            reader.destroyForcibly();
            go.countDown();
            assertThat(reader.waitFor(10, TimeUnit.SECONDS)).isTrue();
        } finally {
            go.countDown();
            reader.destroyForcibly();
        }
        tapped.untap("read");
        assertThat(Files.readAllBytes(mountPoint.resolve("f"))).hasSize(100_000);
    }

    // ---- mounting

    @Test
    void refusesWhatCannotBeMountedOn() throws IOException {
        Path file = Files.createFile(work.resolve("file"));
        Path full = Files.createDirectory(work.resolve("full"));
        Files.createFile(full.resolve("x"));
        refuses(ErrorKind.NOT_FOUND, work.resolve("none"));
        refuses(ErrorKind.NOT_FOUND, work.resolve("none/below"));
        refuses(ErrorKind.NOT_A_DIRECTORY, file);
        refuses(ErrorKind.NOT_EMPTY, full);
        refuses(ErrorKind.INVALID, mountPoint, "nonsense");
        mount();
        refuses(ErrorKind.BUSY, mountPoint);
        refuses(ErrorKind.BUSY, Path.of("/proc"), "nonempty");
        mount(tapped.core(), full, false, "nonempty");
        assertThat(Files.exists(full.resolve("x"))).isFalse();
    }

    final void refuses(ErrorKind kind, Path where, String... options) {
        assertThatThrownBy(() -> mount(tapped.core(), where, false, options))
                .isInstanceOfSatisfying(PpiofsException.class, e -> {
                    assertThat(e.kind()).isEqualTo(kind);
                    assertThat(e.getMessage()).contains(":").doesNotContain("\n");
                });
    }

    @Test
    void mountsThroughASymlinkAndAtAStrangePlace() throws Exception {
        Path strange = Files.createDirectory(work.resolve("with space\\and,comma"));
        Path link = Files.createSymbolicLink(work.resolve("link"), strange);
        FuseMount m = mount(tapped.core(), link, false);
        assertThat(m.mountPoint()).isEqualTo(strange.toRealPath());
        Files.createFile(link.resolve("x"));
        assertThat(model.inodeCount()).isEqualTo(2);
        m.unmount(false);
        assertThat(Files.exists(link.resolve("x"))).isFalse();
    }

    @Test
    void mountsReadOnly() throws IOException {
        FuseMount rw = mount();
        Files.createFile(mountPoint.resolve("x"));
        rw.unmount(false);
        mount(tapped.core(), mountPoint, true);
        assertThat(Files.exists(mountPoint.resolve("x"))).isTrue();
        assertThatThrownBy(() -> Files.createFile(mountPoint.resolve("y")))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("Read-only");
    }

    @Test
    void removesADeadMountOfOurs() throws IOException {
        DeadMount.at(mountPoint);
        assertThatThrownBy(() -> Files.list(mountPoint).close()).isInstanceOf(IOException.class);
        mount();
        Files.createFile(mountPoint.resolve("x"));
    }

    // ---- unmounting

    @Test
    void saysWhoKeepsItBusy() throws Exception {
        FuseMount m = mount();
        Files.createFile(mountPoint.resolve("f"));
        Process holder = new ProcessBuilder("sleep", "60")
                .redirectInput(mountPoint.resolve("f").toFile())
                .start();
        try {
            assertBusy(m, holder.pid() + " (sleep)");
        } finally {
            end(holder);
        }
        Process inside =
                new ProcessBuilder("sleep", "60").directory(mountPoint.toFile()).start();
        try {
            assertBusy(m, inside.pid() + " (sleep)");
        } finally {
            end(inside);
        }
        // a program of the mount: no descriptor, only mapped pages
        Path program = Files.copy(Path.of("/bin/sleep"), mountPoint.resolve("dozer"));
        assertThat(program.toFile().setExecutable(true)).isTrue();
        Process mapped = new ProcessBuilder(program.toString(), "60").start();
        try {
            assertBusy(m, mapped.pid() + " (dozer)");
        } finally {
            end(mapped);
        }
        m.unmount(false);
        assertThat(m.mounted()).isFalse();
    }

    @Test
    void saysThatAnotherMountKeepsItBusy() throws IOException {
        FuseMount m = mount();
        Path inner = Files.createDirectory(mountPoint.resolve("inner"));
        NativeSystem system = NativeSystem.load();
        assertThat(system.mountPlain("tmpfs", inner)).isZero();
        try {
            assertBusy(m, "the mount at " + inner.toRealPath());
        } finally {
            system.detach(inner);
        }
        m.unmount(false);
    }

    private static void assertBusy(FuseMount m, String who) {
        assertThatThrownBy(() -> m.unmount(false)).isInstanceOfSatisfying(PpiofsException.class, e -> {
            assertThat(e.kind()).isEqualTo(ErrorKind.BUSY);
            assertThat(e.getMessage()).contains(who);
        });
        assertThat(m.mounted()).isTrue();
    }

    private static void end(Process p) throws InterruptedException {
        p.destroyForcibly();
        p.waitFor();
    }

    @Test
    void unmountsByForceWhileFilesAreOpenAndGivesEverythingBack() throws Exception {
        FuseMount m = mount();
        Files.createDirectory(mountPoint.resolve("d"));
        FileChannel c = FileChannel.open(mountPoint.resolve("f"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try (var list = Files.newDirectoryStream(mountPoint)) {
            c.write(ByteBuffer.allocate(10));
            Files.delete(mountPoint.resolve("f"));
            m.unmount(true);
            assertThat(m.mounted()).isFalse();
            assertThat(MountTable.at(mountPoint.toRealPath())).isEmpty();
            assertThatThrownBy(() -> c.write(ByteBuffer.allocate(10))).isInstanceOf(IOException.class);
            assertThat(list).isNotNull();
        } finally {
            // close(2) flushes, which nobody serves any more; the descriptor is gone all the same
            assertThatThrownBy(c::close).isInstanceOf(IOException.class);
        }
        // The open-unlinked file died with the mount; root and d live by their names.
        assertThat(model.inodeCount()).isEqualTo(2);
        assertThat(model.lookupCount()).isZero();
        assertThat(m.awaitEnd(Duration.ZERO)).isTrue();
    }

    @Test
    void unmountsByForceUnderLoad() throws Exception {
        FuseMount m = mount();
        CountDownLatch busy = new CountDownLatch(4);
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try {
            List<Future<Integer>> writers = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                Path mine = mountPoint.resolve("load" + t);
                writers.add(pool.submit(() -> writeUntilItFails(mine, busy)));
            }
            assertThat(busy.await(20, TimeUnit.SECONDS)).isTrue();
            m.unmount(true);
            for (Future<Integer> w : writers) {
                assertThat(w.get(20, TimeUnit.SECONDS)).isPositive();
            }
        } finally {
            pool.shutdownNow();
        }
        assertThat(m.mounted()).isFalse();
        assertThat(MountTable.at(mountPoint.toRealPath())).isEmpty();
        assertThat(model.lookupCount()).isZero();
        assertThat(openFuseDescriptors()).isZero();
    }

    private static int writeUntilItFails(Path file, CountDownLatch busy) {
        int written = 0;
        try (FileChannel c = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            while (true) {
                c.write(ByteBuffer.allocate(100_000), written * 1000L);
                if (++written == 20) {
                    busy.countDown();
                }
            }
        } catch (IOException e) {
            return written; // the mount has gone under it
        }
    }

    @Test
    void noticesThatSomebodyElseUnmounted() throws Exception {
        FuseMount m = mount();
        assertThat(m.awaitEnd(Duration.ofMillis(1))).isFalse();
        Process p = new ProcessBuilder("umount", mountPoint.toString())
                .directory(work.toFile())
                .redirectErrorStream(true)
                .start();
        try (InputStream out = p.getInputStream()) {
            assertThat(p.waitFor()).as(new String(out.readAllBytes(), UTF_8)).isZero();
        }
        assertThat(m.awaitEnd(SOON)).isTrue();
        m.awaitEnd();
        assertThat(m.mounted()).isFalse();
        m.unmount(false);
    }

    @Test
    void leavesAMountOnTopAlone() throws Exception {
        FuseMount below = mount();
        MovedMount above = overlay();
        assertThatThrownBy(() -> below.unmount(false))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.BUSY));
        assertThat(above.mounted()).isTrue();
        above.unmount(false);
        below.unmount(false);
    }

    /** Mounts a second model over the first: not through the driver, which refuses that. */
    private MovedMount overlay() throws Exception {
        Path second = Files.createDirectory(work.resolve("second"));
        FuseMount m = mount(new ModelFileSystem(), second, false);
        run("mount", "--move", second.toString(), mountPoint.toString());
        return new MovedMount(m, mountPoint);
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(p.getInputStream().readAllBytes(), UTF_8);
        assertThat(p.waitFor()).as(output).isZero();
    }

    /** A mount that has been moved; unmounted by its new place. */
    private record MovedMount(FuseMount mount, Path place) {
        boolean mounted() {
            return mount.mounted();
        }

        void unmount(boolean force) throws Exception {
            run("umount", place.toString());
            assertThat(mount.awaitEnd(SOON)).isTrue();
        }
    }

    @Test
    void mountsAgainAndAgain() throws IOException {
        for (int i = 0; i < 20; i++) {
            FuseMount m = mount();
            Files.write(mountPoint.resolve("f" + i), new byte[i]);
            m.unmount(false);
        }
        assertThat(model.inodeCount()).isEqualTo(21);
        assertThat(model.lookupCount()).isZero();
        assertThat(openFuseDescriptors()).isZero();
    }

    private static long openFuseDescriptors() throws IOException {
        long n = 0;
        try (var s = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path p : s) {
                n += Files.isSymbolicLink(p) && "/dev/fuse".equals(target(p)) ? 1 : 0;
            }
        }
        return n;
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return ""; // closed meanwhile
        }
    }
}
