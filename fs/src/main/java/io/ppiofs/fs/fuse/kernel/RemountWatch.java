package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.fs.fuse.AccessRules;
import io.ppiofs.fs.fuse.MountTable;
import io.ppiofs.fs.fuse.NativeSystem;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import jnr.ffi.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows {@code mount -o remount,noatime} and the like: they are flags that the kernel keeps for each mount, and it moves no
 * access times on FUSE itself, so whoever does must look. Who polls the table of mounts hears of each change to it (proc(5)),
 * remounts among them. A thread of its own that ends with the mount; after {@link #close} with the next change of the table.
 */
final class RemountWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RemountWatch.class);

    private final NativeSystem system;
    private final AccessRules rules;
    private volatile boolean closed;

    private RemountWatch(NativeSystem system, AccessRules rules) {
        this.system = system;
        this.rules = rules;
    }

    /** @param early whether the mount may have been remounted before somebody looked */
    static RemountWatch start(
            NativeSystem system, Path mountPoint, AccessRules rules, boolean early, String threadName) {
        RemountWatch watch = new RemountWatch(system, rules);
        Optional<MountTable.Entry> mount = MountTable.at(mountPoint);
        if (mount.isPresent()) {
            Thread thread = new Thread(() -> watch.run(mount.get(), early), threadName);
            thread.setDaemon(true);
            thread.start();
        }
        return watch;
    }

    private void run(MountTable.Entry mount, boolean early) {
        int table = system.openForRead(MountTable.PATH);
        if (table < 0) {
            LOG.warn("remounts of {} are not followed: errno {}", mount.mountPoint(), -table);
            return;
        }
        ByteBuffer cell = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
        long address = Pointer.wrap(system.runtime(), cell).address();
        try {
            Optional<Set<String>> flags = MountTable.flags(mount);
            Optional<Set<String>> followed = early ? Optional.of(Set.of("unknown")) : flags;
            while (flags.isPresent() && !closed) {
                if (!flags.equals(followed)) {
                    rules.follow(flags.get());
                    followed = flags;
                }
                system.awaitChange(table, cell, address);
                flags = MountTable.flags(mount);
            }
        } catch (RuntimeException e) {
            LOG.warn("remounts of {} are not followed any more", mount.mountPoint(), e);
        } finally {
            system.calls().close(table);
        }
    }

    @Override
    public void close() {
        closed = true;
    }
}
