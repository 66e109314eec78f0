package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.fuse.FuseDriver;
import io.ppiofs.fs.fuse.FuseMount;
import io.ppiofs.fs.fuse.KernelOptions;
import io.ppiofs.fs.fuse.LiveMount;
import io.ppiofs.fs.fuse.MountHandover;
import io.ppiofs.fs.fuse.MountOptions;
import io.ppiofs.fs.fuse.MountPointCheck;
import io.ppiofs.fs.fuse.MountTable;
import io.ppiofs.fs.fuse.NativeSystem;
import io.ppiofs.fs.fuse.ReadAhead;
import java.nio.file.Path;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The driver that speaks the kernel's own protocol (see the package). Linux from 5.4 on, 64 bits.
 *
 * <p>Thread-safe; one instance may carry many mounts. Mounts of one core see each other's changes at once, long timeouts
 * or not, if one instance made them all; {@code writeback_cache} needs to be the only one.
 */
public final class KernelFuseDriver implements FuseDriver {
    private static final Logger LOG = LoggerFactory.getLogger(KernelFuseDriver.class);

    private final Map<FileSystemCore, MountGroup> groups = new IdentityHashMap<>();

    /** The mounts of {@code core}; groups without a mount are dropped here. */
    private MountGroup group(FileSystemCore core) {
        synchronized (groups) {
            groups.values().removeIf(MountGroup::empty);
            return groups.computeIfAbsent(core, c -> new MountGroup());
        }
    }

    /** Whether this system can have the driver at all. */
    public static boolean supported() {
        String arch = System.getProperty("os.arch");
        return System.getProperty("os.name").equals("Linux") && (arch.equals("amd64") || arch.equals("aarch64"));
    }

    @Override
    public FuseMount mount(FileSystemCore core, Path mountPoint, MountOptions options) {
        KernelOptions kernel = KernelOptions.of(options, core);
        NativeSystem system = NativeSystem.load();
        Path real = new MountPointCheck(system).check(mountPoint, kernel.nonEmpty());
        KernelSession session = KernelSession.start(system, core, group(core), real, kernel, options);
        // The kernel asks the core for this: the mount answers when it returns.
        int errno = system.statfs(real);
        Optional<MountTable.Entry> entry = MountTable.at(real);
        if (errno != 0 || entry.isEmpty() || session.hasEnded()) {
            if (!session.hasEnded()) {
                int detached = system.detach(real);
                LOG.warn("{} did not answer and was unmounted (errno {})", real, detached);
            }
            throw new PpiofsException(
                    ErrorKind.IO, "mount", real.toString(), "the mount does not answer (errno " + errno + ")");
        }
        ReadAhead.set(entry.get(), kernel.maxReadahead());
        return new LiveMount(system, session, real, entry.get());
    }

    @Override
    public FuseMount adopt(FileSystemCore core, MountHandover mount) {
        try (mount) {
            KernelSession session = KernelSession.adopt(
                    NativeSystem.load(), core, group(core), KernelOptions.of(mount.options(), core), mount);
            return new LiveMount(NativeSystem.load(), session, mount.mountPoint(), mount.entry());
        }
    }
}
