package io.ppiofs.tests.harness;

import java.nio.file.Path;

/** A directory of the machine's own file system: the reference, and a check of the tests themselves. */
public final class PlainDirectory implements MountedFs {
    private final Path dir;

    public PlainDirectory(Path dir) {
        this.dir = dir;
    }

    @Override
    public Path dir() {
        return dir;
    }

    @Override
    public void mount() {}

    @Override
    public void umount() {}

    @Override
    public void kill9() {
        throw new UnsupportedOperationException("a plain directory has no daemon");
    }

    @Override
    public boolean canBeKilled() {
        return false;
    }

    @Override
    public void close() {}
}
