package io.ppiofs.overlay.storage;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.gc.MarkSet;
import io.ppiofs.file.DurableFile;
import io.ppiofs.overlay.placement.Inventory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of one leased slot in the order in which they came: a file of records of 40 bytes (digest of the CID, length,
 * CRC-32C of both). In memory are two numbers, and, while the slot is in use, a set of 32 bytes per block. A record that a
 * crash left half written, and what follows it, is dropped. Thread-safe.
 */
final class SlotFile {
    static final int RECORD = Cid.DIGEST_LENGTH + 8;
    private static final int READ = 1024 * RECORD;

    private final Path file;
    private @Nullable FileChannel channel;
    private @Nullable MarkSet names;
    private boolean dirty;
    private boolean gone;
    private long count;
    private long bytes;

    /** Reads what is there; a slot without a file is empty. */
    SlotFile(Path file) {
        this.file = file;
        try {
            if (Files.exists(file)) {
                long good = scan(null);
                if (good < Files.size(file)) {
                    try (FileChannel cut = FileChannel.open(file, StandardOpenOption.WRITE)) {
                        cut.truncate(good);
                        cut.force(true);
                    }
                }
                this.count = good / RECORD;
            }
        } catch (IOException e) {
            throw DurableFile.failure("read holdings", file, e);
        }
    }

    @FunctionalInterface
    private interface Visitor {
        /** @return false to stop */
        boolean visit(Cid cid, int length);
    }

    /** Walks over the whole records; without a visitor it sums their lengths. @return where the last whole one ends */
    private long scan(@Nullable Visitor visitor) throws IOException {
        long good = 0;
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer chunk = ByteBuffer.allocate(READ);
            while (true) {
                chunk.clear();
                while (chunk.hasRemaining() && in.read(chunk) >= 0) {
                    // until full, or until the end
                }
                chunk.flip();
                while (chunk.remaining() >= RECORD) {
                    int at = chunk.position();
                    Cid cid = Cid.readDigest(chunk);
                    int length = chunk.getInt();
                    if (chunk.getInt() != crc(chunk.array(), at) || length <= 0) {
                        return good;
                    }
                    if (visitor == null) {
                        bytes += length;
                    } else if (!visitor.visit(cid, length)) {
                        return good;
                    }
                    good += RECORD;
                }
                if (chunk.limit() < READ) {
                    return good;
                }
            }
        }
    }

    private static int crc(byte[] array, int at) {
        CRC32C crc = new CRC32C();
        crc.update(array, at, Cid.DIGEST_LENGTH + 4);
        return (int) crc.getValue();
    }

    synchronized long count() {
        return count;
    }

    synchronized long bytes() {
        return bytes;
    }

    /** Whether the block was put into this slot. */
    synchronized boolean contains(Cid cid) {
        return names().contains(cid);
    }

    private MarkSet names() {
        MarkSet loaded = names;
        if (loaded == null) {
            MarkSet fresh = new MarkSet((int) Math.min(count, 1 << 20));
            if (count > 0) {
                forEach((cid, length) -> {
                    fresh.add(cid);
                    return true;
                });
            }
            loaded = fresh;
            names = fresh;
        }
        return loaded;
    }

    private void forEach(Visitor visitor) {
        try {
            scan(visitor);
        } catch (IOException e) {
            throw DurableFile.failure("read holdings", file, e);
        }
    }

    /** Adds all names to {@code into}. */
    synchronized void mark(MarkSet into) {
        if (count > 0) {
            forEach((cid, length) -> {
                into.add(cid);
                return true;
            });
        }
    }

    /** Up to {@code most} entries after the first {@code from}. */
    synchronized List<Inventory.Entry> entries(long from, int most) {
        List<Inventory.Entry> entries = new ArrayList<>();
        if (from >= count) {
            return entries;
        }
        long[] place = new long[1];
        forEach((cid, length) -> {
            if (place[0]++ >= from) {
                entries.add(new Inventory.Entry(cid, length));
            }
            return entries.size() < most;
        });
        return entries;
    }

    /** Adds a block; false if it is there already, or the slot is deleted. Durable after {@link #sync}. */
    synchronized boolean append(Cid cid, int length) {
        if (gone || !names().add(cid)) {
            return false;
        }
        ByteBuffer record = ByteBuffer.allocate(RECORD);
        cid.writeDigest(record);
        record.putInt(length);
        record.putInt(crc(record.array(), 0)).flip();
        try {
            FileChannel out = channel;
            if (out == null) {
                out = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                channel = out;
            }
            long at = count * RECORD;
            while (record.hasRemaining()) {
                out.write(record, at + record.position());
            }
            count++;
            bytes += length;
            dirty = true;
            return true;
        } catch (IOException e) {
            names = null; // it has a name now that the file has not
            throw DurableFile.failure("write holdings", file, e);
        }
    }

    synchronized boolean isDirty() {
        return dirty;
    }

    synchronized void sync() {
        try {
            if (dirty && channel != null) {
                channel.force(false);
                dirty = false;
            }
        } catch (IOException e) {
            throw DurableFile.failure("flush holdings", file, e);
        }
    }

    /** Blocks whose names are in memory. */
    synchronized long loaded() {
        return names == null ? 0 : Math.max(count, 1);
    }

    /** Lets go of memory and descriptor. */
    synchronized void rest() {
        sync();
        names = null;
        try {
            if (channel != null) {
                channel.close();
                channel = null;
            }
        } catch (IOException e) {
            throw DurableFile.failure("close holdings", file, e);
        }
    }

    synchronized boolean isGone() {
        return gone;
    }

    /** Deletes the file, for good. */
    synchronized void delete() {
        gone = true;
        dirty = false;
        rest();
        count = 0;
        bytes = 0;
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw DurableFile.failure("delete holdings", file, e);
        }
    }
}
