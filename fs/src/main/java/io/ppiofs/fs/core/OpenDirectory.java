package io.ppiofs.fs.core;

/** An open directory of a {@link FileSystemCore}; made by opendir, ended by releasedir. */
public interface OpenDirectory {
    Ino ino();

    /** When reading it moves its access time. */
    default AccessTimes accessTimes() {
        return AccessTimes.RELATIVE;
    }
}
