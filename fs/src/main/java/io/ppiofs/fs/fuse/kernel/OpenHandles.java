package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.LookupCounts;
import io.ppiofs.fs.core.OpenDirectory;
import io.ppiofs.fs.core.OpenFile;
import io.ppiofs.fs.fuse.HandleTable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the kernel holds of one mount: lookups, open files, open directories. Thread-safe. */
final class OpenHandles {
    private static final Logger LOG = LoggerFactory.getLogger(OpenHandles.class);

    private final FileSystemCore core;
    private final HandleTable<OpenFile> files = new HandleTable<>(OpenFile.class);
    private final HandleTable<OpenDirectory> directories = new HandleTable<>(OpenDirectory.class);
    private final LookupCounts lookups = new LookupCounts();

    OpenHandles(FileSystemCore core) {
        this.core = core;
    }

    HandleTable<OpenFile> files() {
        return files;
    }

    HandleTable<OpenDirectory> directories() {
        return directories;
    }

    /** Before the answer that tells the kernel of an inode: its forget may overtake us on another thread. */
    void known(long ino) {
        lookups.increment(ino);
    }

    void forget(long ino, long count) {
        lookups.decrement(ino, count);
        core.forget(new Ino(ino), count);
    }

    /** Gives back what the kernel still held when the session ended. No request is in work any more. */
    void releaseEverything() {
        for (OpenFile file : files.drain()) {
            attempt("release", () -> core.release(file));
        }
        for (OpenDirectory directory : directories.drain()) {
            attempt("releasedir", () -> core.releasedir(directory));
        }
        lookups.drain((ino, count) -> attempt("forget", () -> core.forget(new Ino(ino), count)));
    }

    private static void attempt(String what, Runnable action) {
        try {
            action.run();
        } catch (RuntimeException e) {
            LOG.warn("{} at the end of a mount failed", what, e);
        }
    }
}
