package io.ppiofs.blockstore.segment;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads and writes at positions. A file channel closes itself when a thread in it is interrupted, and idle files are
 * closed to save descriptors: both only mean that the next access opens it again. Every access here can be repeated.
 * Thread-safe.
 */
final class PositionalFile implements Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(PositionalFile.class);

    private final Path path;
    private final ReentrantLock opening = new ReentrantLock();
    private volatile @Nullable FileChannel channel;
    private volatile @Nullable FileChannel direct; // of the one writer
    private volatile boolean indirect;
    private volatile boolean closed;
    private volatile long lastUse;

    PositionalFile(Path path) {
        this.path = path;
    }

    Path path() {
        return path;
    }

    /** One access to an open channel. */
    private interface Access<T> {
        T with(FileChannel channel) throws IOException;
    }

    private <T> T access(Access<T> access) throws IOException {
        return access(this::open, access);
    }

    /** What opens a channel that is closed. */
    private interface Opening {
        FileChannel open() throws IOException;
    }

    private <T> T access(Opening channels, Access<T> access) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            while (true) {
                try {
                    return access.with(channels.open());
                } catch (ClosedChannelException e) {
                    interrupted |= Thread.interrupted();
                    if (closed) {
                        throw e;
                    }
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Makes names in a directory durable, whether or not this thread is interrupted meanwhile. */
    static void forceDirectory(Path directory) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            while (true) {
                try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                    channel.force(true);
                    return;
                } catch (ClosedByInterruptException e) {
                    interrupted |= Thread.interrupted();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private FileChannel open() throws IOException {
        lastUse = System.nanoTime();
        FileChannel current = channel;
        if (current != null && current.isOpen()) {
            return current;
        }
        opening.lock();
        try {
            current = channel;
            if (current == null || !current.isOpen()) {
                if (closed) {
                    throw new ClosedChannelException();
                }
                current = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
                channel = current;
            }
            return current;
        } finally {
            opening.unlock();
        }
    }

    private FileChannel openDirect() throws IOException {
        opening.lock();
        try {
            if (closed) {
                throw new ClosedChannelException();
            }
            lastUse = System.nanoTime();
            FileChannel current = direct;
            if (current == null || !current.isOpen()) {
                current = FileChannel.open(path, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT);
                direct = current;
            }
            return current;
        } finally {
            opening.unlock();
        }
    }

    /** @return bytes read: fewer than asked only at the end of the file */
    int read(ByteBuffer dst, long position) throws IOException {
        int start = dst.position();
        return access(file -> {
            dst.position(start);
            while (dst.hasRemaining()) {
                int n = file.read(dst, position + dst.position() - start);
                if (n < 0) {
                    break;
                }
            }
            return dst.position() - start;
        });
    }

    /** Writes all remaining bytes; after an exception any part of them may be in the file. */
    void write(ByteBuffer src, long position) throws IOException {
        int start = src.position();
        access(file -> {
            src.position(start);
            while (src.hasRemaining()) {
                file.write(src, position + src.position() - start);
            }
            return true;
        });
    }

    /**
     * Writes past the page cache, if the filesystem can and nothing is in the way; {@link #write} is the way that tells
     * what is. One thread at a time.
     *
     * @param src whole blocks of the filesystem, aligned to them in memory; its position is as before
     * @param position aligned likewise
     * @return false if {@code write} is to be called instead: any part of the bytes may be in the file
     */
    boolean writeDirect(ByteBuffer src, long position) throws IOException {
        if (indirect) {
            return false;
        }
        int start = src.position();
        try {
            return access(this::openDirect, file -> {
                src.position(start);
                while (src.hasRemaining()) {
                    file.write(src, position + src.position() - start);
                }
                return true;
            });
        } catch (ClosedChannelException e) {
            throw e;
        } catch (IOException | UnsupportedOperationException e) {
            indirect = true; // larger blocks, no such option, no room: the other way works or says why not
            return false;
        } finally {
            src.position(start);
        }
    }

    /** fdatasync. */
    void force() throws IOException {
        access(file -> {
            file.force(false);
            return true;
        });
    }

    void truncate(long length) throws IOException {
        access(file -> {
            file.truncate(length);
            return true;
        });
    }

    long size() throws IOException {
        return access(FileChannel::size);
    }

    /** Closes the descriptor; the next access opens it again. */
    void closeIdle() throws IOException {
        opening.lock();
        try {
            closeDirect();
            FileChannel current = channel;
            channel = null;
            if (current != null) {
                current.close();
            }
        } finally {
            opening.unlock();
        }
    }

    /** Nothing more will be written past the page cache. */
    void closeDirect() {
        opening.lock();
        FileChannel writing = direct;
        direct = null;
        try {
            if (writing != null) {
                writing.close();
            }
        } catch (IOException e) {
            LOG.debug("{}", path, e); // what was written is written
        } finally {
            opening.unlock();
        }
    }

    boolean isOpen() {
        FileChannel current = channel;
        return current != null && current.isOpen() || direct != null;
    }

    /** {@link System#nanoTime} of the last access. */
    long lastUse() {
        return lastUse;
    }

    @Override
    public void close() throws IOException {
        closed = true;
        closeIdle();
    }
}
