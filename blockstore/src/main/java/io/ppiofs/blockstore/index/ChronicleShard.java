package io.ppiofs.blockstore.index;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.space.NativeFiles;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import net.openhft.chronicle.map.ChronicleMap;
import net.openhft.chronicle.map.MapSegmentContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One Chronicle Map file. Its file is really allocated before it is used: a write through the mapping that finds the
 * disk full would kill the process with SIGBUS. Chronicle has a hard ceiling, so the shard is copied to a map four
 * times as big when it is 70 % full; meanwhile writers write to both, first the old one. The copier puts an entry while it
 * holds the old map's segment lock, so whatever a writer does to the old map later also reaches the new one later.
 */
final class ChronicleShard {
    private static final Logger LOG = LoggerFactory.getLogger(ChronicleShard.class);
    private static final int VALUE_LENGTH = 20;
    private static final int CHECK_EVERY = 128;

    private final Path directory;
    private final int shard;
    private final Executor background;
    /** Shared by lookups and updates; exclusive while a map is exchanged, so that nobody uses a closed one. */
    private final ReentrantReadWriteLock exchange = new ReentrantReadWriteLock();

    private final ReentrantLock growing = new ReentrantLock();
    private final AtomicBoolean growthPlanned = new AtomicBoolean();
    private final AtomicInteger putsSinceCheck = new AtomicInteger();
    private ChronicleMap<byte[], byte[]> map;
    private Path file;
    private int generation;
    private @Nullable ChronicleMap<byte[], byte[]> bigger;
    private volatile long capacity;
    private volatile boolean stopping;

    private ChronicleShard(
            Path directory,
            int shard,
            int generation,
            ChronicleMap<byte[], byte[]> map,
            long capacity,
            Executor background) {
        this.directory = directory;
        this.shard = shard;
        this.generation = generation;
        this.file = fileOf(directory, shard, generation, capacity);
        this.map = map;
        this.capacity = capacity;
        this.background = background;
    }

    /** Opens the one file of the shard, or makes a new one with room for {@code capacity} entries. */
    static ChronicleShard open(Path directory, int shard, long capacity, Executor background) throws IOException {
        Path existing = fileIn(directory, shard);
        int generation = existing == null ? 1 : (int) numberIn(existing, 2);
        long room = existing == null ? capacity : numberIn(existing, 3);
        ChronicleMap<byte[], byte[]> map = create(fileOf(directory, shard, generation, room), room);
        ChronicleShard opened = new ChronicleShard(directory, shard, generation, map, room, background);
        opened.growIfNeeded();
        return opened;
    }

    /**
     * The file of a shard; the name tells the capacity, which Chronicle does not. Every new file gets a name of its own:
     * inside one process Chronicle keeps one descriptor per path, so a file that has taken over another's name would be
     * mapped twice.
     */
    private static Path fileOf(Path directory, int shard, int generation, long capacity) {
        return directory.resolve("shard-" + shard + "-" + generation + "-" + capacity + ".map");
    }

    private static long numberIn(Path file, int part) {
        String name = file.getFileName().toString();
        return Long.parseLong(name.substring(0, name.length() - ".map".length()).split("-")[part]);
    }

    /** All files of a shard. */
    static List<Path> filesIn(Path directory, int shard) throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(directory, "shard-" + shard + "-*.map")) {
            for (Path path : all) {
                if (path.getFileName().toString().matches("shard-[0-9]+-[0-9]{1,9}-[0-9]{1,12}\\.map")) {
                    files.add(path);
                }
            }
        }
        return files;
    }

    /** The file that a clean close left, or null if there is none or more than one. */
    static @Nullable Path fileIn(Path directory, int shard) throws IOException {
        List<Path> files = filesIn(directory, shard);
        return files.size() == 1 ? files.get(0) : null;
    }

    private static ChronicleMap<byte[], byte[]> create(Path file, long capacity) throws IOException {
        ChronicleMap<byte[], byte[]> map = ChronicleMap.of(byte[].class, byte[].class)
                .name("blocks")
                .entries(capacity)
                .constantKeySizeBySample(new byte[Cid.DIGEST_LENGTH])
                .constantValueSizeBySample(new byte[VALUE_LENGTH])
                .putReturnsNull(true)
                .removeReturnsNull(true)
                .checksumEntries(false) // a file that was not closed is thrown away
                .maxBloatFactor(2)
                // its hook would close the index under a node that is still writing its last checkpoint
                .skipCloseOnExitHook(true)
                .createPersistedTo(file.toFile());
        try {
            NativeFiles.allocate(file, Files.size(file));
        } catch (IOException | RuntimeException e) {
            map.close();
            throw e;
        }
        return map;
    }

    @Nullable
    Location get(Cid cid) {
        byte[] value = new byte[VALUE_LENGTH];
        exchange.readLock().lock();
        try {
            return map.getUsing(cid.digest(), value) == null ? null : decode(value);
        } finally {
            exchange.readLock().unlock();
        }
    }

    void put(Cid cid, Location location) {
        byte[] key = cid.digest();
        byte[] value = encode(location);
        exchange.readLock().lock();
        try {
            map.put(key, value);
            if (bigger != null) {
                bigger.put(key, value);
            }
        } finally {
            exchange.readLock().unlock();
        }
        if (putsSinceCheck.incrementAndGet() >= CHECK_EVERY) {
            putsSinceCheck.set(0);
            growIfNeeded();
        }
    }

    void remove(Cid cid) {
        byte[] key = cid.digest();
        exchange.readLock().lock();
        try {
            map.remove(key);
            if (bigger != null) {
                bigger.remove(key);
            }
        } finally {
            exchange.readLock().unlock();
        }
    }

    long size() {
        exchange.readLock().lock();
        try {
            return map.longSize();
        } finally {
            exchange.readLock().unlock();
        }
    }

    long capacity() {
        return capacity;
    }

    private void growIfNeeded() {
        long size = size();
        if (size <= growAt()) {
            return;
        }
        if (size < capacity) {
            if (growthPlanned.compareAndSet(false, true)) {
                background.execute(this::grow);
            }
            return;
        }
        grow(); // writers have outrun the background: they wait here
        if (size() >= capacity) {
            throw new PpiofsException(
                    ErrorKind.NO_SPACE,
                    "grow block index",
                    directory.toString(),
                    "the disk is full, delete something or make room");
        }
    }

    private long growAt() {
        return capacity / 10 * 7;
    }

    private void grow() {
        growing.lock();
        try {
            if (size() > growAt() && !stopping) {
                growUnderLock();
            }
        } finally {
            growthPlanned.set(false);
            growing.unlock();
        }
    }

    private void growUnderLock() {
        long newCapacity = capacity * 4;
        Path next = fileOf(directory, shard, ++generation, newCapacity);
        try {
            ChronicleMap<byte[], byte[]> target = create(next, newCapacity);
            if (!startDoubleWriting(target)) {
                target.close();
                Files.deleteIfExists(next);
                return;
            }
            copyTo(target);
            exchange(target, next, newCapacity);
        } catch (IOException | RuntimeException e) {
            LOG.warn("index shard {} could not grow beyond {} entries, trying again later", file, capacity, e);
            deleteQuietly(next);
        }
    }

    private void exchange(ChronicleMap<byte[], byte[]> target, Path next, long newCapacity) throws IOException {
        exchange.writeLock().lock();
        try {
            bigger = null;
            if (stopping) {
                target.close(); // perhaps incomplete
                Files.deleteIfExists(next);
                return;
            }
            Path old = file;
            map.close();
            map = target;
            file = next;
            capacity = newCapacity;
            Files.delete(old);
        } finally {
            exchange.writeLock().unlock();
        }
    }

    private boolean startDoubleWriting(ChronicleMap<byte[], byte[]> target) {
        exchange.writeLock().lock();
        try {
            if (stopping) {
                return false;
            }
            bigger = target;
            return true;
        } finally {
            exchange.writeLock().unlock();
        }
    }

    private void copyTo(ChronicleMap<byte[], byte[]> target) {
        int segments = map.segments();
        for (int i = 0; i < segments; i++) {
            exchange.readLock().lock(); // in slices: stopping need not wait for the whole copy
            try {
                if (stopping) {
                    return;
                }
                try (MapSegmentContext<byte[], byte[], ?> context = map.segmentContext(i)) {
                    context.forEachSegmentEntry(
                            entry -> target.put(entry.key().get(), entry.value().get()));
                }
            } finally {
                exchange.readLock().unlock();
            }
        }
    }

    private static void deleteQuietly(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            LOG.warn("cannot remove {}", path, e);
        }
    }

    /** Gives a growth under way up; the shard goes on working. */
    void stopGrowing() {
        stopping = true;
    }

    void close() {
        stopping = true;
        exchange.writeLock().lock();
        try {
            map.close();
        } finally {
            exchange.writeLock().unlock();
        }
    }

    private static byte[] encode(Location location) {
        byte[] value = new byte[VALUE_LENGTH];
        ByteBuffer.wrap(value)
                .putInt(location.segment())
                .putInt(location.offset())
                .putInt(location.length())
                .putLong(location.epoch());
        return value;
    }

    private static Location decode(byte[] value) {
        ByteBuffer in = ByteBuffer.wrap(value);
        return new Location(in.getInt(), in.getInt(), in.getInt(), in.getLong());
    }
}
