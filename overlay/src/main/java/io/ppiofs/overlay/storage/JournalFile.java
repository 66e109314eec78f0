package io.ppiofs.overlay.storage;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.overlay.identity.PeerId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One journal that is kept for a tenant: entries numbered without gaps behind what was trimmed. A file that is appended to and
 * synced for each order; a trim writes what is left into a new one. An entry that a crash left half written is the end of the
 * file. In memory are 8 bytes per entry. Thread-safe.
 *
 * <p>File, big-endian: {@code "PPRJ"}, version 1, three zeros; length of the tenant's id (2), the id; volume (32); stream (8);
 * number up to which it is trimmed (8); CRC-32C of all that (4). Then entries: length (4), CRC-32C of number and bytes (4),
 * number (8), bytes.
 */
final class JournalFile implements AutoCloseable {
    /** Most bytes of a journal, on disk. */
    static final long MAX_BYTES = 128L << 20;

    /** Most entries in the file. */
    static final int MAX_ENTRIES = 1 << 17;

    /** A trim copies what is left if that is no more, or less than what goes; else the file keeps what is trimmed until a later trim. */
    private static final int MAX_COPY = 8 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(JournalFile.class);
    private static final byte[] MAGIC = {'P', 'P', 'R', 'J', 1, 0, 0, 0};
    private static final int FIXED = MAGIC.length + 2 + PinnedHead.VOLUME + 8 + 8 + 4;
    private static final int HEAD = 16;
    private static final String WRITE = "write kept journal";
    private static final String READ = "read kept journal";

    private final Path file;
    private final PeerId tenant;
    private final byte[] volume;
    private final long stream;
    private FileChannel channel;
    private long trimmed;
    private volatile long size;

    /** Where entry {@code trimmed + 1 + i} begins. */
    private long[] starts = new long[16];

    private int count;

    /** Entries in the file, trimmed ones included. */
    private int inFile;

    private boolean gone;

    private JournalFile(
            Path file, PeerId tenant, byte[] volume, FileChannel channel, long stream, long trimmed, long size) {
        this.file = file;
        this.tenant = tenant;
        this.volume = volume;
        this.channel = channel;
        this.stream = stream;
        this.trimmed = trimmed;
        this.size = size;
    }

    /** Begins a journal, in the place of one that is there under this name. Durable when it returns. */
    static JournalFile begin(Path file, PeerId tenant, byte[] volume, long stream, long trimmed) {
        byte[] header = header(tenant, volume, stream, trimmed);
        DurableFile.replace(file, header, WRITE);
        try {
            return new JournalFile(file, tenant, volume, channel(file), stream, trimmed, header.length);
        } catch (IOException e) {
            throw DurableFile.failure(WRITE, file, e);
        }
    }

    private static FileChannel channel(Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    private static byte[] header(PeerId tenant, byte[] volume, long stream, long trimmed) {
        byte[] id = tenant.toBytes();
        ByteBuffer out = ByteBuffer.allocate(FIXED + id.length);
        out.put(MAGIC).putShort((short) id.length).put(id).put(volume).putLong(stream);
        out.putLong(trimmed);
        CRC32C crc = new CRC32C();
        crc.update(out.array(), 0, out.position());
        return out.putInt((int) crc.getValue()).array();
    }

    /** @throws PpiofsException CORRUPT if it is no journal, IO */
    static JournalFile open(Path file) {
        try {
            FileChannel channel = channel(file);
            JournalFile opened = null;
            try {
                opened = open(file, channel);
                opened.scan();
                return opened;
            } finally {
                if (opened == null) {
                    channel.close();
                }
            }
        } catch (IOException e) {
            throw DurableFile.failure(READ, file, e);
        }
    }

    private static JournalFile open(Path file, FileChannel channel) throws IOException {
        ByteBuffer in = readAt(channel, 0, FIXED + PeerId.MAX_BYTES);
        int idLength = in.remaining() < FIXED ? -1 : in.getShort(MAGIC.length) & 0xffff;
        int crcAt = FIXED - 4 + idLength;
        boolean whole = idLength > 0
                && idLength <= PeerId.MAX_BYTES
                && in.remaining() >= crcAt + 4
                && Arrays.equals(in.array(), 0, MAGIC.length, MAGIC, 0, MAGIC.length);
        CRC32C crc = new CRC32C();
        if (whole) {
            crc.update(in.array(), 0, crcAt);
        }
        if (!whole || in.getInt(crcAt) != (int) crc.getValue()) {
            throw new PpiofsException(ErrorKind.CORRUPT, READ, file.toString(), "it is none of this version");
        }
        in.position(MAGIC.length + 2);
        byte[] id = new byte[idLength];
        byte[] volume = new byte[PinnedHead.VOLUME];
        in.get(id).get(volume);
        return new JournalFile(file, PeerId.fromBytes(id), volume, channel, in.getLong(), in.getLong(), crcAt + 4L);
    }

    private static ByteBuffer readAt(FileChannel channel, long at, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining() && channel.read(buffer, at + buffer.position()) >= 0) {
            // until full, or until the file ends
        }
        return buffer.flip();
    }

    private void scan() throws IOException {
        long end = channel.size();
        while (inFile < MAX_ENTRIES) {
            ByteBuffer head = readAt(channel, size, HEAD);
            int length = head.remaining() < HEAD ? -1 : head.getInt(0);
            if (length < 1 || length > JournalOrder.MAX_ENTRY || size + HEAD + length > end) {
                break;
            }
            byte[] bytes = readAt(channel, size + HEAD, length).array();
            long number = head.getLong(8);
            if (number != next() || head.getInt(4) != crc(number, bytes)) {
                break;
            }
            added(size);
            size += HEAD + length;
        }
        if (size < end) {
            LOG.warn("{}: {} bytes at its end were not completely written and are dropped", file, end - size);
            channel.truncate(size);
            channel.force(true);
        }
    }

    private void added(long start) {
        if (count == starts.length) {
            starts = Arrays.copyOf(starts, 2 * count);
        }
        starts[count++] = start;
        inFile++;
    }

    private static int crc(long number, byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(ByteBuffer.allocate(8).putLong(0, number));
        crc.update(bytes);
        return (int) crc.getValue();
    }

    PeerId tenant() {
        return tenant;
    }

    byte[] volume() {
        return volume;
    }

    long stream() {
        return stream;
    }

    /** Bytes of the file. */
    long bytes() {
        return size;
    }

    /** Number of the next entry. */
    synchronized long next() {
        return trimmed + 1 + count;
    }

    /** What {@link #append} of these entries would add to the file. */
    static long cost(List<byte[]> entries) {
        return entries.stream().mapToLong(entry -> HEAD + entry.length).sum();
    }

    /**
     * Takes what is new of an order of this stream. Durable when it returns.
     *
     * @param charge hears by how many bytes the file has grown, or shrunk, also on failure
     * @return the number of the next entry
     * @throws PpiofsException NOT_FOUND if entries between are missing here; EXISTS if an entry is here with other bytes;
     *     QUOTA_EXCEEDED if the journal is too long; IO
     */
    long append(long newlyTrimmed, long first, List<byte[]> entries, LongConsumer charge) {
        long grown = 0;
        try {
            synchronized (this) {
                long before = size;
                try {
                    return append(newlyTrimmed, first, entries);
                } finally {
                    grown = size - before;
                }
            }
        } finally {
            charge.accept(grown); // without the lock: who is charged has one of his own
        }
    }

    private long append(long newlyTrimmed, long first, List<byte[]> entries) {
        if (gone) {
            throw refused(ErrorKind.EXISTS, "a newer journal of this volume is kept");
        }
        try {
            if (newlyTrimmed > trimmed) {
                trim(newlyTrimmed);
            }
            if (!entries.isEmpty() && first > next()) {
                throw refused(ErrorKind.NOT_FOUND, "entries " + next() + " to " + (first - 1) + " are missing here");
            }
            List<byte[]> fresh = new ArrayList<>();
            for (int i = 0; i < entries.size(); i++) {
                long number = first + i;
                if (number >= next()) {
                    fresh.add(entries.get(i));
                } else if (number > trimmed && !Arrays.equals(entry(number), entries.get(i))) {
                    throw refused(ErrorKind.EXISTS, "entry " + number + " is here with other bytes");
                }
            }
            if (!fresh.isEmpty()) {
                write(fresh);
            }
            return next();
        } catch (IOException e) {
            throw DurableFile.failure(WRITE, file, e);
        }
    }

    private void write(List<byte[]> entries) throws IOException {
        long cost = cost(entries);
        if (size + cost > MAX_BYTES || inFile + entries.size() > MAX_ENTRIES) {
            throw refused(ErrorKind.QUOTA_EXCEEDED, "the journal is too long; it is trimmed when a head is published");
        }
        ByteBuffer out = ByteBuffer.allocate((int) cost);
        long number = next();
        for (byte[] entry : entries) {
            out.putInt(entry.length).putInt(crc(number, entry)).putLong(number).put(entry);
            number++;
        }
        out.flip();
        try {
            while (out.hasRemaining()) {
                channel.write(out, size + out.position());
            }
            channel.force(false);
        } catch (IOException e) {
            // what the disk has of it is not known: it must not be found there
            channel.truncate(size);
            throw e;
        }
        for (byte[] entry : entries) {
            added(size);
            size += HEAD + entry.length;
        }
    }

    private byte[] entry(long number) throws IOException {
        int i = (int) (number - trimmed - 1);
        long start = starts[i];
        long end = i + 1 < count ? starts[i + 1] : size;
        return readAt(channel, start + HEAD, (int) (end - start - HEAD)).array();
    }

    /** What is left goes into a new file under the same name. */
    private void trim(long upTo) throws IOException {
        int drop = (int) Math.min(count, upTo - trimmed);
        long from = drop < count ? starts[drop] : size;
        long live = size - from;
        if (live > MAX_COPY && live > from) {
            System.arraycopy(starts, drop, starts, 0, count - drop);
            count -= drop;
            trimmed = upTo;
            return;
        }
        byte[] header = header(tenant, volume, stream, upTo);
        Path fresh = file.resolveSibling(file.getFileName() + ".part");
        try (FileChannel out = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            ByteBuffer start = ByteBuffer.wrap(header);
            while (start.hasRemaining()) {
                out.write(start);
            }
            for (long at = from; at < size; ) {
                at += channel.transferTo(at, size - at, out);
            }
            out.force(true);
        }
        DurableFile.rename(fresh, file);
        DurableFile.syncDirectory(DurableFile.directoryOf(file));
        FileChannel old = channel;
        channel = channel(file);
        long moved = header.length - from;
        for (int i = drop; i < count; i++) {
            starts[i - drop] = starts[i] + moved;
        }
        count -= drop;
        inFile = count;
        size = header.length + live;
        trimmed = upTo;
        old.close();
    }

    /** Entries from number {@code from} on, of at most {@code maxBytes} but at least one if there is one. */
    synchronized StorageClient.JournalPage read(long from, int maxBytes) {
        try {
            long first = Math.max(from, trimmed + 1);
            List<byte[]> entries = new ArrayList<>();
            long bytes = 0;
            for (long number = first; number < next() && entries.size() < JournalOrder.MAX_ENTRIES; number++) {
                byte[] entry = entry(number);
                bytes += entry.length;
                if (!entries.isEmpty() && bytes > maxBytes) {
                    break;
                }
                entries.add(entry);
            }
            return new StorageClient.JournalPage(stream, trimmed, next(), first, entries);
        } catch (IOException e) {
            throw DurableFile.failure(READ, file, e);
        }
    }

    /** Lets go of the file, which another journal is to replace; nothing is written to it any more. */
    synchronized void abandon() {
        gone = true;
        close();
    }

    /** Deletes it. */
    synchronized void delete() {
        abandon();
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw DurableFile.failure("delete kept journal", file, e);
        }
    }

    private static PpiofsException refused(ErrorKind kind, String detail) {
        return new PpiofsException(kind, "keep journal", "at the operator", detail);
    }

    @Override
    public synchronized void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw DurableFile.failure("close kept journal", file, e);
        }
    }

    /** For who asks by name. @return null where the file is none */
    static @Nullable JournalFile openOrNull(Path file) {
        try {
            return open(file);
        } catch (PpiofsException e) {
            LOG.error("a kept journal cannot be read and is left where it is: {}", e.getMessage());
            return null;
        }
    }
}
