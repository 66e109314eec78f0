package io.ppiofs.file;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Small files that are replaced as a whole: written beside the target with mode 0600, flushed, renamed over it, and
 * the directory flushed. A crash or a full disk at any point leaves the old file or the new one, never a part.
 */
public final class DurableFile {
    private static final Set<StandardOpenOption> CREATE =
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);

    private DurableFile() {}

    /** @throws PpiofsException NO_SPACE, QUOTA_EXCEEDED, IO in one sentence that begins with {@code operation} */
    public static void replace(Path target, byte[] bytes, String operation) {
        try {
            rename(writeBeside(target, bytes), target);
            syncDirectory(directoryOf(target));
        } catch (IOException e) {
            throw failure(operation, target, e);
        }
    }

    /** Writes and flushes {@code target.new}; one writer at a time (the home's lock). */
    public static Path writeBeside(Path target, byte[] bytes) throws IOException {
        Path beside = target.resolveSibling(target.getFileName() + ".new");
        Files.deleteIfExists(beside); // a left-over of a crash may have another mode
        try (FileChannel out = FileChannel.open(
                beside, CREATE, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                out.write(buffer);
            }
            out.force(true);
        }
        return beside;
    }

    /** Atomic within one file system. */
    public static void rename(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException("the file system cannot rename atomically", e);
        }
    }

    /** Makes names in {@code directory} durable. */
    public static void syncDirectory(Path directory) throws IOException {
        try (FileChannel d = FileChannel.open(directory, StandardOpenOption.READ)) {
            d.force(true);
        }
    }

    /** The directory that {@code file} lies in. */
    public static Path directoryOf(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null) {
            throw new IllegalArgumentException("no file: " + file);
        }
        return parent;
    }

    /** All bytes, or null if there is no such file; CORRUPT if it is longer than {@code max}. */
    public static byte @Nullable [] read(Path file, int max, String operation) {
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = in.size();
            if (size > max) {
                throw new PpiofsException(
                        ErrorKind.CORRUPT,
                        operation,
                        file.toString(),
                        "it has " + size + " bytes, more than the " + max + " it can have; restore it from a backup");
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) size);
            while (bytes.hasRemaining() && in.read(bytes) >= 0) {
                // until full, or until the file turns out shorter
            }
            byte[] read = new byte[bytes.position()];
            bytes.flip().get(read);
            return read;
        } catch (NoSuchFileException e) {
            return null; // absence is an answer; each caller says what it means
        } catch (IOException e) {
            throw failure(operation, file, e);
        }
    }

    /** What went wrong, in one sentence. */
    public static PpiofsException failure(String operation, Path file, IOException e) {
        String reason = String.valueOf(e.getMessage());
        String lower = reason.toLowerCase(Locale.ROOT);
        if (lower.contains("no space left")) {
            return new PpiofsException(
                    ErrorKind.NO_SPACE, operation, file.toString(), "the disk is full; free some space", e);
        }
        if (lower.contains("quota exceeded")) {
            return new PpiofsException(
                    ErrorKind.QUOTA_EXCEEDED, operation, file.toString(), "the disk quota is used up; free space", e);
        }
        return new PpiofsException(
                ErrorKind.IO,
                operation,
                file.toString(),
                e.getClass().getSimpleName() + " " + reason + "; check the disk and its permissions",
                e);
    }
}
