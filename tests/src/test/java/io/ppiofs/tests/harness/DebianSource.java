package io.ppiofs.tests.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The upstream archive of a Debian source package, from where this machine gets its packages. Source packages are
 * often not enabled, so apt gets a private configuration: the machine's own lists with {@code deb} turned into {@code
 * deb-src}. The archive is kept in {@code target/}, so it is fetched once.
 */
public final class DebianSource {
    private DebianSource() {}

    public static Path fetch(Scratch scratch, String name) {
        Tools.require("apt-get");
        try {
            Path kept =
                    Files.createDirectories(Path.of("target", "debian-source").toAbsolutePath());
            List<Path> found = archives(kept, name);
            if (found.isEmpty()) {
                download(scratch, name, kept);
                found = archives(kept, name);
            }
            if (found.isEmpty()) {
                throw new AssertionError("apt-get source " + name + " brought no upstream archive");
            }
            return found.get(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void download(Scratch scratch, String name, Path kept) throws IOException {
        Path apt = scratch.directory("apt");
        Path parts = Files.createDirectory(apt.resolve("parts"));
        for (String folder : List.of("state/lists/partial", "cache/archives/partial", "download")) {
            Files.createDirectories(apt.resolve(folder));
        }
        sourceLists(parts);
        // apt drops to its own user, who must be able to write here
        Command.of("chmod", "-R", "777", apt).ok();
        List<Object> options = List.of(
                "-o", "Dir::Etc::SourceList=/dev/null",
                "-o", "Dir::Etc::SourceParts=" + parts,
                "-o", "Dir::State=" + apt.resolve("state"),
                "-o", "Dir::State::status=/var/lib/dpkg/status",
                "-o", "Dir::Cache=" + apt.resolve("cache"));
        Path work = apt.resolve("download");
        apt(options, "update").in(work).ok();
        apt(options, "source", "--download-only", name).in(work).ok();
        for (Path archive : archives(work, name)) {
            Files.copy(archive, kept.resolve(archive.getFileName()));
        }
    }

    private static Command apt(List<Object> options, String... words) {
        List<Object> command = new ArrayList<>(List.of("apt-get", "-q"));
        command.addAll(options);
        command.addAll(List.of(words));
        return Command.of(command).within(Duration.ofMinutes(5));
    }

    /** Only the lists of the running Debian release: others' repositories often have no sources. */
    private static void sourceLists(Path parts) throws IOException {
        String release = Command.shell(". /etc/os-release; echo $VERSION_CODENAME")
                .ok()
                .out()
                .strip();
        int number = 0;
        for (Path list : lists()) {
            String name = list.getFileName().toString();
            String text = Files.readString(list);
            String sources = name.endsWith(".sources") ? deb822(text, release) : oneLine(text, release);
            if (!sources.isBlank()) {
                Files.writeString(
                        parts.resolve("s" + number++ + (name.endsWith(".sources") ? ".sources" : ".list")), sources);
            }
        }
        if (number == 0) {
            throw new AssertionError("no package list of " + release + " in /etc/apt to take sources from");
        }
    }

    private static List<Path> lists() throws IOException {
        List<Path> lists = new ArrayList<>();
        if (Files.exists(Path.of("/etc/apt/sources.list"))) {
            lists.add(Path.of("/etc/apt/sources.list"));
        }
        try (Stream<Path> files = Files.list(Path.of("/etc/apt/sources.list.d"))) {
            files.filter(file -> file.toString().matches(".*\\.(list|sources)")).forEach(lists::add);
        }
        return lists;
    }

    private static String deb822(String text, String release) {
        return Stream.of(text.split("\n\\s*\n"))
                .filter(stanza -> stanza.matches("(?s).*^?Suites:[^\n]*\\b" + release + "\\b(?!-security).*"))
                .map(stanza -> stanza.replaceFirst("Types:[^\n]*", "Types: deb-src"))
                .collect(Collectors.joining("\n\n", "", "\n"));
    }

    private static String oneLine(String text, String release) {
        return text.lines()
                .filter(line -> line.startsWith("deb ") && line.matches(".* " + release + "(-updates)? .*"))
                .map(line -> line.replaceFirst("deb ", "deb-src "))
                .collect(Collectors.joining("\n", "", "\n"))
                .strip();
    }

    private static List<Path> archives(Path folder, String name) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().matches(name + "_.*\\.orig\\.tar\\.[a-z0-9]+"))
                    .sorted(Comparator.comparing(Path::toString))
                    .collect(Collectors.toList());
        }
    }
}
