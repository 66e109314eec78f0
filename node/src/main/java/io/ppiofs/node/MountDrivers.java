package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.fuse.FuseDriver;
import io.ppiofs.fs.fuse.FuseMount;
import io.ppiofs.fs.fuse.JnrFuseDriver;
import io.ppiofs.fs.fuse.MountOptions;
import io.ppiofs.fs.fuse.kernel.KernelFuseDriver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The drivers there are, chosen by {@code -o driver=NAME}, else by the configuration. Thread-safe. */
final class MountDrivers implements FuseDriver {
    private static final String OPTION = "driver=";

    private final String usual;
    private final JnrFuseDriver jnr = new JnrFuseDriver();
    private final KernelFuseDriver kernel = new KernelFuseDriver();

    /** @param usual {@code kernel} or {@code jnr}; where the kernel's protocol is not spoken, libfuse is taken */
    MountDrivers(String usual) {
        this.usual = usual.equals("kernel") && KernelFuseDriver.supported() ? "kernel" : "jnr";
    }

    /** Loads what the usual driver needs, ahead of the first mount. */
    void load() {
        if (usual.equals("jnr")) {
            jnr.load();
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
        return driver(name)
                .mount(
                        core,
                        mountPoint,
                        new MountOptions(options.source(), options.readOnly(), rest, options.threads()));
    }

    private FuseDriver driver(String name) {
        return switch (name) {
            case "kernel" -> kernel;
            case "jnr" -> jnr;
            default ->
                throw new PpiofsException(
                        ErrorKind.INVALID, "mount option", OPTION + name, "is no driver; give kernel or jnr");
        };
    }
}
