package io.ppiofs.fs.core;

import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The real core, with its journal, its flushes and its checkpoints every 20 ms: what threads see of three names of a directory while they make, link,
 * rename and remove them has an order in which one thread would have seen the same. An operation is one call of the core; what
 * POSIX does not promise to be one step (a listing, a name with the attributes behind it) is none.
 */
@Param(name = "name", gen = IntGen.class, conf = "0:2")
@Param(name = "mode", gen = IntGen.class, conf = "0:2")
public class NamespaceLincheckTest {
    private static final List<RenameMode> MODES =
            List.of(RenameMode.REPLACE, RenameMode.NO_REPLACE, RenameMode.EXCHANGE);

    private static final AtomicInteger DIRECTORIES = new AtomicInteger();
    private static Path place;
    private static CoreFixture core;

    /** Each object has a directory of its own, and in it a file that stays. */
    private final VolumeFileSystem fs = core.fs;

    private final Ino directory = fs.mkdir(
                    Caller.ROOT, Ino.ROOT, FileName.of("d" + DIRECTORIES.incrementAndGet()), 0755)
            .ino();
    private final Ino file =
            fs.mknod(Caller.ROOT, directory, FileName.of("x"), 0100644, 0).ino();

    @BeforeAll
    static void open() throws IOException {
        place = Files.createTempDirectory("ppiofs-lincheck");
        core = new CoreFixture(
                place,
                new CoreOptions(
                        8L << 20,
                        1L << 20,
                        8L << 20,
                        Duration.ofMillis(20),
                        Duration.ofMillis(20),
                        4L << 20,
                        2,
                        Caller.ROOT));
    }

    @AfterAll
    static void close() throws IOException {
        core.fs.close();
        try (Stream<Path> all = Files.walk(place)) {
            all.sorted(Comparator.reverseOrder()).forEach(path -> {
                try {
                    Files.delete(path);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }

    private static FileName name(int number) {
        return FileName.of("n" + number);
    }

    private static String answer(Supplier<Object> call) {
        try {
            return String.valueOf(call.get());
        } catch (PpiofsException e) {
            return e.kind().name();
        }
    }

    private static String done(Runnable call) {
        return answer(() -> {
            call.run();
            return "done";
        });
    }

    @Operation
    public String create(@Param(name = "name") int name) {
        return done(() -> fs.mknod(Caller.ROOT, directory, name(name), 0100644, 0));
    }

    @Operation
    public String mkdir(@Param(name = "name") int name) {
        return done(() -> fs.mkdir(Caller.ROOT, directory, name(name), 0755));
    }

    @Operation
    public String unlink(@Param(name = "name") int name) {
        return done(() -> fs.unlink(Caller.ROOT, directory, name(name)));
    }

    @Operation
    public String rmdir(@Param(name = "name") int name) {
        return done(() -> fs.rmdir(Caller.ROOT, directory, name(name)));
    }

    @Operation
    public String link(@Param(name = "name") int name) {
        return done(() -> fs.link(Caller.ROOT, file, directory, name(name)));
    }

    @Operation
    public String rename(@Param(name = "name") int from, @Param(name = "name") int to, @Param(name = "mode") int mode) {
        return done(() -> fs.rename(Caller.ROOT, directory, name(from), directory, name(to), MODES.get(mode)));
    }

    @Operation
    public String type(@Param(name = "name") int name) {
        return answer(() -> {
            Attr attr = fs.lookup(directory, name(name));
            fs.forget(attr.ino(), 1);
            return Integer.toOctalString(attr.mode() & FileType.MASK);
        });
    }

    @Operation
    public String links() {
        return answer(() -> fs.getattr(file).nlink());
    }

    @Operation
    public String subdirectories() {
        return answer(() -> fs.getattr(directory).nlink());
    }

    @Test
    void isLinearizable() {
        new StressOptions()
                .iterations(Integer.getInteger("lincheck.iterations", 6))
                .invocationsPerIteration(300)
                .threads(3)
                .actorsPerThread(3)
                .check(getClass());
    }
}
