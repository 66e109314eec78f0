package io.ppiofs.bench;

import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.Ino;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The kernel remembers every inode that it has room for; what it remembers must not slow down the rest. */
@Tag("guard")
class LookupCountGuardTest {
    private static final int KNOWN = 150_000;
    private static final int REGULAR = 0100644;

    @Test
    void aFileIsMadeAndRemovedAtAboutTheSameCostWhenTheKernelKnowsManyInodes() throws Exception {
        Path parent = Path.of("target").toAbsolutePath();
        try (ScratchDirectory quiet = ScratchDirectory.in(parent);
                ScratchDirectory busy = ScratchDirectory.in(parent);
                SampleVolume fewKnown = new SampleVolume(quiet.path());
                SampleVolume manyKnown = new SampleVolume(busy.path())) {
            Ino few = fill(fewKnown, 1);
            Ino many = fill(manyKnown, 0);

            new CostRatio("mknod and unlink, 150 k / 0 inodes known", 21)
                    .cpuAtMost(2, () -> makeAndRemove(fewKnown, few), () -> makeAndRemove(manyKnown, many));
        }
    }

    /** @param forgotten of the count of one that each file gets */
    private static Ino fill(SampleVolume volume, int forgotten) {
        Ino directory = volume.directory("files");
        for (int i = 0; i < KNOWN; i++) {
            Attr attr = volume.core().mknod(Caller.ROOT, directory, FileName.of("file" + i), REGULAR, 0);
            volume.core().forget(attr.ino(), forgotten);
        }
        return directory;
    }

    /** Each file comes into the table of known inodes and goes. */
    private static Object makeAndRemove(SampleVolume volume, Ino directory) {
        Object last = directory;
        for (int i = 0; i < 200; i++) {
            String name = "new" + i;
            Attr attr = volume.core().mknod(Caller.ROOT, directory, FileName.of(name), REGULAR, 0);
            volume.core().forget(attr.ino(), 1);
            last = attr;
            volume.core().unlink(Caller.ROOT, directory, FileName.of(name));
        }
        return last;
    }
}
