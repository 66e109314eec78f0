package io.ppiofs.tests.crash;

/** What one step of a worker does. Files have numbers that are never used again; paths are relative to the worker. */
sealed interface Change {
    /** Changes names or attributes: part of the one total order. */
    sealed interface OfNamespace extends Change {}

    /** Changes the bytes of one file: ordered per file. Places and lengths are in cells of 64 bytes. */
    sealed interface OfData extends Change {
        long file();
    }

    /** Promises something about what came before it. */
    sealed interface OfSync extends Change {}

    record Create(String path, long file) implements OfNamespace {}

    record MakeDirectory(String path) implements OfNamespace {}

    record Symlink(String target, String path) implements OfNamespace {}

    record Link(String from, String to) implements OfNamespace {}

    /** @param over whether {@code to} exists before */
    record Rename(String from, String to, boolean over) implements OfNamespace {}

    record Unlink(String path) implements OfNamespace {}

    record RemoveDirectory(String path) implements OfNamespace {}

    record ChangeMode(String path, int mode) implements OfNamespace {}

    /** The extended attribute {@code user.tag} becomes this many bytes long. */
    record Tag(String path, int tag) implements OfNamespace {}

    record Write(String path, long file, int first, int count) implements OfData {}

    record Truncate(String path, long file, int cells) implements OfData {}

    /** {@code open(O_TRUNC)}, write, close: as editors do that do not rename. */
    record Rewrite(String path, long file, int count) implements OfData {}

    record Fsync(String path, long file, boolean dataOnly) implements OfSync {}

    record FsyncDirectory(String path) implements OfSync {}

    /** An unmount that returned. Not syncfs: the kernel does not pass it to FUSE. */
    record SyncAll() implements OfSync {}
}
