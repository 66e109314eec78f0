package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The driver over libfuse 2.9's low-level session interface, bound through jnr-ffi with jnr-fuse's structures. Inode
 * based: no path is ever resolved here. Linux, 64 bits.
 *
 * <p>Limits of that library (protocol 7.19): requests of at most 128 KiB, no readdirplus, no writeback cache; renameat2
 * with flags is EINVAL; lseek for holes and copy_file_range are emulated by the kernel; POSIX ACLs are refused.
 *
 * <p>Thread-safe; one instance may carry many mounts. A second mount of the same core is only coherent with {@code
 * attr_timeout=0,entry_timeout=0} on both.
 */
public final class JnrFuseDriver implements FuseDriver {
    private static final Logger LOG = LoggerFactory.getLogger(JnrFuseDriver.class);

    /** Loads libfuse ahead of the first mount; NOT_SUPPORTED if this machine has none. */
    public void load() {
        NativeFuse.load();
    }

    @Override
    public FuseMount mount(FileSystemCore core, Path mountPoint, MountOptions options) {
        KernelOptions kernel = KernelOptions.of(options, core);
        NativeFuse nativeFuse = NativeFuse.load();
        Path real = new MountPointCheck(nativeFuse.system()).check(mountPoint, kernel.nonEmpty());
        FuseSession session = FuseSession.start(nativeFuse, core, real, kernel, options.source(), options.threads());
        // The kernel holds this call back until the session has answered INIT, and then asks the core.
        int errno = nativeFuse.system().statfs(real);
        Optional<MountTable.Entry> entry = MountTable.at(real);
        if (errno != 0 || entry.isEmpty() || session.hasEnded()) {
            discard(nativeFuse, session, real);
            throw new PpiofsException(
                    ErrorKind.IO, "mount", real.toString(), "the mount does not answer (errno " + errno + ")");
        }
        ReadAhead.set(entry.get(), kernel.maxReadahead());
        return new LiveMount(nativeFuse.system(), session, real, entry.get());
    }

    private static void discard(NativeFuse nativeFuse, FuseSession session, Path real) {
        if (!session.hasEnded()) {
            int errno = nativeFuse.system().detach(real);
            LOG.warn("{} did not answer and was unmounted (errno {})", real, errno);
        }
    }
}
