package io.ppiofs.fs.fuse;

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
}
