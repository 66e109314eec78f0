package io.ppiofs.bench;

import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.Ino;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The core without kernel and FUSE, one caller: what of a file operation is ours. Checkpoints and encoders run beside it. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before anything else
public class FileSystemBenchmark {
    private static final int FILES = 10_000;
    private static final int FILES_PER_DIRECTORY = 1000;

    private final byte[] content = Content.INCOMPRESSIBLE.bytes(4096, 1);
    private final Ino[] inodes = new Ino[FILES];
    private final SplittableRandom random = new SplittableRandom(1);
    private ScratchDirectory scratch;
    private SampleVolume volume;
    private Ino shared;
    private Ino directory;
    private int created;

    @Setup
    public void setUp() throws IOException {
        scratch = ScratchDirectory.create();
        volume = new SampleVolume(scratch.path());
        shared = volume.directory("shared");
        for (int i = 0; i < FILES; i++) {
            inodes[i] = volume.createWriteClose(shared, FileName.of("file" + i), new byte[100]);
        }
        directory = shared;
    }

    @TearDown
    public void tearDown() throws IOException {
        volume.close();
        scratch.close();
    }

    /** Different content each time, so that each file costs a block. */
    @Benchmark
    public Ino createWriteClose4KiB() {
        if (created % FILES_PER_DIRECTORY == 0) {
            directory = volume.directory("directory" + created);
        }
        ByteBuffer.wrap(content).putInt(0, ++created);
        return volume.createWriteClose(directory, FileName.of("file" + created), content);
    }

    @Benchmark
    public Attr getattr() {
        return volume.core().getattr(inodes[random.nextInt(FILES)]);
    }

    @Benchmark
    public Attr lookup() {
        Attr attr = volume.core().lookup(shared, FileName.of("file" + random.nextInt(FILES)));
        volume.core().forget(attr.ino(), 1);
        return attr;
    }
}
