package io.ppiofs.blockstore.space;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import jnr.ffi.LibraryLoader;
import jnr.ffi.LibraryOption;
import jnr.ffi.Runtime;

/**
 * What Java's files cannot do: allocate blocks without writing them and give blocks inside a file back. Linux {@code
 * fallocate(2)}; elsewhere and on filesystems without it the calls say "not supported" and nothing is lost but space.
 */
public final class NativeFiles {
    /** fcntl.h and linux/falloc.h, the same on x86-64 and aarch64. */
    private static final int O_RDWR = 2;

    private static final int O_CLOEXEC = 02000000;
    private static final int FALLOC_FL_KEEP_SIZE = 1;
    private static final int FALLOC_FL_PUNCH_HOLE = 2;
    private static final int ENOSPC = 28;
    private static final int ENOENT = 2;

    /** The part of libc that is used. Public because jnr generates a class that implements it. */
    public interface LibC {
        int open(String path, int flags);

        int fallocate(int fd, int mode, long offset, long length);

        int close(int fd);
    }

    /** Loaded at first use, not at start-up: binding takes some 100 ms. */
    private static final class Holder {
        static final LibC LIBC = LibraryLoader.create(LibC.class)
                .option(LibraryOption.SaveError, true)
                .load("c");
    }

    private NativeFiles() {}

    /**
     * Makes the filesystem allocate the first {@code length} bytes of a file, so that later writes there, also through a
     * mapping, cannot find the disk full. The contents do not change.
     *
     * @throws IOException "No space left on device" if there is no room
     */
    public static void allocate(Path file, long length) throws IOException {
        if (length == 0) {
            return;
        }
        int error = fallocate(file, 0, 0, length);
        if (error == ENOSPC) {
            throw new IOException(file + ": No space left on device");
        }
        if (error == ENOENT) {
            throw new NoSuchFileException(file.toString());
        }
    }

    /**
     * Gives the blocks inside [offset, offset + length) back; the bytes then read as zeros and the file keeps its length.
     *
     * @return false where the filesystem cannot
     */
    public static boolean punch(Path file, long offset, long length) {
        return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) == 0;
    }

    /** @return 0 or the errno */
    private static int fallocate(Path file, int mode, long offset, long length) {
        if (!Files.isRegularFile(file)) {
            return ENOENT;
        }
        LibC libc = Holder.LIBC;
        int fd = libc.open(file.toString(), O_RDWR | O_CLOEXEC);
        if (fd < 0) {
            return Runtime.getRuntime(libc).getLastError();
        }
        try {
            return libc.fallocate(fd, mode, offset, length) == 0
                    ? 0
                    : Runtime.getRuntime(libc).getLastError();
        } finally {
            libc.close(fd);
        }
    }
}
