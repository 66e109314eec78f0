package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says that this process owns a home; the kernel drops it with the process, also at kill -9. */
final class HomeLock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HomeLock.class);
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final FileChannel channel;
    private final FileLock lock;

    private HomeLock(FileChannel channel, FileLock lock) {
        this.channel = channel;
        this.lock = lock;
    }

    /** @throws PpiofsException IN_USE if another process has it, or two others are handing it over */
    static HomeLock take(Home home) {
        HomeLock lock = takeAlone(home);
        if (isHandedOver(home)) {
            closeQuietly(lock);
            throw new PpiofsException(
                    ErrorKind.IN_USE,
                    "home",
                    home.toString(),
                    "is just being taken over by another process; try again");
        }
        return lock;
    }

    /** For who goes on: one of the two processes that {@link #beginHandover} named. Waits a moment for who looked in. */
    static HomeLock takeOver(Home home) throws InterruptedException {
        long giveUp = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                return takeAlone(home);
            } catch (PpiofsException e) {
                if (e.kind() != ErrorKind.IN_USE || System.nanoTime() > giveUp) {
                    throw e;
                }
                TimeUnit.MILLISECONDS.sleep(5);
            }
        }
    }

    /**
     * The owner is about to let go for {@code next} to take it: until {@link #endHandover}, or until both have died, nobody
     * else gets it.
     */
    static void beginHandover(Home home, long next) {
        try {
            Files.writeString(
                    home.takeoverFile(),
                    bootId() + " " + ProcessHandle.current().pid() + " " + next);
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.IO,
                    "take over",
                    home.takeoverFile().toString(),
                    "cannot be written: " + e.getMessage(),
                    e);
        }
    }

    static void endHandover(Home home) {
        try {
            Files.deleteIfExists(home.takeoverFile());
        } catch (IOException e) {
            LOG.warn("{} stays until this process has ended", home.takeoverFile(), e);
        }
    }

    private static boolean isHandedOver(Home home) {
        try {
            String[] words = Files.readString(home.takeoverFile()).split(" ", 0);
            boolean sinceBoot = words[0].equals(bootId());
            for (String pid : words) {
                if (sinceBoot
                        && pid.matches("[0-9]{1,18}")
                        && ProcessHandle.of(Long.parseLong(pid)).isPresent()) {
                    return true;
                }
            }
        } catch (IOException e) {
            return false; // the usual case: there is none
        }
        endHandover(home);
        return false;
    }

    /** Process ids mean nothing after the next start of the machine. */
    private static String bootId() throws IOException {
        Path file = Path.of("/proc/sys/kernel/random/boot_id");
        return Files.exists(file) ? Files.readString(file).strip() : "-";
    }

    private static void closeQuietly(HomeLock lock) {
        try {
            lock.close();
        } catch (IOException e) {
            LOG.warn("the lock of the home could not be given back", e);
        }
    }

    private static HomeLock takeAlone(Home home) {
        try {
            FileChannel channel = FileChannel.open(
                    home.lockFile(),
                    Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            FileLock lock = tryLock(channel);
            if (lock == null) {
                String owner = owner(channel);
                channel.close();
                throw new PpiofsException(
                        ErrorKind.IN_USE,
                        "home",
                        home.toString(),
                        "is owned by another ppiofs process" + owner + "; stop it or name another home with --home");
            }
            // For people and error messages only: the lock itself is the truth.
            channel.truncate(0);
            channel.write(
                    ByteBuffer.wrap(Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)));
            return new HomeLock(channel, lock);
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, "home", home.toString(), "cannot be locked: " + e.getMessage(), e);
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    private static String owner(FileChannel channel) throws IOException {
        ByteBuffer text = ByteBuffer.allocate(20);
        channel.read(text, 0);
        String pid = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).trim();
        return pid.matches("[0-9]+") ? " (process " + pid + ")" : "";
    }

    @Override
    public void close() throws IOException {
        lock.release();
        channel.close();
    }
}
