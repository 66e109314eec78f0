package io.ppiofs.blockstore.space;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reservations against the free space of one filesystem. A byte is reserved before data is accepted and released when
 * it has been written (or dropped); what is reserved and what is written in between two looks at the disk are both
 * counted, so the answer errs towards "full". Thread-safe, lock-free on the usual path.
 */
public final class SpaceBudget implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SpaceBudget.class);
    private static final long LOOK_EVERY_NANOS = 100_000_000L;
    private static final long LOOK_EVERY_BYTES = 16L << 20;
    private static final long LARGEST_BALLAST = 64L << 20;

    private final Path directory;
    private final Path ballast;
    private final FileStore disk;
    private final LongSupplier nanoClock;
    private final long capacity;
    private final long keep;
    private final long ballastBytes;
    private final AtomicLong reserved = new AtomicLong();
    /** Free bytes at the last look; what was released as written since then is taken off. */
    private final AtomicLong free = new AtomicLong();

    private final AtomicLong grantedSinceLook = new AtomicLong();
    private final AtomicLong used = new AtomicLong();
    private volatile long lastLook;
    private volatile boolean ballastHeld;

    private SpaceBudget(Path directory, FileStore disk, long capacity, long ballastBytes, LongSupplier nanoClock)
            throws IOException {
        this.directory = directory;
        this.ballast = directory.resolve("ballast");
        this.disk = disk;
        this.capacity = capacity;
        this.ballastBytes = ballastBytes;
        this.nanoClock = nanoClock;
        // 1 % of the disk, 4 … 256 MiB: what unlink, checkpoint and collection need to free the rest
        this.keep = Math.max(4L << 20, Math.min(256L << 20, disk.getTotalSpace() / 100));
        this.ballastHeld = Files.exists(ballast);
        look();
    }

    /**
     * @param directory on the disk in question; the ballast file {@code ballast} lies in it
     * @param capacity bytes that may be used in all, or {@link Long#MAX_VALUE}; see {@link #used}
     */
    public static SpaceBudget open(Path directory, long capacity) {
        return open(directory, capacity, System::nanoTime);
    }

    /** As {@link #open(Path, long)} with the caller's clock. */
    public static SpaceBudget open(Path directory, long capacity, LongSupplier nanoClock) {
        try {
            Files.createDirectories(directory);
            FileStore disk = Files.getFileStore(directory);
            long ballastBytes = Math.min(LARGEST_BALLAST, disk.getTotalSpace() / 100 * 3);
            return new SpaceBudget(directory, disk, capacity, ballastBytes, nanoClock);
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.IO, "ask for free space", directory.toString(), String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * Takes {@code bytes} out of the free space, to be given back by {@link #release}.
     *
     * @throws PpiofsException NO_SPACE if they are not there beside the reserve
     */
    public void reserve(long bytes) {
        if (!tryReserve(bytes)) {
            throw new PpiofsException(
                    ErrorKind.NO_SPACE,
                    "reserve",
                    bytes + " bytes",
                    "the disk of " + directory + " is full, delete something or make room");
        }
    }

    /** As {@link #reserve}, with an answer instead of an exception. */
    public boolean tryReserve(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("reservation of " + bytes + " bytes");
        }
        boolean due = nanoClock.getAsLong() - lastLook > LOOK_EVERY_NANOS
                || grantedSinceLook.addAndGet(Math.min(bytes, LOOK_EVERY_BYTES + 1)) > LOOK_EVERY_BYTES;
        if (due) {
            look();
        }
        if (grant(bytes)) {
            return true;
        }
        if (!due) {
            look(); // a refusal is never from memory
            return grant(bytes);
        }
        return false;
    }

    private boolean grant(long bytes) {
        if (bytes > room()) {
            return false; // fallocate(2) may ask for so much that the sum would overflow
        }
        long all = reserved.addAndGet(bytes);
        if (all <= room()) {
            return true;
        }
        reserved.addAndGet(-bytes);
        return false;
    }

    private long room() {
        long onDisk = free.get() - keep;
        return capacity == Long.MAX_VALUE ? onDisk : Math.min(onDisk, capacity - used.get());
    }

    /** Takes bytes that must be had whatever is left (replay, unlink, truncate), to be given back by {@link #release}. */
    public void charge(long bytes) {
        reserved.addAndGet(bytes);
    }

    /** Gives a reservation back: its bytes are on disk now, or are not needed. */
    public void release(long bytes) {
        if (reserved.addAndGet(-bytes) < 0) {
            throw new IllegalStateException("released more than was reserved");
        }
        free.addAndGet(-bytes); // may have been written since the last look; the next look tells
    }

    /** Bytes that {@link #reserve} would still grant, ≥ 0: what statfs may call available. */
    public long available() {
        if (nanoClock.getAsLong() - lastLook > LOOK_EVERY_NANOS) {
            look();
        }
        return Math.max(0, room() - reserved.get());
    }

    /** Total bytes of the disk, or the capacity if that is less. */
    public long total() {
        try {
            return Math.min(capacity, disk.getTotalSpace());
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.IO, "ask for disk size", directory.toString(), String.valueOf(e.getMessage()), e);
        }
    }

    /** Outstanding reservations, bytes. */
    public long reserved() {
        return reserved.get();
    }

    /** Tells what is in use now, bytes; counts against the capacity. The store calls it. */
    public void used(long bytes) {
        used.set(bytes);
    }

    private void look() {
        try {
            free.set(disk.getUsableSpace());
            grantedSinceLook.set(0);
            lastLook = nanoClock.getAsLong();
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.IO, "ask for free space", directory.toString(), String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * Gives the ballast up because a write that must succeed found the disk full.
     *
     * @return whether there was any
     */
    public synchronized boolean dropBallast() {
        if (!ballastHeld) {
            return false;
        }
        try {
            boolean dropped = Files.deleteIfExists(ballast);
            ballastHeld = false;
            look();
            LOG.warn("the disk of {} is full: gave up the ballast of {} bytes", directory, ballastBytes);
            return dropped;
        } catch (IOException e) {
            LOG.warn("cannot remove {}", ballast, e);
            return false;
        }
    }

    /**
     * Allocates the ballast if it is missing and there is ample room. Takes milliseconds, the first time some 100 ms
     * more: not on the start-up path.
     *
     * @return whether the ballast is there now
     */
    public synchronized boolean restoreBallast() {
        if (ballastHeld) {
            return true;
        }
        look();
        if (room() - reserved.get() < 2 * ballastBytes) {
            return false;
        }
        try {
            try (FileChannel channel = FileChannel.open(ballast, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                channel.truncate(0);
            }
            NativeFiles.allocate(ballast, ballastBytes);
            ballastHeld = true;
            look();
            return true;
        } catch (IOException e) {
            LOG.warn("no ballast: {}", e.toString());
            dropPartialBallast();
            return false;
        }
    }

    private void dropPartialBallast() {
        try {
            Files.deleteIfExists(ballast);
        } catch (IOException e) {
            LOG.warn("cannot remove {}", ballast, e);
        }
    }

    /** Whether the ballast file is allocated. */
    public boolean ballastHeld() {
        return ballastHeld;
    }

    /**
     * Whether a write of {@code bytes} failed because the disk is full. Java hides errno behind a message in the user's
     * language, so the free space has a say too.
     */
    public boolean isDiskFull(IOException e, long bytes) {
        String message = e.getMessage();
        if (message != null && message.contains("No space left")) {
            return true;
        }
        try {
            return disk.getUsableSpace() < bytes;
        } catch (IOException unknown) {
            e.addSuppressed(unknown);
            return false;
        }
    }

    /** Keeps the ballast for the next start. */
    @Override
    public void close() {}
}
