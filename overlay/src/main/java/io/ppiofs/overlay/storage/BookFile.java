package io.ppiofs.overlay.storage;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A durable map from short texts to bytes: an append-only log in which every record has a checksum, rewritten when most of it
 * is outdated. A record that a crash left half written is the end of the log. All of it is in memory, so what goes in is
 * bounded by the caller. Thread-safe.
 *
 * <p>File: {@code "PPBK"}, version 1, three zeros; then records: length of the rest (4), CRC-32C of the rest (4), length of
 * the key (2), key, and, unless the key is deleted, the byte 1 and the value. Big-endian.
 */
final class BookFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BookFile.class);
    private static final byte[] MAGIC = {'P', 'P', 'B', 'K', 1, 0, 0, 0};
    private static final int HEAD = 8;
    private static final int MAX_RECORD = 1 << 20;
    private static final long SMALL = 1 << 20;

    private final Path file;
    private final Map<String, byte[]> entries = new TreeMap<>();
    private FileChannel channel;
    private long liveBytes;
    private boolean dirty;

    private BookFile(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** @throws PpiofsException IO, CORRUPT if it is another kind of file, UNSUPPORTED_FORMAT */
    static BookFile open(Path file) {
        try {
            Files.createDirectories(DurableFile.directoryOf(file));
            if (!Files.exists(file)) {
                DurableFile.replace(file, MAGIC, "begin storage book");
            }
            FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
            BookFile book = new BookFile(file, channel);
            book.replay();
            return book;
        } catch (IOException e) {
            throw DurableFile.failure("open storage book", file, e);
        }
    }

    private void replay() throws IOException {
        long size = channel.size();
        if (size < MAGIC.length || !ByteBuffer.wrap(MAGIC).equals(readAt(0, MAGIC.length))) {
            channel.close();
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "open storage book", file.toString(), "it is none of this version");
        }
        long at = MAGIC.length;
        while (at + HEAD <= size) {
            ByteBuffer head = readAt(at, HEAD);
            int length = head.getInt();
            int crc = head.getInt();
            if (length < 2 || length > MAX_RECORD || at + HEAD + length > size) {
                break;
            }
            ByteBuffer body = readAt(at + HEAD, length);
            if (crc(body.array()) != crc || !apply(body)) {
                break;
            }
            at += HEAD + length;
        }
        if (at < size) {
            LOG.warn("{}: {} bytes at its end were not completely written and are dropped", file, size - at);
            channel.truncate(at);
            channel.force(true);
        }
        channel.position(at);
    }

    private ByteBuffer readAt(long at, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining() && channel.read(buffer, at + buffer.position()) >= 0) {
            // until full, or until the file turns out shorter
        }
        return buffer.flip();
    }

    private boolean apply(ByteBuffer body) {
        int keyLength = body.getShort() & 0xffff;
        if (keyLength > body.remaining()) {
            return false;
        }
        byte[] key = new byte[keyLength];
        body.get(key);
        byte[] value = null;
        if (body.hasRemaining()) {
            body.get();
            value = new byte[body.remaining()];
            body.get(value);
        }
        remember(new String(key, StandardCharsets.UTF_8), value);
        return true;
    }

    private void remember(String key, byte @Nullable [] value) {
        byte[] old = value == null ? entries.remove(key) : entries.put(key, value);
        liveBytes += value == null ? 0 : cost(key, value);
        liveBytes -= old == null ? 0 : cost(key, old);
    }

    private static long cost(String key, byte[] value) {
        return HEAD + 3L + key.length() + value.length;
    }

    private static int crc(byte[] body) {
        CRC32C crc = new CRC32C();
        crc.update(body);
        return (int) crc.getValue();
    }

    private static byte[] record(String key, byte @Nullable [] value) {
        byte[] name = key.getBytes(StandardCharsets.UTF_8);
        ByteBuffer body = ByteBuffer.allocate(2 + name.length + (value == null ? 0 : 1 + value.length));
        body.putShort((short) name.length).put(name);
        if (value != null) {
            body.put((byte) 1).put(value);
        }
        return ByteBuffer.allocate(HEAD + body.capacity())
                .putInt(body.capacity())
                .putInt(crc(body.array()))
                .put(body.array())
                .array();
    }

    /** Sets a value, or deletes it if null; durable after {@link #sync}. */
    synchronized void put(String key, byte @Nullable [] value) {
        if (value == null && !entries.containsKey(key)) {
            return;
        }
        byte[] record = record(key, value);
        if (record.length - HEAD > MAX_RECORD) {
            throw new PpiofsException(
                    ErrorKind.TOO_BIG, "write storage book", key, record.length + " bytes are too many for an entry");
        }
        long start = -1;
        try {
            start = channel.position();
            write(channel, record);
            dirty = true;
            remember(key, value);
            if (channel.position() > SMALL && channel.position() > 3 * liveBytes) {
                rewrite();
            }
        } catch (IOException e) {
            cutBack(start);
            throw DurableFile.failure("write storage book", file, e);
        }
    }

    /** A record that was written in part would hide all that follow. */
    private void cutBack(long start) {
        try {
            if (start >= 0) {
                channel.truncate(start);
                channel.position(start);
            }
        } catch (IOException e) {
            LOG.error("{} cannot be cut back to its last whole record: {}", file, e.toString());
        }
    }

    private static void write(FileChannel to, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            to.write(buffer);
        }
    }

    private void rewrite() throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.write(MAGIC);
        for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
            all.write(record(entry.getKey(), entry.getValue()));
        }
        DurableFile.replace(file, all.toByteArray(), "rewrite storage book");
        FileChannel old = channel;
        channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        channel.position(channel.size());
        dirty = false;
        old.close();
    }

    synchronized byte @Nullable [] get(String key) {
        return entries.get(key);
    }

    /** Each entry whose key begins with {@code prefix}, in order; the values are not to be changed. */
    synchronized void forEach(String prefix, BiConsumer<String, byte[]> action) {
        new TreeMap<>(entries).forEach((key, value) -> {
            if (key.startsWith(prefix)) {
                action.accept(key, value);
            }
        });
    }

    /** Makes what was put survive power loss. */
    synchronized void sync() {
        if (!dirty) {
            return;
        }
        try {
            channel.force(false);
            dirty = false;
        } catch (IOException e) {
            throw DurableFile.failure("flush storage book", file, e);
        }
    }

    @Override
    public synchronized void close() {
        try {
            channel.force(false);
            channel.close();
        } catch (IOException e) {
            throw DurableFile.failure("close storage book", file, e);
        }
    }
}
