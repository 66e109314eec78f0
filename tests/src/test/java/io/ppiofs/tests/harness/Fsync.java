package io.ppiofs.tests.harness;

import java.nio.file.Path;

/** fsync from outside. Not syncfs: the kernel does not pass that one to a FUSE file system. */
public final class Fsync {
    private Fsync() {}

    /** One file or directory. */
    public static void of(Path path) {
        Command.of("sync", path).ok();
    }

    /** Every file and directory of a tree. */
    public static void tree(Path root) {
        Command.of("find", root, "(", "-type", "f", "-o", "-type", "d", ")", "-exec", "sync", "{}", "+")
                .ok();
    }
}
