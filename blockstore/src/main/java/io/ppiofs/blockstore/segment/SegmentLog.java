package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.index.Location;
import io.ppiofs.blockstore.space.SpaceBudget;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The append-only log over segment files. Records gather in one batch buffer and reach the file in large writes; what is
 * still in the buffer is readable. An append that fails leaves the log as it was before: the file is cut back to the
 * last good record, records accepted earlier stay in the buffer and are written once there is room again.
 */
final class SegmentLog {
    /** What {@link #read} says when the segment is gone: compaction has moved the block, ask the index again. */
    static final int GONE = -2;

    private static final Logger LOG = LoggerFactory.getLogger(SegmentLog.class);
    private static final int MOST_OPEN_FILES = 512;

    /** Writes past the page cache are of whole pages; a filesystem with larger blocks refuses, and gets ordinary ones. */
    private static final int PAGE = 4 << 10;

    /** What is shorter is quicker copied than waited for. */
    private static final int LEAST_DIRECT = 128 << 10;

    private final Path directory;
    private final int segmentBytes;
    private final SpaceBudget budget;
    private final SecureRandom random = new SecureRandom();
    private final ConcurrentSkipListMap<Integer, SegmentFile> segments;
    private final ReentrantLock appending = new ReentrantLock();
    private final ReentrantLock flushing = new ReentrantLock();
    /**
     * Its bytes from {@link #lead} on are those of the open segment from {@link #written} on. If it is aligned, a byte lies as
     * far behind the start of a page here as in the file.
     */
    private final ByteBuffer batch;

    private final boolean aligned;
    /** Called under the append lock with the id of a segment that has just been sealed. */
    private final IntConsumer onSealed;

    // guarded by appending
    private volatile @Nullable SegmentFile open;
    private final List<FooterEntry> openEntries = new ArrayList<>();
    private final Set<SegmentFile> unflushed = new LinkedHashSet<>();
    private boolean directoryChanged;
    /** Set while what is written keeps a promise (accepted blocks, deletion records): it may cost the ballast. */
    private boolean mayTakeBallast;

    private long flushedMark = -1;
    private int nextId;
    private int lead;
    /** Whether the batch has blocks that may be read soon. */
    private boolean warm;

    /** Where the file ends and the batch begins. Written under the append lock. */
    private volatile int written;

    private volatile long appended;
    private volatile long durable;
    private volatile @Nullable IOException flushFailure;

    SegmentLog(
            Path directory,
            int segmentBytes,
            int batchBytes,
            SpaceBudget budget,
            SegmentRecovery recovered,
            IntConsumer onSealed) {
        this.directory = directory;
        this.segmentBytes = segmentBytes;
        this.aligned = batchBytes >= 2 * LEAST_DIRECT;
        this.batch = aligned
                ? ByteBuffer.allocateDirect(batchBytes + PAGE).alignedSlice(PAGE)
                : ByteBuffer.allocateDirect(batchBytes);
        this.budget = budget;
        this.segments = recovered.segments();
        this.onSealed = onSealed;
        this.nextId = segments.isEmpty() ? 1 : segments.lastKey() + 1;
        this.nextId = Math.max(nextId, recovered.nextId());
        SegmentFile last = recovered.continued();
        if (last != null) {
            open = last;
            openEntries.addAll(recovered.continuedEntries());
            emptyBatch(last.recordsEnd());
            flushedMark = written; // its footer was on disk, so everything in front of it was
        }
    }

    /** Sealed and open segments, oldest first. */
    Collection<SegmentFile> segments() {
        return segments.values();
    }

    /** Sealed segments, newest first. */
    List<SegmentFile> sealedNewestFirst() {
        List<SegmentFile> sealed = new ArrayList<>();
        for (SegmentFile segment : segments.descendingMap().values()) {
            if (segment.sealed()) {
                sealed.add(segment);
            }
        }
        return sealed;
    }

    /** What the open segment's records say, a copy. */
    List<FooterEntry> openEntries() {
        appending.lock();
        try {
            return new ArrayList<>(openEntries);
        } finally {
            appending.unlock();
        }
    }

    /**
     * Appends a stored form.
     *
     * @param cold it will not be read soon: large writes of nothing else go past the page cache (open(2), O_DIRECT)
     * @throws PpiofsException NO_SPACE, IO; nothing has happened then
     */
    Location append(Cid cid, ByteBuffer payload, long epoch, boolean cold) {
        int length = payload.remaining();
        if (length > RecordFormat.LARGEST_PAYLOAD) {
            throw new IllegalArgumentException("stored form of " + length + " bytes");
        }
        appending.lock();
        try {
            prepare(length, 1);
            warm |= !cold;
            int at = appendRecord(new RecordFormat.Header(RecordFormat.KIND_BLOCK, length, 0, cid), payload);
            SegmentFile segment = openSegment();
            openEntries.add(new FooterEntry(cid, segment.id(), at, length));
            return new Location(segment.id(), at, length, epoch);
        } finally {
            appending.unlock();
        }
    }

    /** Says that records are dead. */
    void appendKills(List<FooterEntry> kills) {
        int most = 4096; // 160 KiB a record
        for (int from = 0; from < kills.size(); from += most) {
            List<FooterEntry> part = kills.subList(from, Math.min(kills.size(), from + most));
            ByteBuffer payload = ByteBuffer.allocate(part.size() * RecordFormat.KILL_LENGTH);
            for (FooterEntry kill : part) {
                kill.cid().writeDigest(payload);
                payload.putInt(kill.segment()).putInt(kill.offset());
            }
            payload.flip();
            appending.lock();
            try {
                mayTakeBallast = true;
                prepare(payload.remaining(), part.size());
                int crc = RecordFormat.crc(openSegment().salt(), payload, 0, payload.remaining());
                Cid none = Cid.ofWords(0, 0, 0, 0);
                appendRecord(new RecordFormat.Header(RecordFormat.KIND_KILL, payload.remaining(), crc, none), payload);
                openEntries.addAll(part);
            } finally {
                mayTakeBallast = false;
                appending.unlock();
            }
        }
    }

    private SegmentFile openSegment() {
        SegmentFile current = open;
        if (current == null) {
            throw new IllegalStateException("no segment is open");
        }
        return current;
    }

    /** Makes sure that a segment is open with room for the record and its entries. */
    private void prepare(int payloadLength, int entries) {
        int length = RecordFormat.recordLength(payloadLength);
        if (open != null
                && (position() + length > segmentBytes && position() > RecordFormat.SEGMENT_HEADER
                        || openEntries.size() + entries > SegmentFile.MOST_ENTRIES)) {
            sealOpen();
        }
        if (open == null) {
            startSegment();
        }
        if (flushedMark >= 0) {
            long mark = flushedMark;
            flushedMark = -1;
            appendRecord(
                    new RecordFormat.Header(RecordFormat.KIND_SYNCED, 0, 0, Cid.ofWords(mark, 0, 0, 0)),
                    ByteBuffer.allocate(0));
        }
    }

    private int position() {
        return written + batch.position() - lead;
    }

    /** The file ends at {@code end}, and nothing is waiting to be written. */
    private void emptyBatch(int end) {
        written = end;
        lead = aligned ? end & PAGE - 1 : 0;
        batch.clear().position(lead);
        warm = false;
    }

    private void startSegment() {
        try {
            SegmentFile created = retryingWithoutBallast(
                    RecordFormat.SEGMENT_HEADER, () -> SegmentFile.create(directory, nextId, random));
            nextId++;
            directoryChanged = true;
            emptyBatch(RecordFormat.SEGMENT_HEADER);
            flushedMark = -1;
            openEntries.clear();
            segments.put(created.id(), created);
            open = created;
        } catch (IOException e) {
            throw failed("start a segment", e, RecordFormat.SEGMENT_HEADER);
        }
    }

    /** @return where the record starts */
    private int appendRecord(RecordFormat.Header header, ByteBuffer payload) {
        SegmentFile segment = openSegment();
        int start = position();
        int length = RecordFormat.recordLength(header.length());
        try {
            if (batch.remaining() < RecordFormat.RECORD_HEADER) {
                makeRoom();
            }
            RecordFormat.writeHeader(batch, segment.salt(), header);
            ByteBuffer in = payload.duplicate();
            while (in.hasRemaining()) {
                if (!batch.hasRemaining()) {
                    makeRoom();
                }
                int n = Math.min(in.remaining(), batch.remaining());
                batch.put(in.slice(in.position(), n));
                in.position(in.position() + n);
            }
            for (int pad = start + length - position(); pad > 0; pad--) {
                if (!batch.hasRemaining()) {
                    makeRoom();
                }
                batch.put((byte) 0);
            }
        } catch (IOException e) {
            rollBackTo(segment, start, e);
            throw failed("append to", e, length);
        }
        segment.length(position());
        unflushed.add(segment);
        appended += length;
        return start;
    }

    /** Writes the batch to the file, as a flush wants it: at once. When that fails, what is not written stays in the batch and may be tried again. */
    private void flushBatch() throws IOException {
        writeTo(batch.position());
        emptyBatch(written);
    }

    /** Makes room in the batch: whole pages go past the page cache, less than one stays. */
    private void makeRoom() throws IOException {
        if (!aligned || warm || batch.position() - lead < LEAST_DIRECT) {
            flushBatch();
            return;
        }
        flushPages();
        int tail = batch.position() - lead;
        batch.limit(batch.position()).position(lead);
        batch.compact().position(tail);
        lead = 0; // where a page begins
    }

    private void flushPages() throws IOException {
        int pages = lead + PAGE - 1 & -PAGE;
        writeTo(pages);
        int end = batch.position() & -PAGE;
        if (openSegment().file().writeDirect(batch.slice(pages, end - pages), written)) {
            written += end - pages;
            lead = end;
        } else {
            writeTo(end);
        }
    }

    /** Writes what is in front of {@code end} in the batch. */
    private void writeTo(int end) throws IOException {
        int n = end - lead;
        if (n == 0) {
            return;
        }
        ByteBuffer out = batch.slice(lead, n);
        SegmentFile segment = openSegment();
        retryingWithoutBallast(n, () -> {
            segment.file().write(out.rewind(), written);
            return true;
        });
        written += n;
        lead = end;
    }

    private void rollBackTo(SegmentFile segment, int start, IOException cause) {
        if (start >= written) {
            batch.position(start - written + lead);
        } else {
            emptyBatch(start);
        }
        segment.length(position());
        try {
            segment.file().truncate(written); // frees what a short write took
        } catch (IOException e) {
            cause.addSuppressed(e); // harmless: the next write covers it, and a scan sees no record there
        }
    }

    /** A write that must succeed if room can be found. */
    private interface Write<T> {
        T run() throws IOException;
    }

    private <T> T retryingWithoutBallast(int bytes, Write<T> write) throws IOException {
        try {
            return write.run();
        } catch (IOException e) {
            if (mayTakeBallast && budget.isDiskFull(e, bytes) && budget.dropBallast()) {
                return write.run();
            }
            throw e;
        }
    }

    private PpiofsException failed(String operation, IOException e, int bytes) {
        boolean full = budget.isDiskFull(e, bytes);
        return new PpiofsException(
                full ? ErrorKind.NO_SPACE : ErrorKind.IO,
                operation,
                directory.toString(),
                full ? "the disk is full, delete something or make room" : String.valueOf(e.getMessage()),
                e);
    }

    private void sealOpen() {
        SegmentFile segment = openSegment();
        int footer = openEntries.size() * RecordFormat.FOOTER_ENTRY + RecordFormat.TRAILER;
        try {
            flushBatch();
            retryingWithoutBallast(footer, () -> {
                segment.seal(openEntries, written);
                return true;
            });
        } catch (IOException e) {
            throw failed("seal a segment of", e, footer);
        }
        segment.file().closeDirect();
        appended++; // the footer wants a flush too
        unflushed.add(segment);
        open = null;
        openEntries.clear();
        flushedMark = -1;
        onSealed.accept(segment.id());
    }

    /** Seals the open segment, if there is one. */
    void sealOpenSegment() {
        appending.lock();
        try {
            mayTakeBallast = true;
            if (open != null) {
                sealOpen();
            }
        } finally {
            mayTakeBallast = false;
            appending.unlock();
        }
    }

    /**
     * Everything appended before this call is on the disk when it returns; callers share flushes.
     *
     * @return whether this call did the flush
     */
    boolean sync() {
        long wanted = appended;
        if (durable >= wanted) {
            return false;
        }
        flushing.lock();
        try {
            if (durable >= wanted) {
                return false;
            }
            flush();
            return true;
        } finally {
            flushing.unlock();
        }
    }

    private void flush() {
        IOException earlier = flushFailure;
        if (earlier != null) {
            // after a failed fsync the kernel may have dropped the pages: a later success would be a lie
            throw failed("flush", earlier, 0);
        }
        List<SegmentFile> files;
        boolean directoryToo;
        long covered;
        SegmentFile current;
        int end;
        appending.lock();
        try {
            mayTakeBallast = true;
            flushBatch();
            files = new ArrayList<>(unflushed);
            unflushed.clear();
            directoryToo = directoryChanged;
            directoryChanged = false;
            covered = appended;
            current = open;
            end = written;
        } catch (IOException e) {
            throw failed("flush", e, batch.position());
        } finally {
            mayTakeBallast = false;
            appending.unlock();
        }
        try {
            for (SegmentFile file : files) {
                force(file);
            }
            if (directoryToo) {
                PositionalFile.forceDirectory(directory);
            }
        } catch (IOException e) {
            flushFailure = e;
            throw failed("flush", e, 0);
        }
        durable = covered;
        appending.lock();
        try {
            if (current != null && open == current) {
                flushedMark = end;
            }
        } finally {
            appending.unlock();
        }
    }

    private void force(SegmentFile file) throws IOException {
        try {
            file.file().force();
        } catch (ClosedChannelException | NoSuchFileException e) {
            if (segments.containsKey(file.id())) {
                throw e;
            } // else: deleted by a sweep meanwhile, nothing to keep
        }
    }

    /**
     * Reads stored bytes from {@code offset} of a block.
     *
     * @return bytes read (fewer only at the block's end), or {@link #GONE}
     */
    int read(Location at, long offset, ByteBuffer dst) throws IOException {
        SegmentFile segment = segments.get(at.segment());
        if (segment == null) {
            return GONE;
        }
        int n = (int) Math.max(0, Math.min(dst.remaining(), at.length() - offset));
        if (n == 0) {
            return 0;
        }
        long position = at.offset() + RecordFormat.RECORD_HEADER + offset;
        if (segment == open && position + n > written && readBatch(segment, position, n, dst)) {
            return n;
        }
        int limit = dst.limit();
        dst.limit(dst.position() + n);
        try {
            return segment.file().read(dst, position);
        } catch (ClosedChannelException | NoSuchFileException e) {
            if (segments.get(at.segment()) == null) {
                return GONE;
            }
            throw e;
        } finally {
            dst.limit(limit);
        }
    }

    /** @return false if the bytes have reached the file meanwhile */
    private boolean readBatch(SegmentFile segment, long position, int n, ByteBuffer dst) throws IOException {
        appending.lock();
        try {
            if (segment != open || position + n <= written) {
                return false;
            }
            int inFile = (int) Math.max(0, Math.min(n, written - position));
            if (inFile > 0) {
                ByteBuffer part = dst.slice(dst.position(), inFile);
                if (segment.file().read(part, position) < inFile) {
                    throw new IOException(segment.file().path() + " ends early");
                }
                dst.position(dst.position() + inFile);
            }
            dst.put(batch.slice((int) (position + inFile - written) + lead, n - inFile));
            return true;
        } finally {
            appending.unlock();
        }
    }

    /** The newest segment, or null if there is none. */
    @Nullable
    SegmentFile last() {
        return segments.isEmpty() ? null : segments.lastEntry().getValue();
    }

    @Nullable
    SegmentFile segment(int id) {
        return segments.get(id);
    }

    /** Removes a sealed segment and its file; readers that hold a location in it are told {@link #GONE}. */
    void drop(SegmentFile segment) throws IOException {
        segments.remove(segment.id());
        segment.close();
        Files.deleteIfExists(segment.file().path());
        appending.lock();
        try {
            unflushed.remove(segment);
            directoryChanged = true;
        } finally {
            appending.unlock();
        }
    }

    /** Bytes of all files, without the holes that this process knows of. */
    long diskBytes() {
        return segments.values().stream()
                .mapToLong(s -> s.length() - s.punched().get())
                .sum();
    }

    /** Closes descriptors that were not used for the longest time, when there are too many. */
    void closeIdleFiles() throws IOException {
        List<SegmentFile> opened = new ArrayList<>();
        for (SegmentFile segment : segments.values()) {
            if (segment.file().isOpen()) {
                opened.add(segment);
            }
        }
        if (opened.size() <= MOST_OPEN_FILES) {
            return;
        }
        opened.sort(Comparator.comparingLong(s -> s.file().lastUse()));
        for (SegmentFile segment : opened.subList(0, opened.size() - MOST_OPEN_FILES / 2)) {
            segment.file().closeIdle();
        }
    }

    /** Writes a footer so that the next start need not scan, flushes and closes. */
    void close() throws IOException {
        appending.lock();
        try {
            mayTakeBallast = true;
            if (open != null) {
                sealOpen();
            }
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.NO_SPACE) {
                throw e;
            }
            LOG.warn("no room for the last segment's footer, the next start scans it: {}", e.getMessage());
        } finally {
            mayTakeBallast = false;
            appending.unlock();
        }
        sync();
        for (SegmentFile segment : segments.values()) {
            segment.close();
        }
    }
}
