package io.ppiofs.blockstore.segment;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Says that this process owns a store's directory. The kernel takes it back when the process dies. */
final class StoreLock implements Closeable {
    /**
     * Directories this process has. The kernel's lock is per process, and closing any descriptor of the file drops it:
     * so a second attempt of this process must not even open the file. This is the one thing about a process.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path directory;
    private final FileChannel channel;
    private final FileLock lock;

    private StoreLock(Path directory, FileChannel channel, FileLock lock) {
        this.directory = directory;
        this.channel = channel;
        this.lock = lock;
    }

    /** @throws PpiofsException IN_USE if another store, in this or another process, has it */
    static StoreLock take(Path directory) {
        Path real;
        try {
            real = Files.createDirectories(directory).toRealPath();
        } catch (IOException e) {
            throw failed(directory, e);
        }
        if (!HELD.add(real)) {
            throw inUse(directory);
        }
        boolean taken = false;
        try {
            FileChannel channel =
                    FileChannel.open(real.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            if (lock == null) {
                channel.close();
                throw inUse(directory);
            }
            taken = true;
            return new StoreLock(real, channel, lock);
        } catch (IOException e) {
            throw failed(directory, e);
        } finally {
            if (!taken) {
                HELD.remove(real);
            }
        }
    }

    private static PpiofsException inUse(Path directory) {
        return new PpiofsException(
                ErrorKind.IN_USE,
                "open block store",
                directory.toString(),
                "another ppiofs process is using it; stop that one or choose another home");
    }

    private static PpiofsException failed(Path directory, IOException e) {
        return new PpiofsException(
                ErrorKind.IO, "open block store", directory.toString(), String.valueOf(e.getMessage()), e);
    }

    @Override
    public void close() {
        try {
            lock.release();
            channel.close();
        } catch (IOException e) {
            throw failed(directory, e);
        } finally {
            HELD.remove(directory);
        }
    }
}
