package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.AccessTimes;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.LookupCounts;
import io.ppiofs.fs.core.OpenDirectory;
import io.ppiofs.fs.core.OpenFile;
import io.ppiofs.fs.core.OpenFlags;
import io.ppiofs.fs.fuse.MountHandover.Rows;
import io.ppiofs.fs.fuse.MountHandover.Table;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the kernel holds of one mount, whatever the driver: lookups, open files, open directories. Thread-safe. */
public final class OpenHandles {
    private static final Logger LOG = LoggerFactory.getLogger(OpenHandles.class);

    private final FileSystemCore core;
    private final HandleTable<OpenFile> files = new HandleTable<>(OpenFile.class);
    private final HandleTable<OpenDirectory> directories = new HandleTable<>(OpenDirectory.class);
    private final LookupCounts lookups = new LookupCounts();

    public OpenHandles(FileSystemCore core) {
        this.core = core;
    }

    public HandleTable<OpenFile> files() {
        return files;
    }

    public HandleTable<OpenDirectory> directories() {
        return directories;
    }

    /** Before the answer that tells the kernel of an inode: its forget may overtake us on another thread. */
    public void known(long ino) {
        lookups.increment(ino);
    }

    public void forget(long ino, long count) {
        lookups.decrement(ino, count);
        core.forget(new Ino(ino), count);
    }

    /** What the kernel holds, for who goes on: the {@link Table}s in their order. No request is in work. */
    public List<Rows> rows() {
        Rows open = new Rows(Table.FILES);
        files.forEach((handle, f) -> open.add(handle, f.ino().value(), f.flags().toLinux()));
        Rows listed = new Rows(Table.DIRECTORIES);
        directories.forEach(
                (handle, d) -> listed.add(handle, d.ino().value(), d.accessTimes() == AccessTimes.NEVER ? 1 : 0));
        Rows known = new Rows(Table.LOOKUPS);
        lookups.forEach((ino, count) -> known.add(ino, count, 0));
        return List.of(open, listed, known);
    }

    /**
     * Opens again what the kernel holds. What cannot be opened (a file that a writer elsewhere has removed from a volume
     * that is only read here) is a bad handle from now on.
     *
     * @param caching of the mount, whose rule for access times holds on
     */
    public void adopt(MountHandover mount, Caching caching) {
        mount.forEach(Table.LOOKUPS, (ino, count, none) -> {
            lookups.add(ino, count);
            core.known(new Ino(ino), count);
        });
        Map<Long, OpenFile> opened = new HashMap<>();
        Set<Long> lost = new HashSet<>();
        mount.forEach(Table.FILES, (handle, ino, flags) -> {
            lost.add(bounded(handle));
            attempt("open", () -> {
                OpenFlags how =
                        OpenFlags.ofLinux((int) flags).by(caching.rules().files());
                opened.put(handle, core.open(Caller.ROOT, new Ino(ino), how));
                lost.remove(handle);
            });
        });
        files.restore(opened, lost);
        Map<Long, OpenDirectory> listed = new HashMap<>();
        lost.clear();
        mount.forEach(Table.DIRECTORIES, (handle, ino, flags) -> {
            lost.add(bounded(handle));
            attempt("opendir", () -> {
                Ino directory = new Ino(ino);
                AccessTimes rule =
                        flags == 1 ? AccessTimes.NEVER : caching.rules().directories();
                listed.put(handle, core.opendir(directory, rule));
                lost.remove(handle);
            });
        });
        directories.restore(listed, lost);
    }

    private static long bounded(long handle) {
        if (handle < 0 || handle > HandleTable.MAX_RESTORED) {
            throw PpiofsException.expected(ErrorKind.BAD_HANDLE, "file handle", Long.toString(handle));
        }
        return handle;
    }

    /** Gives back what the kernel still held when the session ended. No request is in work any more. */
    public void releaseEverything() {
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
            LOG.warn("{} at the end or the takeover of a mount failed", what, e);
        }
    }
}
