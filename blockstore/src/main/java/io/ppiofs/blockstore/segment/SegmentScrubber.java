package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.index.Location;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One scrub: hashes every block against its name, and looks at what finds it again when the index is lost (record
 * headers, footers). It holds no lock while it reads or waits, so writers, readers and collection go on. Segments are
 * visited in the order of their ids, and a sweep moves blocks only to higher ids: what moves is met there, as long as
 * the end is moved up after each sweep ({@link Store#sweeps}).
 */
final class SegmentScrubber {
    private static final long LONGEST_PAUSE_NANOS = 200_000_000;

    /** What the scrubber needs of the store it is in. */
    interface Store {
        /** @return null if the block is not there any more */
        @Nullable
        Location locate(Cid cid);

        int read(Cid cid, ByteBuffer dst);

        /** Counts both ends of each sweep: odd while one is under way. */
        long sweeps();

        boolean closing();

        /** Writes out what the log has buffered. */
        void flush();
    }

    private final SegmentLog log;
    private final Store store;
    private final long bytesPerSecond;
    private final ScrubWatcher watcher;
    private final long start = System.nanoTime();

    private long blocks;
    private long bytes;
    private long damaged;

    SegmentScrubber(SegmentLog log, Store store, long bytesPerSecond, ScrubWatcher watcher) {
        this.log = log;
        this.store = store;
        this.bytesPerSecond = bytesPerSecond;
        this.watcher = watcher;
    }

    ScrubReport run() throws IOException {
        long sweeps = store.sweeps();
        int end = lastId();
        int id = 0;
        SegmentFile segment = next(id);
        while (segment != null && segment.id() <= end) {
            scrub(segment);
            id = segment.id();
            long now = store.sweeps();
            if (now != sweeps || now % 2 != 0) { // odd: one is under way
                sweeps = now;
                end = lastId();
            }
            segment = next(id);
        }
        return new ScrubReport(blocks, bytes, damaged);
    }

    private int lastId() {
        SegmentFile last = log.last();
        return last == null ? 0 : last.id();
    }

    private @Nullable SegmentFile next(int behind) {
        for (SegmentFile segment : log.segments()) {
            if (segment.id() > behind) {
                return segment;
            }
        }
        return null;
    }

    private void scrub(SegmentFile segment) throws IOException {
        List<FooterEntry> entries;
        try {
            entries = entries(segment);
        } catch (ClosedChannelException | NoSuchFileException e) {
            if (log.segment(segment.id()) == null) {
                return; // swept away: its blocks are in a later one
            }
            throw e;
        }
        for (FooterEntry entry : entries) {
            if (!entry.kills()) {
                scrub(segment, entry);
            }
        }
    }

    private List<FooterEntry> entries(SegmentFile segment) throws IOException {
        if (!segment.sealed()) {
            List<FooterEntry> entries = log.openEntries();
            if (!segment.sealed()) { // else the entries may be the next segment's
                store.flush(); // so that all of them are in the file
                return entries;
            }
        }
        List<FooterEntry> entries = segment.footer();
        if (entries == null) {
            report(
                    null,
                    segment,
                    segment.recordsEnd(),
                    "its table of contents is damaged; its records are used instead");
            return Locator.entriesOf(segment);
        }
        return entries;
    }

    private void scrub(SegmentFile segment, FooterEntry entry) throws IOException {
        checkCancelled();
        Cid cid = entry.cid();
        Location at = store.locate(cid);
        if (at == null || !at.samePlace(entry.location(0))) {
            return; // dead, or met elsewhere
        }
        String problem = problem(segment, cid, at);
        if (problem != null) {
            checkCancelled(); // a store that is being closed under our hands is not damaged
            Location now = store.locate(cid);
            if (now != null && now.samePlace(at)) {
                report(cid, segment, at.offset(), problem);
            }
        }
        blocks++;
        bytes += at.length();
        watcher.progress(bytes);
        pace();
    }

    private @Nullable String problem(SegmentFile segment, Cid cid, Location at) throws IOException {
        try {
            ByteBuffer payload = ByteBuffer.allocate(SegmentBlockStore.boundedLength(cid, at));
            if (store.read(cid, payload) < at.length()) {
                return "the segment ends inside it";
            }
            if (!Cid.of(payload.flip()).equals(cid)) {
                return "its bytes do not have its name";
            }
        } catch (PpiofsException e) {
            return String.valueOf(e.getMessage());
        }
        return headerNames(segment, cid, at) ? null : "the block is whole, but the header of its record is damaged";
    }

    private boolean headerNames(SegmentFile segment, Cid cid, Location at) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(RecordFormat.RECORD_HEADER);
        try {
            if (segment.file().read(header, at.offset()) < RecordFormat.RECORD_HEADER) {
                return false;
            }
        } catch (ClosedChannelException | NoSuchFileException e) {
            if (log.segment(segment.id()) == null) {
                return true; // moved between the two reads
            }
            throw e;
        }
        RecordFormat.Header read = RecordFormat.readHeader(header, 0, segment.salt());
        return read != null
                && read.kind() == RecordFormat.KIND_BLOCK
                && read.length() == at.length()
                && read.cid().equals(cid);
    }

    private void report(@Nullable Cid cid, SegmentFile segment, int offset, String detail) {
        damaged++;
        watcher.damaged(new CorruptBlock(cid, SegmentFile.nameOf(segment.id()), offset, detail));
    }

    private void checkCancelled() {
        if (store.closing()) {
            throw new PpiofsException(ErrorKind.NOT_CONNECTED, "scrub", "the block store", "the node is ending");
        }
        if (watcher.cancelled()) {
            throw new PpiofsException(ErrorKind.INTERRUPTED, "scrub", "the block store", "interrupted");
        }
    }

    private void pace() {
        if (bytesPerSecond <= 0) {
            return;
        }
        long due = (long) ((double) bytes / bytesPerSecond * TimeUnit.SECONDS.toNanos(1));
        long ahead = due - (System.nanoTime() - start);
        while (ahead > 0) {
            LockSupport.parkNanos(Math.min(ahead, LONGEST_PAUSE_NANOS));
            checkCancelled();
            ahead = due - (System.nanoTime() - start);
        }
    }
}
