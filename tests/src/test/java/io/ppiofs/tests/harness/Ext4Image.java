package io.ppiofs.tests.harness;

import java.nio.file.Path;

/** A small ext4 file system in a file: a disk that can be filled up without harm. */
public final class Ext4Image {
    private final Path dir;

    private Ext4Image(Path dir) {
        this.dir = dir;
    }

    /** Made, mounted, and taken away with the scratch directory. */
    public static Ext4Image mounted(Scratch scratch, int mebibytes) {
        Tools.require("mkfs.ext4");
        Tools.requireRoot();
        Path image = scratch.path("image");
        Path dir = scratch.directory("disk");
        Command.of("truncate", "-s", mebibytes + "M", image).ok();
        // nothing set aside for root: full means full for us
        Command.of("mkfs.ext4", "-q", "-F", "-m", "0", image).ok();
        Command.of("mount", "-o", "loop", image, dir).ok();
        scratch.onClose(() -> Command.of("umount", dir).run());
        return new Ext4Image(dir);
    }

    public Path dir() {
        return dir;
    }

    public long freeBytes() {
        return dir.toFile().getUsableSpace();
    }
}
