package io.ppiofs.bench;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** A directory of its own that goes with everything in it. */
public final class ScratchDirectory implements Closeable {
    private final Path path;

    private ScratchDirectory(Path path) {
        this.path = path;
    }

    /** In the directory that the system property {@code ppiofs.bench.dir} names, else with the temporary files. */
    public static ScratchDirectory create() throws IOException {
        String chosen = System.getProperty("ppiofs.bench.dir", System.getProperty("java.io.tmpdir", "."));
        return in(Path.of(chosen));
    }

    public static ScratchDirectory in(Path parent) throws IOException {
        return new ScratchDirectory(Files.createTempDirectory(Files.createDirectories(parent), "ppiofs-bench-"));
    }

    public Path path() {
        return path;
    }

    @Override
    public void close() throws IOException {
        Files.walkFileTree(path, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
                    throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.delete(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
