package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.Cid;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One segment file. Open while it grows; sealed once it ends in a footer of entries sorted by CID, which it can search
 * without holding it in memory. Thread-safe for readers; one writer.
 */
final class SegmentFile implements Closeable {
    /** More entries than that never get into one segment, so a footer's size is bounded before it is read. */
    static final int MOST_ENTRIES = 1 << 16;

    /** Entries read at once while searching: one probe is usually enough, see {@link #lowerBound}. */
    private static final int WINDOW = 256;

    private final int id;
    private final PositionalFile file;
    private final byte[] salt;
    private final AtomicLong punched = new AtomicLong();
    /** Of the sweeper: footer entries for which a deletion record is known to be in the log. */
    private final BitSet buried = new BitSet();

    private volatile int footerOffset = -1;
    private volatile int footerCount;
    private volatile long length;

    private SegmentFile(int id, PositionalFile file, byte[] salt, long length) {
        this.id = id;
        this.file = file;
        this.salt = salt;
        this.length = length;
    }

    static String nameOf(int id) {
        return String.format("%08x.seg", id);
    }

    /** Makes the file with its header. @throws IOException also when the disk is full; the file is then gone again */
    static SegmentFile create(Path directory, int id, SecureRandom random) throws IOException {
        byte[] salt = new byte[RecordFormat.SALT];
        random.nextBytes(salt);
        Path path = directory.resolve(nameOf(id));
        ByteBuffer header = ByteBuffer.allocate(RecordFormat.SEGMENT_HEADER)
                .putLong(RecordFormat.SEGMENT_MAGIC)
                .putInt(RecordFormat.VERSION)
                .putInt(id)
                .put(salt);
        header.putInt(RecordFormat.AT_SEGMENT_CRC, crcOf(header.array(), RecordFormat.AT_SEGMENT_CRC));
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)
                .close();
        PositionalFile file = new PositionalFile(path);
        try {
            file.write(header.rewind(), 0);
        } catch (IOException e) {
            file.close();
            Files.deleteIfExists(path);
            throw e;
        }
        return new SegmentFile(id, file, salt, RecordFormat.SEGMENT_HEADER);
    }

    /**
     * Opens an existing file; reads header and trailer, nothing else.
     *
     * @return null if neither header nor trailer is readable: there is nothing to salvage, not even the salt
     */
    static @Nullable SegmentFile open(Path path, int id) throws IOException {
        PositionalFile file = new PositionalFile(path);
        long length = file.size();
        byte[] trailer = trailerOf(file, id, length);
        byte[] header = headerOf(file, id);
        if (trailer == null && header == null) {
            file.close();
            return null;
        }
        byte[] salt = new byte[RecordFormat.SALT];
        if (trailer != null) {
            ByteBuffer in = ByteBuffer.wrap(trailer);
            in.position(32).get(salt);
            SegmentFile segment = new SegmentFile(id, file, salt, length);
            segment.footerOffset = (int) in.getLong(24);
            segment.footerCount = in.getInt(16);
            return segment;
        }
        if (header != null) {
            System.arraycopy(header, RecordFormat.AT_SEGMENT_SALT, salt, 0, salt.length);
        }
        return new SegmentFile(id, file, salt, length);
    }

    private static byte @Nullable [] headerOf(PositionalFile file, int id) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(RecordFormat.SEGMENT_HEADER);
        boolean good = file.read(header, 0) == RecordFormat.SEGMENT_HEADER
                && header.getLong(0) == RecordFormat.SEGMENT_MAGIC
                && header.getInt(8) == RecordFormat.VERSION
                && header.getInt(12) == id
                && header.getInt(RecordFormat.AT_SEGMENT_CRC) == crcOf(header.array(), RecordFormat.AT_SEGMENT_CRC);
        return good ? header.array() : null;
    }

    private static byte @Nullable [] trailerOf(PositionalFile file, int id, long length) throws IOException {
        if (length < RecordFormat.SEGMENT_HEADER + RecordFormat.TRAILER || length > Integer.MAX_VALUE) {
            return null;
        }
        ByteBuffer trailer = ByteBuffer.allocate(RecordFormat.TRAILER);
        if (file.read(trailer, length - RecordFormat.TRAILER) < RecordFormat.TRAILER) {
            return null;
        }
        long offset = trailer.getLong(24);
        long count = trailer.getInt(16);
        boolean good = trailer.getLong(0) == RecordFormat.FOOTER_MAGIC
                && trailer.getInt(8) == RecordFormat.VERSION
                && trailer.getInt(12) == id
                && trailer.getInt(RecordFormat.AT_TRAILER_CRC) == crcOf(trailer.array(), RecordFormat.AT_TRAILER_CRC)
                && count >= 0
                && count <= MOST_ENTRIES
                && offset >= RecordFormat.SEGMENT_HEADER
                && offset + count * RecordFormat.FOOTER_ENTRY + RecordFormat.TRAILER == length;
        return good ? trailer.array() : null;
    }

    private static int crcOf(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    int id() {
        return id;
    }

    byte[] salt() {
        return salt;
    }

    PositionalFile file() {
        return file;
    }

    boolean sealed() {
        return footerOffset >= 0;
    }

    /** Where the records end: at the footer of a sealed segment, else at the end of the file. */
    int recordsEnd() {
        return sealed() ? footerOffset : (int) length;
    }

    /** Bytes of the file, holes included. */
    long length() {
        return length;
    }

    void length(long newLength) {
        length = newLength;
    }

    /** Bytes given back inside the file, as far as this process knows. */
    AtomicLong punched() {
        return punched;
    }

    /** Indices into {@link #footer} whose deletion records are in the log; used by the one sweep that runs. */
    BitSet buried() {
        return buried;
    }

    /**
     * Writes the footer behind {@code recordsEnd}; the file is sealed then, but not yet flushed.
     *
     * @param entries in the order of the records
     */
    void seal(List<FooterEntry> entries, int recordsEnd) throws IOException {
        List<FooterEntry> sorted = new ArrayList<>(entries);
        sorted.sort(Comparator.comparing(FooterEntry::cid)); // stable: the order of records stays inside one CID
        int entriesLength = sorted.size() * RecordFormat.FOOTER_ENTRY;
        ByteBuffer out = ByteBuffer.allocate(entriesLength + RecordFormat.TRAILER);
        for (FooterEntry entry : sorted) {
            entry.writeTo(out);
        }
        ByteBuffer trailer = ByteBuffer.allocate(RecordFormat.TRAILER)
                .putLong(RecordFormat.FOOTER_MAGIC)
                .putInt(RecordFormat.VERSION)
                .putInt(id)
                .putInt(sorted.size())
                .putInt(crcOf(out.array(), entriesLength))
                .putLong(recordsEnd)
                .put(salt);
        trailer.putInt(RecordFormat.AT_TRAILER_CRC, crcOf(trailer.array(), RecordFormat.AT_TRAILER_CRC));
        out.put(trailer.rewind()).flip();
        int total = out.remaining();
        file.write(out, recordsEnd);
        file.truncate((long) recordsEnd + total); // a failed append may have left something behind
        footerCount = sorted.size();
        length = (long) recordsEnd + total;
        footerOffset = recordsEnd;
    }

    /** Cuts the footer off, so that the segment can grow again. */
    void reopen() throws IOException {
        int end = footerOffset;
        file.truncate(end);
        length = end;
        footerCount = 0;
        footerOffset = -1;
    }

    /** All entries of the footer, sorted by CID. @return null if the footer's CRC does not hold */
    @Nullable
    List<FooterEntry> footer() throws IOException {
        int count = footerCount;
        ByteBuffer in = ByteBuffer.allocate(count * RecordFormat.FOOTER_ENTRY);
        ByteBuffer trailer = ByteBuffer.allocate(RecordFormat.TRAILER);
        if (file.read(in, footerOffset) < in.capacity()
                || file.read(trailer, (long) footerOffset + in.capacity()) < RecordFormat.TRAILER
                || trailer.getInt(20) != crcOf(in.array(), in.capacity())) {
            return null;
        }
        in.rewind();
        List<FooterEntry> entries = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            entries.add(FooterEntry.readFrom(in));
        }
        return entries;
    }

    /** What the footer says about one block, in the order of the records. Two preads as a rule. */
    List<FooterEntry> find(Cid cid) throws IOException {
        int at = lowerBound(cid);
        List<FooterEntry> found = new ArrayList<>(1);
        ByteBuffer in = ByteBuffer.allocate(RecordFormat.FOOTER_ENTRY * 4);
        while (at < footerCount) {
            int n = Math.min(4, footerCount - at);
            readEntries(in, at, n);
            for (int i = 0; i < n; i++) {
                FooterEntry entry = FooterEntry.readFrom(in);
                if (!entry.cid().equals(cid)) {
                    return found;
                }
                found.add(entry);
            }
            at += n;
        }
        return found;
    }

    /** Digests are uniform, so the place of one is known up to about the square root of the count. */
    private int lowerBound(Cid cid) throws IOException {
        int low = 0;
        int high = footerCount;
        double fraction = (cid.word(0) >>> 11) / (double) (1L << 53);
        int guess = (int) (fraction * footerCount);
        ByteBuffer in = ByteBuffer.allocate(RecordFormat.FOOTER_ENTRY * WINDOW);
        while (high - low > WINDOW) {
            int from = Math.max(low, Math.min(guess - WINDOW / 2, high - WINDOW));
            readEntries(in, from, WINDOW);
            if (cidAt(in, 0).compareTo(cid) >= 0) {
                high = from;
            } else if (cidAt(in, WINDOW - 1).compareTo(cid) < 0) {
                low = from + WINDOW;
            } else {
                low = from;
                high = from + WINDOW;
            }
            guess = low + (high - low) / 2;
        }
        readEntries(in, low, high - low);
        int i = 0;
        while (i < high - low && cidAt(in, i).compareTo(cid) < 0) {
            i++;
        }
        return low + i;
    }

    private static Cid cidAt(ByteBuffer in, int index) {
        int at = index * RecordFormat.FOOTER_ENTRY;
        return Cid.ofWords(in.getLong(at), in.getLong(at + 8), in.getLong(at + 16), in.getLong(at + 24));
    }

    private void readEntries(ByteBuffer in, int from, int count) throws IOException {
        in.clear().limit(count * RecordFormat.FOOTER_ENTRY);
        if (file.read(in, footerOffset + (long) from * RecordFormat.FOOTER_ENTRY) < in.limit()) {
            throw new IOException(file.path() + " is shorter than its trailer says");
        }
        in.flip();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
