package io.ppiofs.fs.journal;

import com.google.common.util.concurrent.Uninterruptibles;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.Closeable;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The journal of a volume: records in one order, numbered from 1 without gaps, durable after {@link #commit}. One thread
 * of its own does all writing, so concurrent commits share a flush and an interrupted caller does no harm. Thread-safe.
 */
public final class Journal implements Closeable {
    /** The largest record. */
    public static final int MAX_RECORD_BYTES = 16 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(Journal.class);

    private final Barrier barrier;
    private final long maxPendingBytes;
    private final ReplayReport report;
    private final JournalWriter writer;
    private final Thread thread;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition progress = lock.newCondition();

    // Guarded by lock.
    private final Deque<RecordBatch> pending = new ArrayDeque<>();
    private final Deque<FutureTask<?>> tasks = new ArrayDeque<>();
    private long lastLsn;
    private long wantedLsn;
    private int generation;
    private boolean generationHasRecords;
    private boolean closing;
    private boolean ended;
    /** Failed flushes so far; who waits compares. */
    private long failures;
    /** Of the last flush; null if it went well. */
    private @Nullable PpiofsException failure;

    /** Null while no copies are made elsewhere. */
    private @Nullable Copying copying;

    /** Where copies of records go, and what seals them; the seal is used by the journal's thread only. */
    private record Copying(JournalReplica replica, ReplicaSeal seal) {}

    /** Written under lock, read by any. */
    private volatile long durableLsn;

    private volatile long pendingBytes;

    /** Taken from pending, not yet durable. Only the journal's thread touches it. */
    private final List<RecordBatch> inFlight = new ArrayList<>();

    private Journal(Barrier barrier, JournalOptions options, ReplayReport report, JournalWriter writer, String name) {
        this.barrier = barrier;
        this.maxPendingBytes = options.maxPendingBytes();
        this.report = report;
        this.writer = writer;
        lastLsn = report.lastLsn();
        durableLsn = lastLsn;
        wantedLsn = lastLsn;
        thread = new Thread(this::run, "ppiofs-journal-" + name);
        thread.setDaemon(true);
    }

    /**
     * Replays the records behind {@code fromLsn} in order, then takes new ones into a new file. What a power cut left
     * unfinished at the very end is cut off (see {@link #replayReport}); it was never reported durable. The caller makes
     * sure that one process at a time uses {@code dir}.
     *
     * @param dir created if missing
     * @param key 32 bytes of this volume, copied
     * @param fromLsn the last record that the checkpoint covers, 0 if there is none
     * @param barrier run before records are written
     * @throws PpiofsException CORRUPT (damage that is not an unfinished end, a missing file), WRONG_KEY,
     *     UNSUPPORTED_FORMAT, IO; nothing on disk has been changed then
     */
    public static Journal open(
            Path dir, byte[] key, long fromLsn, Barrier barrier, ReplayConsumer consumer, JournalOptions options) {
        return open(dir, key, fromLsn, barrier, consumer, options, JournalDisk.real());
    }

    static Journal open(
            Path dir,
            byte[] key,
            long fromLsn,
            Barrier barrier,
            ReplayConsumer consumer,
            JournalOptions options,
            JournalDisk disk) {
        if (key.length != JournalFormat.KEY_BYTES || fromLsn < 0) {
            throw new IllegalArgumentException("key of " + key.length + " bytes, fromLsn " + fromLsn);
        }
        JournalReplay replay = new JournalReplay(dir, key, fromLsn, consumer, disk);
        ReplayReport report = replay.run();
        JournalWriter writer = new JournalWriter(dir, key, disk, replay.segments(), replay.chainTag());
        Journal journal = new Journal(barrier, options, report, writer, String.valueOf(dir.getFileName()));
        journal.thread.start();
        return journal;
    }

    /** What {@link #open} found. */
    public ReplayReport replayReport() {
        return report;
    }

    /**
     * Buffers one record made of the buffers' remaining bytes (their positions move); returns its lsn. Waits while {@link
     * JournalOptions#maxPendingBytes} are buffered.
     *
     * @throws PpiofsException NO_SPACE, IO if it had to wait and the flush failed; the record is not in the journal then
     */
    public long append(ByteBuffer... payload) {
        long length = 0;
        for (ByteBuffer part : payload) {
            length += part.remaining();
        }
        int bytes = checkedLength(length);
        lock.lock();
        try {
            awaitRoom(bytes);
            batchFor(bytes).add(bytes, payload);
            return appended(bytes);
        } finally {
            lock.unlock();
        }
    }

    /** As {@link #append(ByteBuffer...)} for a part of an array, which is copied. */
    public long append(byte[] record, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, record.length);
        checkedLength(length);
        lock.lock();
        try {
            awaitRoom(length);
            batchFor(length).add(record, offset, length);
            return appended(length);
        } finally {
            lock.unlock();
        }
    }

    private static int checkedLength(long length) {
        if (length > MAX_RECORD_BYTES) {
            throw new IllegalArgumentException("record of " + length + " bytes");
        }
        return (int) length;
    }

    private void awaitRoom(int bytes) {
        checkOpen();
        long failuresBefore = failures;
        while (pendingBytes > 0 && pendingBytes + bytes > maxPendingBytes) {
            want(lastLsn);
            progress.awaitUninterruptibly();
            throwIfFailedSince(failuresBefore);
            checkOpen();
        }
    }

    private RecordBatch batchFor(int bytes) {
        RecordBatch batch = pending.peekLast();
        if (batch == null || batch.generation() != generation || !batch.hasRoomFor(bytes)) {
            batch = new RecordBatch(lastLsn + 1, generation, bytes);
            pending.addLast(batch);
        }
        return batch;
    }

    private long appended(int bytes) {
        generationHasRecords = true;
        pendingBytes += JournalFormat.RECORD_HEADER_BYTES + bytes;
        lastLsn++;
        // Begin early, so that a steady writer need not wait; not while the disk fails, then only who waits tries
        // again.
        if (pendingBytes > maxPendingBytes / 2 && failure == null) {
            want(lastLsn);
        }
        return lastLsn;
    }

    /**
     * Returns when every record up to {@code lsn} survives kill -9 and power loss.
     *
     * @throws PpiofsException what the barrier threw, NO_SPACE or IO; the records stay buffered and a later commit tries
     *     again
     */
    public void commit(long lsn) {
        if (durableLsn >= lsn) {
            return;
        }
        lock.lock();
        try {
            if (lsn > lastLsn) {
                throw new IllegalArgumentException("commit of record " + lsn + ", the last one is " + lastLsn);
            }
            long failuresBefore = failures;
            while (durableLsn < lsn) {
                checkOpen();
                want(lsn);
                progress.awaitUninterruptibly();
                if (durableLsn < lsn) {
                    throwIfFailedSince(failuresBefore);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void want(long lsn) {
        if (lsn > wantedLsn) {
            wantedLsn = lsn;
            work.signal();
        }
    }

    private void throwIfFailedSince(long failuresBefore) {
        if (failures != failuresBefore && failure != null) {
            throw again(failure);
        }
    }

    /** One for each waiter: stack traces are not shared. */
    private static PpiofsException again(PpiofsException e) {
        String message = String.valueOf(e.getMessage());
        String prefix = e.operation() + " " + e.subject() + ": ";
        String detail = message.startsWith(prefix) ? message.substring(prefix.length()) : message;
        return new PpiofsException(e.kind(), e.operation(), e.subject(), detail, e);
    }

    private void checkOpen() {
        if (closing || ended) {
            throw new IllegalStateException("the journal is closed", failure);
        }
    }

    /**
     * From now on each record is given to {@code replica}, too, sealed, once it is durable here.
     *
     * @param seal used by nobody else
     * @return the last record that is not given to it
     */
    public long copyTo(JournalReplica replica, ReplicaSeal seal) {
        lock.lock();
        try {
            checkOpen();
            if (copying != null) {
                throw new IllegalStateException("copies are made already");
            }
            copying = new Copying(replica, seal);
            return durableLsn;
        } finally {
            lock.unlock();
        }
    }

    /** Later records go to a new file; returns the last lsn before it. Does not wait for the disk. */
    public long roll() {
        lock.lock();
        try {
            checkOpen();
            if (generationHasRecords) {
                generation++;
                generationHasRecords = false;
            }
            return lastLsn;
        } finally {
            lock.unlock();
        }
    }

    /** Deletes the files all of whose records are ≤ {@code lsn}; the file that takes new records stays. */
    public void trim(long lsn) {
        FutureTask<?> task = new FutureTask<>(() -> writer.trim(lsn, firstLiveGeneration()), null);
        lock.lock();
        try {
            checkOpen();
            tasks.add(task);
            work.signal();
        } finally {
            lock.unlock();
        }
        try {
            Uninterruptibles.getUninterruptibly(task);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof PpiofsException p) {
                throw again(p);
            }
            throw new IllegalStateException("trim of the journal failed", e);
        }
    }

    /** The first generation that may still get records. Journal's thread. */
    private int firstLiveGeneration() {
        lock.lock();
        try {
            if (!inFlight.isEmpty()) {
                return inFlight.get(0).generation();
            }
            RecordBatch first = pending.peekFirst();
            return first == null ? generation : first.generation();
        } finally {
            lock.unlock();
        }
    }

    /** Bytes of the files not yet trimmed plus what is buffered. */
    public long bytes() {
        return writer.fileBytes() + pendingBytes;
    }

    /** The lsn of the last record appended; before the first one, that of the replay's end. */
    public long lastLsn() {
        lock.lock();
        try {
            return lastLsn;
        } finally {
            lock.unlock();
        }
    }

    /** Records up to here survive anything. */
    public long durableLsn() {
        return durableLsn;
    }

    /** Commits what is buffered, then closes; closes also if the commit fails, which it throws. Idempotent. */
    @Override
    public void close() {
        try {
            lock.lock();
            long last;
            boolean again;
            try {
                last = lastLsn;
                again = closing || ended;
            } finally {
                lock.unlock();
            }
            if (!again) {
                commit(last);
            }
        } finally {
            abandon();
        }
    }

    /** Closes without a commit: buffered records are lost, as after kill -9. Idempotent. */
    public void abandon() {
        lock.lock();
        try {
            closing = true;
            work.signal();
        } finally {
            lock.unlock();
        }
        Uninterruptibles.joinUninterruptibly(thread);
    }

    /** The journal's thread. */
    private void run() {
        try {
            for (Runnable next = nextJob(); next != null; next = nextJob()) {
                next.run();
            }
        } finally {
            end();
        }
    }

    private @Nullable Runnable nextJob() {
        lock.lock();
        try {
            while (true) {
                if (closing) {
                    return null;
                }
                FutureTask<?> task = tasks.poll();
                if (task != null) {
                    return task;
                }
                if (wantedLsn > durableLsn) {
                    inFlight.addAll(pending);
                    pending.clear();
                    return this::flush;
                }
                work.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    private void flush() {
        try {
            // After the records were taken, before they are written: what they refer to was written before they came.
            barrier.run();
            writer.write(List.copyOf(inFlight), this::madeDurable);
        } catch (PpiofsException e) {
            failed(e);
        } catch (RuntimeException e) {
            failed(new PpiofsException(ErrorKind.INTERNAL, "commit", "journal", String.valueOf(e.getMessage()), e));
        }
    }

    private void madeDurable(long lsn) {
        List<RecordBatch> done = new ArrayList<>();
        Copying copies;
        lock.lock();
        try {
            while (!inFlight.isEmpty() && inFlight.get(0).lastLsn() <= lsn) {
                RecordBatch batch = inFlight.remove(0);
                pendingBytes -= batch.length();
                done.add(batch);
            }
            durableLsn = lsn;
            failure = null;
            copies = copying;
            progress.signalAll();
        } finally {
            lock.unlock();
        }
        if (copies != null) {
            for (RecordBatch batch : done) {
                copies.seal()
                        .seal(batch.firstLsn(), batch.count(), batch.bytes(), batch.length())
                        .forEach(copies.replica()::append);
            }
        }
    }

    private void failed(PpiofsException e) {
        lock.lock();
        try {
            failure = e;
            failures++;
            // Not again by itself: the next commit decides.
            wantedLsn = durableLsn;
            progress.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        try {
            writer.close();
        } catch (PpiofsException e) {
            // Everything reported durable was synced before; the descriptor is all that is lost.
            LOG.warn("closing the journal's last file failed", e);
        } finally {
            lock.lock();
            try {
                ended = true;
                tasks.forEach(t -> t.cancel(false));
                tasks.clear();
                progress.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }
}
