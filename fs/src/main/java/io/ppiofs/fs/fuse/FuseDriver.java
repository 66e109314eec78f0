package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore;
import java.nio.file.Path;

/** A way to hand a {@link FileSystemCore} to the kernel. Implementations are checked by one contract suite. */
public interface FuseDriver {
    /**
     * Mounts and returns once the mount answers.
     *
     * @param mountPoint an existing directory
     * @throws io.ppiofs.error.PpiofsException with one sentence: NOT_FOUND, NOT_A_DIRECTORY, NOT_EMPTY, BUSY (already
     *     a mount point), NOT_SUPPORTED (no FUSE on this machine), INVALID (unknown option)
     */
    FuseMount mount(FileSystemCore core, Path mountPoint, MountOptions options);

    /**
     * Goes on for a mount that another process, or another mount here, gave away; it does not serve before {@link
     * FuseMount#resume}. The descriptor is this one's from now on, and closed if it throws; the mount itself stays.
     *
     * @throws io.ppiofs.error.PpiofsException NOT_SUPPORTED for a driver that cannot, or an agreement with the kernel that
     *     this version does not know
     */
    default FuseMount adopt(FileSystemCore core, MountHandover mount) {
        mount.close();
        throw new PpiofsException(
                ErrorKind.NOT_SUPPORTED, "take over", mount.mountPoint().toString(), "its driver cannot");
    }
}
