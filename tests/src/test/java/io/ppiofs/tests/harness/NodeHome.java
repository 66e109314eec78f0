package io.ppiofs.tests.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The files of a home as an attacker, an accident or a curious user finds them. */
public final class NodeHome {
    private final Path root;

    public NodeHome(Path root) {
        this.root = root;
    }

    /** Every regular file, sorted. */
    public List<Path> files() {
        return filesBelow(root);
    }

    /** The append-only segment files: the blocks themselves. */
    public List<Path> segments() {
        List<Path> segments = filesBelow(root.resolve("blocks")).stream()
                .filter(file -> root.relativize(file).toString().contains("seg"))
                .collect(Collectors.toList());
        if (segments.isEmpty()) {
            throw new AssertionError("no segment file below " + root.resolve("blocks"));
        }
        return segments;
    }

    /** The journal files of all volumes. */
    public List<Path> journals() {
        List<Path> journals = filesBelow(root.resolve("volumes")).stream()
                .filter(file -> root.relativize(file).toString().contains("/journal/"))
                .collect(Collectors.toList());
        if (journals.isEmpty()) {
            throw new AssertionError("no journal below " + root.resolve("volumes"));
        }
        return journals;
    }

    /** Bytes that the home takes on the disk. */
    public long allocatedBytes() {
        String out = Command.of("du", "-s", "--block-size=1", root).ok().out();
        return Long.parseLong(out.split("\\s")[0]);
    }

    private static List<Path> filesBelow(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).sorted().collect(Collectors.toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
