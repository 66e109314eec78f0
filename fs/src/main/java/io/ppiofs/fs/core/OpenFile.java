package io.ppiofs.fs.core;

/** An open file of a {@link FileSystemCore}; made by open and create, ended by release. */
public interface OpenFile {
    Ino ino();

    OpenFlags flags();
}
