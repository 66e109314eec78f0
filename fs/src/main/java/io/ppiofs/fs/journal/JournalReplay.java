package io.ppiofs.fs.journal;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Reads the files of earlier runs. Changes nothing on disk before everything has been read and found good; then cuts off
 * an unfinished end and removes files without records. One thread, used once.
 */
final class JournalReplay {
    private static final String OPERATION = "replay journal";
    private static final String WHAT_TO_DO =
            "; restore the file from a backup, or move the journal away to go on from the last checkpoint without it";

    private final Path dir;
    private final byte[] key;
    private final long fromLsn;
    private final ReplayConsumer consumer;
    private final JournalDisk disk;

    private final List<JournalWriter.Segment> segments = new ArrayList<>();
    private final List<Path> toDelete = new ArrayList<>();
    private byte[] chainTag = new byte[JournalFormat.TAG_BYTES];
    private long nextLsn;
    private long replayed;
    private int tornTails;
    private long tornBytes;

    JournalReplay(Path dir, byte[] key, long fromLsn, ReplayConsumer consumer, JournalDisk disk) {
        this.dir = dir;
        this.key = key;
        this.fromLsn = fromLsn;
        this.consumer = consumer;
        this.disk = disk;
    }

    /** Files that hold records, oldest first. */
    List<JournalWriter.Segment> segments() {
        return segments;
    }

    /** Tag of the last record's frame, to be continued. */
    byte[] chainTag() {
        return chainTag;
    }

    ReplayReport run() {
        try {
            createDirectory();
            List<Path> files = files();
            while (!files.isEmpty() && isUnfinishedCreation(files.get(files.size() - 1))) {
                tornTails++;
                Path torn = files.remove(files.size() - 1);
                tornBytes += Files.size(torn);
                toDelete.add(torn);
            }
            int first = firstNeeded(files);
            for (int i = 0; i < first; i++) {
                long next = JournalFormat.firstLsn(files.get(i + 1));
                segments.add(new JournalWriter.Segment(files.get(i), next - 1, Files.size(files.get(i))));
            }
            for (int i = first; i < files.size(); i++) {
                readFile(files, i, i == first);
            }
            long lastLsn = finish();
            return new ReplayReport(replayed, lastLsn, tornTails, tornBytes);
        } catch (IOException e) {
            throw JournalFormat.ioFailure(OPERATION, dir, e);
        }
    }

    /** A record is only as durable as the entry of the directory that it is in. */
    private void createDirectory() throws IOException {
        Path parent = dir.toAbsolutePath().getParent();
        if (!Files.isDirectory(dir)) {
            Files.createDirectories(dir);
            if (parent != null) {
                disk.syncDirectory(parent);
            }
        }
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(dir)) {
            return new ArrayList<>(
                    all.filter(JournalFormat::isJournalFile).sorted().toList());
        }
    }

    /** The header is synced before the first frame is written, so a bad one counts as torn only if nothing follows. */
    private static boolean isUnfinishedCreation(Path file) throws IOException {
        long size = Files.size(file);
        return size < JournalFormat.FILE_HEADER_BYTES
                || (size == JournalFormat.FILE_HEADER_BYTES
                        && !JournalFileReader.isIntactHeader(Files.readAllBytes(file)));
    }

    /** Index of the file that holds record {@code fromLsn + 1}; earlier ones are covered by the checkpoint. */
    private int firstNeeded(List<Path> files) {
        int needed = 0;
        for (int i = 0; i < files.size(); i++) {
            if (JournalFormat.firstLsn(files.get(i)) <= fromLsn + 1) {
                needed = i;
            }
        }
        if (!files.isEmpty() && JournalFormat.firstLsn(files.get(0)) > fromLsn + 1) {
            throw corrupt(
                    files.get(0),
                    0,
                    "it begins with record " + JournalFormat.firstLsn(files.get(0)) + ", but record " + (fromLsn + 1)
                            + " is needed: an earlier file is missing");
        }
        return needed;
    }

    private void readFile(List<Path> files, int i, boolean firstRead) throws IOException {
        Path path = files.get(i);
        boolean last = i == files.size() - 1;
        long end = last ? Long.MAX_VALUE : JournalFormat.firstLsn(files.get(i + 1));
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            JournalFileReader reader = new JournalFileReader(path, channel, key);
            if (firstRead) {
                nextLsn = reader.firstLsn();
            } else if (!Arrays.equals(reader.previousTag(), chainTag) || reader.firstLsn() != nextLsn) {
                throw corrupt(path, 0, "it does not continue the file before it: a file is missing or from elsewhere");
            }
            byte[] tagBefore = chainTag;
            chainTag = reader.headerTag();
            long offset = readFrames(reader, end);
            if (nextLsn == end) {
                // What follows was written again into the next file after a failed sync.
                segments.add(new JournalWriter.Segment(path, nextLsn - 1, offset));
            } else if (!last) {
                throw corrupt(
                        path, offset, "records " + nextLsn + " to " + (end - 1) + " are missing: " + reader.why());
            } else {
                endOfLastFile(reader, offset, channel.size());
                if (nextLsn == reader.firstLsn()) {
                    chainTag = tagBefore;
                    toDelete.add(path);
                } else {
                    segments.add(new JournalWriter.Segment(path, nextLsn - 1, offset));
                }
            }
        }
    }

    /** Reads frames up to record {@code end} or the first bad one; returns the offset behind the last good frame. */
    private long readFrames(JournalFileReader reader, long end) throws IOException {
        long offset = JournalFormat.FILE_HEADER_BYTES;
        while (nextLsn < end) {
            JournalFileReader.Frame frame = reader.read(offset, chainTag, nextLsn);
            if (frame == null) {
                return offset;
            }
            deliver(frame, reader.path(), offset);
            chainTag = frame.tag();
            offset += frame.header().frameBytes();
        }
        if (nextLsn > end) {
            throw corrupt(reader.path(), offset, "a frame reaches into the next file");
        }
        return offset;
    }

    private void deliver(JournalFileReader.Frame frame, Path path, long offset) {
        ByteBuffer in =
                ByteBuffer.wrap(frame.plaintext(), 0, frame.header().length()).asReadOnlyBuffer();
        for (int i = 0; i < frame.header().count(); i++) {
            int length = in.remaining() < JournalFormat.RECORD_HEADER_BYTES ? -1 : in.getInt();
            if (length < 0 || length > in.remaining()) {
                throw corrupt(path, offset, "record " + nextLsn + " does not fit its frame");
            }
            if (nextLsn > fromLsn) {
                consumer.accept(nextLsn, in.slice(in.position(), length));
                replayed++;
            }
            in.position(in.position() + length);
            nextLsn++;
        }
        if (in.hasRemaining()) {
            throw corrupt(path, offset, "the frame is longer than its records");
        }
    }

    /** An unfinished write at the very end is normal after a power cut; anything else is damage. */
    private void endOfLastFile(JournalFileReader reader, long offset, long size) throws IOException {
        if (offset == size) {
            return;
        }
        if (reader.wasDurable(offset)) {
            throw corrupt(reader.path(), offset, reader.why() + ", and later records are there");
        }
        tornTails++;
        tornBytes += size - offset;
    }

    private long finish() throws IOException {
        boolean stale = nextLsn - 1 < fromLsn;
        if (stale) {
            // All that is here is older than the checkpoint; going on behind it would leave a gap.
            segments.forEach(s -> toDelete.add(s.path()));
            segments.clear();
            chainTag = new byte[JournalFormat.TAG_BYTES];
        }
        for (Path path : toDelete) {
            disk.delete(path);
        }
        cutLastFile();
        if (!toDelete.isEmpty()) {
            disk.syncDirectory(dir);
        }
        return stale ? fromLsn : nextLsn - 1;
    }

    /** What is behind the last good frame must not come back when this file is read again as the last one. */
    private void cutLastFile() throws IOException {
        if (segments.isEmpty()) {
            return;
        }
        JournalWriter.Segment last = segments.get(segments.size() - 1);
        if (Files.size(last.path()) > last.size()) {
            try (JournalDisk.DiskFile file = disk.open(last.path())) {
                file.truncate(last.size());
                file.force();
            }
        }
    }

    static PpiofsException corrupt(Path file, long offset, String detail) {
        return new PpiofsException(
                ErrorKind.CORRUPT,
                OPERATION,
                file.toString(),
                "damaged at offset " + offset + ": " + detail + WHAT_TO_DO);
    }
}
