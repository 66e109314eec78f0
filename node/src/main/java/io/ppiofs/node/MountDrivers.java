package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.fuse.FuseDriver;
import io.ppiofs.fs.fuse.FuseMount;
import io.ppiofs.fs.fuse.JnrFuseDriver;
import io.ppiofs.fs.fuse.MountHandover;
import io.ppiofs.fs.fuse.MountOptions;
import io.ppiofs.fs.fuse.NativeSystem;
import io.ppiofs.fs.fuse.kernel.KernelFuseDriver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The drivers there are, chosen by {@code -o driver=NAME}, else by the configuration. {@code auto} is the kernel's own
 * protocol, and libfuse where the system cannot have that (a kernel before 5.4). Thread-safe.
 */
final class MountDrivers implements FuseDriver {
    private static final Logger LOG = LoggerFactory.getLogger(MountDrivers.class);
    private static final String OPTION = "driver=";
    private static final String AUTO = "auto";

    private final String usual;
    private final FuseDriver jnr;
    private final FuseDriver kernel;
    /** Once the kernel's protocol was refused: what says so. */
    private volatile boolean kernelRefused;

    /** @param usual {@code auto}, {@code kernel} or {@code jnr} */
    MountDrivers(String usual) {
        this(usual, new KernelFuseDriver(), new JnrFuseDriver(), KernelFuseDriver.supported());
    }

    /** @param supported whether the kernel driver may be tried */
    MountDrivers(String usual, FuseDriver kernel, FuseDriver jnr, boolean supported) {
        this.usual = usual;
        this.kernel = kernel;
        this.jnr = jnr;
        this.kernelRefused = !supported;
    }

    /** Loads what the usual driver needs, ahead of the first mount. */
    void load() {
        if (jnr instanceof JnrFuseDriver library && (usual.equals("jnr") || kernelRefused)) {
            library.load();
        } else {
            NativeSystem.load();
        }
    }

    @Override
    public FuseMount mount(FileSystemCore core, Path mountPoint, MountOptions options) {
        String name = usual;
        List<String> rest = new ArrayList<>();
        for (String option : options.kernelOptions()) {
            if (option.startsWith(OPTION)) {
                name = option.substring(OPTION.length());
            } else {
                rest.add(option);
            }
        }
        MountOptions own = new MountOptions(options.source(), options.readOnly(), rest, options.threads());
        return switch (name) {
            case AUTO -> automatic(core, mountPoint, own);
            case "kernel" -> kernel.mount(core, mountPoint, own);
            case "jnr" -> jnr.mount(core, mountPoint, own);
            default ->
                throw new PpiofsException(
                        ErrorKind.INVALID, "mount option", OPTION + name, "is no driver; give auto, kernel or jnr");
        };
    }

    @Override
    public FuseMount adopt(FileSystemCore core, MountHandover mount) {
        return kernel.adopt(core, mount);
    }

    private FuseMount automatic(FileSystemCore core, Path mountPoint, MountOptions options) {
        if (kernelRefused) {
            return jnr.mount(core, mountPoint, options);
        }
        try {
            return kernel.mount(core, mountPoint, options);
        } catch (PpiofsException refusal) {
            if (refusal.kind() != ErrorKind.NOT_SUPPORTED) {
                throw refusal;
            }
            return fallBack(core, mountPoint, options, refusal);
        }
    }

    /** The kernel driver's refusal is what the user hears if libfuse cannot mount either. */
    private FuseMount fallBack(FileSystemCore core, Path mountPoint, MountOptions options, PpiofsException refusal) {
        FuseMount mount;
        try {
            mount = jnr.mount(core, mountPoint, options);
        } catch (PpiofsException | LinkageError e) {
            refusal.addSuppressed(e);
            throw refusal;
        }
        kernelRefused = true;
        LOG.warn("mounts go through libfuse 2.9 here, the kernel driver was refused: {}", refusal.getMessage());
        return mount;
    }
}
