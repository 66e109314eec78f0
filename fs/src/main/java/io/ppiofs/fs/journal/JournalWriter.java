package io.ppiofs.fs.journal;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.journal.JournalFormat.FrameHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Seals batches into the current file and keeps the list of files. After a failure it stands where it stood after the
 * last success. Used by the journal's thread only; {@link #fileBytes} may be asked by any.
 */
final class JournalWriter {
    /** A file with records. {@code size} is what is known to be good. */
    record Segment(Path path, long lastLsn, long size) {}

    private static final String OPERATION = "write journal";

    private final Path dir;
    private final byte[] key;
    private final JournalDisk disk;
    private final SecureRandom random = new SecureRandom();
    private final List<Segment> segments;

    private byte[] chainTag;
    private @Nullable OpenFile current;
    private ByteBuffer out = ByteBuffer.allocate(64 << 10);
    private volatile long fileBytes;

    /** The file being written; the fields count what is durable. */
    private static final class OpenFile {
        private final Path path;
        private final JournalDisk.DiskFile file;
        private final FileSeal seal;
        private final int generation;
        private long size = JournalFormat.FILE_HEADER_BYTES;
        private long lastLsn;
        private byte[] tag;
        /** Grows with every try, also failed ones: a nonce never meets two plaintexts. */
        private long nonce;

        OpenFile(Path path, JournalDisk.DiskFile file, FileSeal seal, int generation, long firstLsn, byte[] tag) {
            this.path = path;
            this.file = file;
            this.seal = seal;
            this.generation = generation;
            this.lastLsn = firstLsn - 1;
            this.tag = tag;
        }
    }

    JournalWriter(Path dir, byte[] key, JournalDisk disk, List<Segment> segments, byte[] chainTag) {
        this.dir = dir;
        this.key = key.clone();
        this.disk = disk;
        this.segments = new ArrayList<>(segments);
        this.chainTag = chainTag;
        count();
    }

    /** Bytes of all files. Any thread. */
    long fileBytes() {
        return fileBytes;
    }

    /**
     * Writes and syncs; tells after each sync the last lsn that is durable now.
     *
     * @param batches in lsn order, the first follows what is durable
     * @throws PpiofsException NO_SPACE, IO; what {@code durable} was not told is to be written again
     */
    void write(List<RecordBatch> batches, LongConsumer durable) {
        int from = 0;
        while (from < batches.size()) {
            int to = from + 1;
            while (to < batches.size()
                    && batches.get(to).generation() == batches.get(from).generation()) {
                to++;
            }
            OpenFile file = fileFor(batches.get(from));
            writeTo(file, batches.subList(from, to));
            durable.accept(file.lastLsn);
            from = to;
        }
    }

    private OpenFile fileFor(RecordBatch batch) {
        if (current != null && current.generation != batch.generation()) {
            retire();
        }
        if (current == null) {
            current = create(batch);
            count();
        }
        return current;
    }

    private OpenFile create(RecordBatch batch) {
        Path path = dir.resolve(JournalFormat.fileName(batch.firstLsn()));
        byte[] salt = new byte[JournalFormat.SALT_BYTES];
        random.nextBytes(salt);
        FileSeal seal = new FileSeal(key, salt);
        ByteBuffer header = JournalFormat.fileHeader(salt, batch.firstLsn(), chainTag);
        byte[] tag = seal.sealHeader(header);
        JournalDisk.DiskFile file = null;
        try {
            file = disk.create(path);
            file.write(header.flip(), 0);
            // Before any frame, so that a bad header with frames behind it is damage for certain.
            file.force();
            disk.syncDirectory(dir);
            return new OpenFile(path, file, seal, batch.generation(), batch.firstLsn(), tag);
        } catch (IOException e) {
            PpiofsException failure = JournalFormat.ioFailure(OPERATION, path, e);
            close(file, failure);
            delete(path, failure);
            throw failure;
        }
    }

    private void writeTo(OpenFile file, List<RecordBatch> batches) {
        long size = file.size;
        byte[] tag = file.tag;
        try {
            for (RecordBatch batch : batches) {
                ByteBuffer frame = seal(file, batch, tag);
                tag = tagOf(frame);
                int length = frame.remaining();
                file.file.write(frame, size);
                size += length;
            }
        } catch (IOException e) {
            PpiofsException failure = JournalFormat.ioFailure(OPERATION, file.path, e);
            backToGood(file, failure);
            throw failure;
        }
        try {
            file.file.force();
        } catch (IOException e) {
            // The kernel may have dropped the pages: nothing that this file says about them can be trusted any more.
            PpiofsException failure = JournalFormat.ioFailure(OPERATION, file.path, e);
            giveUp(file, failure);
            throw failure;
        }
        file.size = size;
        file.tag = tag;
        file.lastLsn = batches.get(batches.size() - 1).lastLsn();
        chainTag = tag;
        count();
    }

    private ByteBuffer seal(OpenFile file, RecordBatch batch, byte[] previousTag) {
        int needed = JournalFormat.FRAME_OVERHEAD + batch.length();
        ByteBuffer frame =
                needed > 2 * JournalFormat.FRAME_TARGET_BYTES ? ByteBuffer.allocate(needed) : reusable(needed);
        file.nonce++;
        new FrameHeader(batch.length(), batch.firstLsn(), batch.count(), file.nonce, file.size, previousTag)
                .writeTo(frame);
        file.seal.seal(file.nonce, frame, 0, batch.bytes(), batch.length());
        int sealed = frame.position() - JournalFormat.FRAME_HEADER_BYTES;
        frame.putInt(JournalFormat.crc(frame.array(), JournalFormat.FRAME_HEADER_BYTES, sealed));
        return frame.flip();
    }

    private ByteBuffer reusable(int needed) {
        if (needed > out.capacity()) {
            out = ByteBuffer.allocate(Math.max(needed, 2 * out.capacity()));
        }
        return out.clear();
    }

    private static byte[] tagOf(ByteBuffer frame) {
        int end = frame.limit() - JournalFormat.CRC_BYTES;
        return Arrays.copyOfRange(frame.array(), end - JournalFormat.TAG_BYTES, end);
    }

    private void backToGood(OpenFile file, PpiofsException failure) {
        try {
            file.file.truncate(file.size);
        } catch (IOException e) {
            failure.addSuppressed(e);
            giveUp(file, failure);
        }
    }

    /** What was durable stays and is continued in a new file; what is behind it in this file no longer counts. */
    private void giveUp(OpenFile file, PpiofsException failure) {
        current = null;
        close(file.file, failure);
        if (file.size == JournalFormat.FILE_HEADER_BYTES) {
            delete(file.path, failure);
        } else {
            segments.add(new Segment(file.path, file.lastLsn, file.size));
        }
        count();
    }

    /** The current file takes no more records. */
    private void retire() {
        OpenFile file = current;
        current = null;
        if (file == null) {
            return;
        }
        if (file.size > JournalFormat.FILE_HEADER_BYTES) {
            segments.add(new Segment(file.path, file.lastLsn, file.size));
        }
        try {
            file.file.close();
            if (file.size == JournalFormat.FILE_HEADER_BYTES) {
                disk.delete(file.path);
            }
        } catch (IOException e) {
            throw JournalFormat.ioFailure("close journal", file.path, e);
        } finally {
            count();
        }
    }

    /**
     * Deletes files all of whose records are ≤ {@code lsn}, oldest first.
     *
     * @param firstLiveGeneration the current file is kept if it may get records of this generation or later
     */
    void trim(long lsn, int firstLiveGeneration) {
        if (current != null && current.generation < firstLiveGeneration && current.lastLsn <= lsn) {
            retire();
        }
        boolean deleted = false;
        try {
            for (Iterator<Segment> it = segments.iterator(); it.hasNext(); ) {
                Segment segment = it.next();
                if (segment.lastLsn > lsn) {
                    break;
                }
                disk.delete(segment.path);
                it.remove();
                deleted = true;
            }
            if (deleted) {
                disk.syncDirectory(dir);
            }
        } catch (IOException e) {
            throw JournalFormat.ioFailure("trim journal", dir, e);
        } finally {
            count();
        }
    }

    /** Closes the current file; what is durable stays. */
    void close() {
        retire();
    }

    private void count() {
        long sum = current == null ? 0 : current.size;
        for (Segment segment : segments) {
            sum += segment.size;
        }
        fileBytes = sum;
    }

    private static void close(JournalDisk.@Nullable DiskFile file, PpiofsException failure) {
        try {
            if (file != null) {
                file.close();
            }
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    private void delete(Path path, PpiofsException failure) {
        try {
            disk.delete(path);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }
}
