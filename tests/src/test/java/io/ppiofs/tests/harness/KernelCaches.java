package io.ppiofs.tests.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The kernel's caches of pages, inodes and names. */
public final class KernelCaches {
    private KernelCaches() {}

    /** Writes back what is dirty, then forgets everything clean. Needs root. */
    public static void drop() {
        Command.of("sync").ok();
        try {
            Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "3");
        } catch (IOException e) {
            throw new UncheckedIOException("dropping the kernel's caches needs root", e);
        }
    }
}
