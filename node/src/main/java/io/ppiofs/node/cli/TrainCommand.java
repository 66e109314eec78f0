package io.ppiofs.node.cli;

import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Loads what commands and nodes load, so that the launcher can dump it into a class data archive. Works in a temporary
 * home; a machine without FUSE trains without the driver.
 */
@Command(name = "train", hidden = true, description = "Loads classes for the class data archive.")
final class TrainCommand implements Runnable {
    private final Main main;

    @Option(names = "--swarm", description = "load nodes with work, too, so that their profiles can be kept")
    private boolean swarm;

    TrainCommand(Main main) {
        this.main = main;
    }

    @Override
    public void run() {
        Path home = temporaryHome();
        try {
            if (swarm) {
                Training.ofSwarm(home.resolve("swarm"), main.surroundings().services());
            }
            Training.ofNode(home, main.surroundings().services());
            for (List<String> command : List.of(
                    List.of("help"),
                    List.of("mount", "--help"),
                    List.of("version", "--json"),
                    List.of("status", "--json"),
                    List.of("umount", home.toString()))) {
                Main.run(silent(home), command.toArray(new String[0]));
            }
        } finally {
            remove(home);
        }
    }

    private static Path temporaryHome() {
        try {
            return Files.createTempDirectory("ppiofs-train-");
        } catch (IOException e) {
            throw new PpiofsException(
                    io.ppiofs.error.ErrorKind.IO, "train", "home", "cannot be made: " + e.getMessage(), e);
        }
    }

    private Surroundings silent(Path home) {
        PrintWriter nowhere = new PrintWriter(new StringWriter());
        Map<String, String> environment = new HashMap<>(Map.of("PPIOFS_HOME", home.toString()));
        return new Surroundings(
                nowhere,
                nowhere,
                false,
                environment,
                home,
                null,
                main.surroundings().services());
    }

    private static void remove(Path home) {
        try (Stream<Path> files = Files.walk(home)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new PpiofsException(
                    io.ppiofs.error.ErrorKind.IO, "train", home.toString(), "cannot be removed: " + e.getMessage(), e);
        }
    }
}
