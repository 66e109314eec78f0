package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whether a directory can be mounted on; each refusal is one sentence that says what to do. */
public final class MountPointCheck {
    private static final Logger LOG = LoggerFactory.getLogger(MountPointCheck.class);
    private static final Path DEV_FUSE = Path.of("/dev/fuse");
    private static final int EIO = 5;
    private static final int ENOTCONN = 107;
    private static final int ECONNABORTED = 103;
    /** Layers of dead mounts that are cleaned before giving up. */
    private static final int LAYERS = 16;

    private final NativeSystem system;

    public MountPointCheck(NativeSystem system) {
        this.system = system;
    }

    /** @return the real path to mount on */
    public Path check(Path asked, boolean nonEmpty) {
        if (!Files.exists(DEV_FUSE)) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "mount",
                    DEV_FUSE.toString(),
                    "this machine has no FUSE device; load the kernel module with `modprobe fuse`");
        }
        if (!Files.isReadable(DEV_FUSE) || !Files.isWritable(DEV_FUSE)) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    "mount",
                    DEV_FUSE.toString(),
                    "this user may not use FUSE; allow it with `chmod 666 /dev/fuse`, or mount as root");
        }
        // A dead mount cannot be looked at, so its place is found through its parent.
        cleanDead(throughParent(asked));
        Path real = realDirectory(asked);
        cleanDead(real);
        if (!nonEmpty) {
            requireEmpty(real);
        }
        return real;
    }

    private static Path throughParent(Path asked) {
        Path absolute = asked.toAbsolutePath().normalize();
        Path parent = absolute.getParent();
        Path name = absolute.getFileName();
        if (parent == null || name == null) {
            return absolute;
        }
        try {
            return parent.toRealPath().resolve(name);
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND,
                    "mount",
                    asked.toString(),
                    "there is no such directory; create it with `mkdir -p`",
                    e);
        }
    }

    private void cleanDead(Path place) {
        for (int i = 0; i < LAYERS; i++) {
            Optional<MountTable.Entry> mount = MountTable.at(place);
            if (mount.isEmpty()) {
                return;
            }
            if (!mount.get().fuse() || !dead(place)) {
                throw busy(place, "is already a mount point (" + mount.get().type() + "); unmount it or take another");
            }
            if (!mount.get().type().equals("fuse.ppiofs")) {
                throw busy(place, "carries a dead mount of another program; clean it with `fusermount -uz`");
            }
            detach(place);
        }
        throw busy(place, "carries too many dead mounts; clean it with `umount -l`");
    }

    /** statfs always asks the driver; the kernel answers it so when nobody holds the other end of /dev/fuse. */
    private boolean dead(Path place) {
        int errno = system.statfs(place);
        return errno == ENOTCONN || errno == EIO || errno == ECONNABORTED;
    }

    private void detach(Path place) {
        int errno = system.detach(place);
        if (errno != 0) {
            throw busy(place, "carries a dead mount that cannot be removed (errno " + errno + ")");
        }
        LOG.warn("removed a dead ppiofs mount at {}: its process had ended without unmounting", place);
    }

    private static PpiofsException busy(Path place, String detail) {
        return new PpiofsException(ErrorKind.BUSY, "mount", place.toString(), detail);
    }

    private static Path realDirectory(Path asked) {
        if (!Files.exists(asked)) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND,
                    "mount",
                    asked.toString(),
                    "there is no such directory; create it with `mkdir -p`");
        }
        if (!Files.isDirectory(asked)) {
            throw new PpiofsException(
                    ErrorKind.NOT_A_DIRECTORY, "mount", asked.toString(), "is not a directory; give one to mount on");
        }
        try {
            return asked.toRealPath();
        } catch (IOException e) {
            throw unreadable(asked, e);
        }
    }

    private static void requireEmpty(Path real) {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(real)) {
            if (entries.iterator().hasNext()) {
                throw new PpiofsException(
                        ErrorKind.NOT_EMPTY,
                        "mount",
                        real.toString(),
                        "is not empty and its content would be hidden; take an empty directory or give -o nonempty");
            }
        } catch (IOException e) {
            throw unreadable(real, e);
        }
    }

    private static PpiofsException unreadable(Path place, IOException e) {
        return new PpiofsException(
                ErrorKind.ACCESS_DENIED, "mount", place.toString(), "cannot be read: " + e.getMessage(), e);
    }
}
