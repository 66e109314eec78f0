package io.ppiofs.fs.core;

/** An open directory of a {@link FileSystemCore}; made by opendir, ended by releasedir. */
public interface OpenDirectory {
    Ino ino();

    /** Whether reading it leaves the access time alone. */
    default boolean noAtime() {
        return false;
    }
}
