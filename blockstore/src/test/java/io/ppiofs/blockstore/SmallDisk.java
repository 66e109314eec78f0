package io.ppiofs.blockstore;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** A filesystem of a few MiB, mounted for one test and unmounted at its end. Skips the test where one cannot mount. */
public final class SmallDisk implements AutoCloseable {
    private final Path path;

    private SmallDisk(Path path) {
        this.path = path;
    }

    public static SmallDisk mount(int mebibytes) throws IOException, InterruptedException {
        Path path = Files.createTempDirectory("ppiofs-disk");
        int exit = run("mount", "-t", "tmpfs", "-o", "size=" + mebibytes + "m", "tmpfs", path.toString());
        if (exit != 0) {
            Files.delete(path);
        }
        Assumptions.assumeTrue(exit == 0, "mounting a tmpfs needs root");
        return new SmallDisk(path);
    }

    public Path path() {
        return path;
    }

    private static int run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        return process.waitFor(20, TimeUnit.SECONDS) ? process.exitValue() : -1;
    }

    @Override
    public void close() throws IOException, InterruptedException {
        if (run("umount", path.toString()) != 0) {
            run("umount", "-l", path.toString());
        }
        Files.delete(path);
    }
}
