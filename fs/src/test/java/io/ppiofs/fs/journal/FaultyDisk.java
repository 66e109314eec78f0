package io.ppiofs.fs.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** The real disk with calls that fail on demand. A failing write first writes half. */
final class FaultyDisk implements JournalDisk {
    enum Call {
        CREATE,
        WRITE,
        FORCE,
        TRUNCATE,
        CLOSE,
        DELETE,
        SYNC_DIRECTORY
    }

    private final JournalDisk real = JournalDisk.real();
    private final AtomicInteger[] failing = new AtomicInteger[Call.values().length];
    final AtomicLong calls = new AtomicLong();
    final AtomicLong forces = new AtomicLong();
    final AtomicLong writes = new AtomicLong();
    private volatile String message = "Input/output error";
    /** The call with this number fails, whatever it is; 0 for none. */
    volatile long failCall;

    FaultyDisk() {
        for (int i = 0; i < failing.length; i++) {
            failing[i] = new AtomicInteger();
        }
    }

    /** The next {@code times} calls of this kind fail. */
    void fail(Call call, int times, String reason) {
        message = reason;
        failing[call.ordinal()].set(times);
    }

    private boolean fails(Call call) {
        boolean byNumber = calls.incrementAndGet() == failCall;
        return byNumber || failing[call.ordinal()].getAndUpdate(n -> Math.max(0, n - 1)) > 0;
    }

    private void check(Call call) throws IOException {
        if (fails(call)) {
            throw new IOException(message);
        }
    }

    @Override
    public DiskFile create(Path path) throws IOException {
        check(Call.CREATE);
        return new Faulty(real.create(path));
    }

    @Override
    public DiskFile open(Path path) throws IOException {
        return new Faulty(real.open(path));
    }

    @Override
    public void delete(Path path) throws IOException {
        check(Call.DELETE);
        real.delete(path);
    }

    @Override
    public void syncDirectory(Path dir) throws IOException {
        check(Call.SYNC_DIRECTORY);
        real.syncDirectory(dir);
    }

    private final class Faulty implements DiskFile {
        private final DiskFile file;

        Faulty(DiskFile file) {
            this.file = file;
        }

        @Override
        public void write(ByteBuffer bytes, long offset) throws IOException {
            writes.incrementAndGet();
            if (fails(Call.WRITE)) {
                file.write(bytes.slice(bytes.position(), bytes.remaining() / 2), offset);
                throw new IOException(message);
            }
            file.write(bytes, offset);
        }

        @Override
        public void force() throws IOException {
            forces.incrementAndGet();
            check(Call.FORCE);
            file.force();
        }

        @Override
        public void truncate(long length) throws IOException {
            check(Call.TRUNCATE);
            file.truncate(length);
        }

        @Override
        public void close() throws IOException {
            file.close();
            check(Call.CLOSE);
        }
    }
}
