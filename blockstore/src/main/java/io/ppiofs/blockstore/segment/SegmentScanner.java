package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.index.Location;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a segment record by record: the way to what a segment without a (good) footer holds. A record that is not
 * readable is stepped over by searching for the next header, so damage in the middle costs what it hit and nothing
 * else. Blocks behind the last mark of a flush are checked against their names, because a power failure may have left
 * anything there.
 */
final class SegmentScanner {
    private static final int WINDOW = 64 << 10;

    private final SegmentFile segment;
    private final int limit;
    private final ByteBuffer window = ByteBuffer.allocate(WINDOW).limit(0);
    private int windowStart;

    /**
     * What was found.
     *
     * @param entries in the order of the records
     * @param end behind the last good record
     * @param damage regions that were stepped over and blocks that were not what their name says
     */
    record Scan(List<FooterEntry> entries, int end, int damage) {}

    SegmentScanner(SegmentFile segment) {
        this.segment = segment;
        this.limit = (int) Math.min(Integer.MAX_VALUE - RecordFormat.LARGEST_PAYLOAD, segment.recordsEnd());
    }

    Scan scan() throws IOException {
        List<FooterEntry> entries = new ArrayList<>();
        int at = RecordFormat.SEGMENT_HEADER;
        int end = at;
        int damage = 0;
        int pending = 0;
        long synced = 0;
        while (at + RecordFormat.RECORD_HEADER <= limit) {
            RecordFormat.Header header = headerAt(at);
            if (header == null || !accept(header, at, entries)) {
                pending = 1;
                at = nextHeader(at + RecordFormat.ALIGNMENT);
                continue;
            }
            if (header.kind() == RecordFormat.KIND_SYNCED) {
                synced = header.cid().word(0);
            }
            at += RecordFormat.recordLength(header.length());
            end = at;
            damage += pending;
            pending = 0;
        }
        return verified(entries, end, damage, synced);
    }

    private RecordFormat.@Nullable Header headerAt(int at) throws IOException {
        ByteBuffer in = at(at, RecordFormat.RECORD_HEADER);
        if (in == null) {
            return null;
        }
        RecordFormat.Header header = RecordFormat.readHeader(in, in.position(), segment.salt());
        return header != null && (long) at + RecordFormat.recordLength(header.length()) <= limit ? header : null;
    }

    /** Adds what the record says. @return false if its payload is damaged */
    private boolean accept(RecordFormat.Header header, int at, List<FooterEntry> entries) throws IOException {
        if (header.kind() == RecordFormat.KIND_BLOCK) {
            entries.add(new FooterEntry(header.cid(), segment.id(), at, header.length()));
        } else if (header.kind() == RecordFormat.KIND_KILL) {
            ByteBuffer payload = ByteBuffer.allocate(header.length());
            if (segment.file().read(payload, (long) at + RecordFormat.RECORD_HEADER) < header.length()
                    || RecordFormat.crc(segment.salt(), payload, 0, header.length()) != header.payloadCrc()) {
                return false;
            }
            payload.flip();
            while (payload.remaining() >= RecordFormat.KILL_LENGTH) {
                Cid cid = Cid.readDigest(payload);
                entries.add(FooterEntry.dead(cid, new Location(payload.getInt(), payload.getInt(), 0, 0)));
            }
        }
        return true; // kinds of a later version are stepped over
    }

    private int nextHeader(int from) throws IOException {
        int at = from;
        while (at + RecordFormat.RECORD_HEADER <= limit) {
            ByteBuffer in = at(at, RecordFormat.RECORD_HEADER);
            if (in == null) {
                return limit;
            }
            if (in.getInt(in.position() + 4) == RecordFormat.RECORD_MAGIC && headerAt(at) != null) {
                return at;
            }
            at += RecordFormat.ALIGNMENT;
        }
        return limit;
    }

    private Scan verified(List<FooterEntry> entries, int end, int damage, long synced) throws IOException {
        List<FooterEntry> good = new ArrayList<>(entries.size());
        int bad = 0;
        for (FooterEntry entry : entries) {
            if (entry.kills() || entry.offset() < synced || isNamedRight(entry)) {
                good.add(entry);
            } else {
                bad++;
            }
        }
        return new Scan(good, end, damage + bad);
    }

    private boolean isNamedRight(FooterEntry entry) throws IOException {
        ByteBuffer payload = ByteBuffer.allocate(entry.length());
        long at = (long) entry.offset() + RecordFormat.RECORD_HEADER;
        return segment.file().read(payload, at) == entry.length()
                && Cid.of(payload.flip()).equals(entry.cid());
    }

    /** The window positioned at {@code at} with at least {@code length} bytes, or null if the file has less. */
    private @Nullable ByteBuffer at(int at, int length) throws IOException {
        if (at < windowStart || at + length > windowStart + window.limit()) {
            window.clear().limit(Math.min(WINDOW, limit - at));
            segment.file().read(window, at);
            window.flip();
            windowStart = at;
        }
        return window.limit() - (at - windowStart) < length ? null : window.position(at - windowStart);
    }
}
