package io.ppiofs.proofs.work;

import io.ppiofs.blockstore.space.NativeFiles;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file of fixed length, mapped as a whole. The mapping goes when the collector finds it unreachable, also after the file
 * was deleted. The buffer's absolute reads are thread-safe.
 */
public final class MappedFile {
    /** Longest file: what one mapping can address. */
    public static final long MAX_BYTES = 1L << 30;

    private final Path path;
    private final MappedByteBuffer buffer;

    private MappedFile(Path path, MappedByteBuffer buffer) {
        this.path = path;
        this.buffer = buffer;
    }

    /**
     * Makes or replaces the file and allocates its blocks.
     *
     * @throws PpiofsException NO_SPACE, IO
     */
    public static MappedFile create(Path path, long bytes, String operation) {
        require(bytes);
        try (FileChannel channel = FileChannel.open(
                path,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
            NativeFiles.allocate(path, bytes);
            return new MappedFile(path, channel.map(MapMode.READ_WRITE, 0, bytes));
        } catch (IOException e) {
            throw DurableFile.failure(operation, path, e);
        }
    }

    /** @throws PpiofsException CORRUPT if it has another length; IO */
    public static MappedFile open(Path path, long bytes, String operation) {
        require(bytes);
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            if (channel.size() != bytes) {
                throw new PpiofsException(
                        ErrorKind.CORRUPT,
                        operation,
                        path.toString(),
                        "it has " + channel.size() + " bytes, not " + bytes + "; delete it to have it made again");
            }
            return new MappedFile(path, channel.map(MapMode.READ_ONLY, 0, bytes));
        } catch (IOException e) {
            throw DurableFile.failure(operation, path, e);
        }
    }

    private static void require(long bytes) {
        if (bytes < 1 || bytes > MAX_BYTES) {
            throw new IllegalArgumentException("bytes is " + bytes + ", not 1 to " + MAX_BYTES);
        }
    }

    public Path path() {
        return path;
    }

    /** The whole file; callers use absolute positions only. Big-endian unless a view says otherwise. */
    public MappedByteBuffer buffer() {
        return buffer;
    }

    /** Returns when what was written is on the disk. */
    public void force() {
        buffer.force();
    }
}
