package io.ppiofs.fs.core;

import io.ppiofs.fs.testing.InMemoryBlocks;
import io.ppiofs.fs.tree.SipHash;
import io.ppiofs.fs.volume.HybridLogicalClock;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** A core over blocks in memory and a journal on disk, that can be closed, killed or hit by a power cut, and reopened. */
final class CoreFixture {
    /** A head in memory. */
    static final class MemoryCheckpoints implements CheckpointStore {
        private Checkpoint last = new Checkpoint(null, 0, 2, 0);
        private RuntimeException failure;

        @Override
        public synchronized Checkpoint load() {
            return last;
        }

        @Override
        public synchronized void save(Checkpoint checkpoint) {
            if (failure != null) {
                throw failure;
            }
            last = checkpoint;
        }

        synchronized void fail(RuntimeException with) {
            failure = with;
        }
    }

    /** A disk of a size that a test sets. */
    static final class Space implements SpaceAccount {
        final AtomicLong available = new AtomicLong(Long.MAX_VALUE / 2);

        @Override
        public void reserve(long bytes) {
            if (available.addAndGet(-bytes) < 0) {
                available.addAndGet(bytes);
                throw io.ppiofs.error.PpiofsException.expected(io.ppiofs.error.ErrorKind.NO_SPACE, "write", "disk");
            }
        }

        @Override
        public void charge(long bytes) {
            available.addAndGet(-bytes);
        }

        @Override
        public void release(long bytes) {
            available.addAndGet(bytes);
        }

        @Override
        public boolean relieve() {
            return false;
        }

        @Override
        public long totalBytes() {
            return 1L << 40;
        }

        @Override
        public long availableBytes() {
            return available.get();
        }
    }

    final InMemoryBlocks blocks;
    final MemoryCheckpoints checkpoints = new MemoryCheckpoints();
    final Space space = new Space();
    final HybridLogicalClock clock = new HybridLogicalClock(java.time.InstantSource.system(), 0);
    private final Path journal;
    private final CoreOptions options;
    VolumeFileSystem fs;

    CoreFixture(Path directory) {
        this(directory, CoreOptions.defaults().withIntervals(Duration.ofHours(1), Duration.ofHours(1)));
    }

    CoreFixture(Path directory, CoreOptions options) {
        this.journal = directory.resolve("journal");
        this.blocks = new InMemoryBlocks();
        this.options = options;
        open();
    }

    void open() {
        fs = VolumeFileSystem.open(volume(), options, Map.of());
    }

    private CoreVolume volume() {
        return new CoreVolume(
                "test",
                blocks,
                new SipHash(new byte[16]),
                new SipHash(new byte[] {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
                journal,
                new byte[32],
                checkpoints,
                clock,
                0,
                space);
    }

    /** Another process goes on; its core has yet to hear what is still in use. */
    void resume() {
        fs.close();
        fs = VolumeFileSystem.resume(volume(), options, Map.of(), java.time.Clock.systemUTC());
    }

    void reopen() {
        fs.close();
        open();
    }

    /** kill -9: what was written to disk survives, what was only in memory is gone. */
    void kill() {
        fs.engine().abandon();
        open();
    }

    /** Power cut: what was not flushed is gone too. */
    void powerCut() {
        fs.engine().abandon();
        blocks.powerCut();
        open();
    }

    Attr lookup(String path) {
        Attr at = fs.getattr(Ino.ROOT);
        for (String part : path.split("/")) {
            if (!part.isEmpty()) {
                at = fs.lookup(at.ino(), FileName.of(part));
            }
        }
        return at;
    }

    OpenFile create(String name) {
        return fs.create(Caller.ROOT, Ino.ROOT, FileName.of(name), 0644, OpenFlags.ofLinux(2))
                .file();
    }

    OpenFile open(String path) {
        return fs.open(Caller.ROOT, lookup(path).ino(), OpenFlags.ofLinux(2));
    }

    void write(OpenFile file, long offset, byte[] bytes) {
        fs.write(file, offset, ByteBuffer.wrap(bytes));
    }

    byte[] read(OpenFile file, long offset, int n) {
        ByteBuffer out = ByteBuffer.allocate(n);
        int got = fs.read(file, offset, out);
        byte[] bytes = new byte[got];
        out.flip().get(bytes);
        return bytes;
    }

    byte[] readAll(String path) {
        OpenFile f = open(path);
        try {
            return read(f, 0, (int) fs.getattr(f.ino()).size());
        } finally {
            fs.release(f);
        }
    }

    private final Map<String, byte[]> expected = new java.util.concurrent.ConcurrentHashMap<>();

    /** Remembers what a file holds, for {@link #verifyAll}. */
    void reopenable(byte[] content, String name) {
        expected.put(name, content);
    }

    void verifyAll() {
        expected.forEach((name, content) -> {
            byte[] got = readAll(name);
            org.assertj.core.api.Assertions.assertThat(
                            java.util.Arrays.mismatch(got, java.util.Arrays.copyOf(content, got.length)))
                    .as(name)
                    .isEqualTo(-1);
        });
    }

    /** A store that has whatever the blocks in memory have: {@link Fsck} reads blocks by name only. */
    io.ppiofs.blockstore.BlockStore everyBlock() {
        return (io.ppiofs.blockstore.BlockStore) java.lang.reflect.Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {io.ppiofs.blockstore.BlockStore.class},
                (proxy, method, arguments) -> {
                    assertOnlyGet(method.getName());
                    return java.util.Collections.nCopies(((List<?>) arguments[0]).size(), ByteBuffer.allocate(1));
                });
    }

    private static void assertOnlyGet(String method) {
        if (!method.equals("get")) {
            throw new IllegalStateException("a check only reads, it called " + method);
        }
    }
}
