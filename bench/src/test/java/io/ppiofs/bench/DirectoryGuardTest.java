package io.ppiofs.bench;

import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.Ino;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** A directory of fifty thousand files against one of five hundred, in one volume. */
@Tag("guard")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DirectoryGuardTest {
    private static final int FEW = 500;
    private static final int MANY = 50_000;
    private static final int REGULAR = 0100644;

    private ScratchDirectory scratch;
    private SampleVolume volume;
    private Ino few;
    private Ino many;
    private int made;

    @BeforeAll
    void fill() throws IOException {
        scratch = ScratchDirectory.in(Path.of("target").toAbsolutePath());
        volume = new SampleVolume(scratch.path());
        few = volume.directory("few");
        many = volume.directory("many");
        make(few, FEW);
        make(many, MANY);
    }

    @AfterAll
    void clean() throws IOException {
        try {
            volume.close();
        } finally {
            scratch.close();
        }
    }

    private void make(Ino directory, int files) {
        for (int i = 0; i < files; i++) {
            make(directory, "file" + i);
        }
    }

    private Attr make(Ino directory, String name) {
        Attr attr = volume.core().mknod(Caller.ROOT, directory, FileName.of(name), REGULAR, 0);
        volume.core().forget(attr.ino(), 1);
        return attr;
    }

    @Test
    void aLookupCostsAboutTheSameInALargeDirectory() throws Exception {
        new CostRatio("lookup, 50 k / 500 files", 21).cpuAtMost(6, () -> lookups(few, FEW), () -> lookups(many, MANY));
    }

    private Object lookups(Ino directory, int files) {
        SplittableRandom random = new SplittableRandom(1);
        Object last = directory;
        for (int i = 0; i < 1000; i++) {
            Attr attr = volume.core().lookup(directory, FileName.of("file" + random.nextInt(files)));
            volume.core().forget(attr.ino(), 1);
            last = attr;
        }
        return last;
    }

    @Test
    void aFileIsMadeAndRemovedAtAboutTheSameCostInALargeDirectory() throws Exception {
        new CostRatio("mknod and unlink, 50 k / 500 files", 21)
                .cpuAtMost(3, () -> makeAndRemove(few), () -> makeAndRemove(many));
    }

    private Object makeAndRemove(Ino directory) {
        Object last = directory;
        for (int i = 0; i < 200; i++) {
            String name = "new" + made++;
            last = make(directory, name);
            volume.core().unlink(Caller.ROOT, directory, FileName.of(name));
        }
        return last;
    }
}
