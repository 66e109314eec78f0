package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Json;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "stats",
        header = "every counter, one per line",
        description =
                "Prints every counter as 'name value'. With DIR those of the volume mounted there (its file .stats), "
                        + "without those of the whole node.",
        sortOptions = false)
final class StatsCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(arity = "0..1", paramLabel = "DIR", description = "a mount point")
    private @Nullable Path directory;

    @Mixin
    private final JsonOption json = new JsonOption();

    StatsCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        Map<?, ?> facts = directory == null ? ofNode() : ofMount(directory);
        json.print(main.surroundings(), facts, () -> print("", facts));
        return 0;
    }

    private Map<?, ?> ofNode() throws IOException {
        Map<?, ?> facts = main.node().askRunning(new Request("status"));
        if (facts == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "stats", main.home().toString(), "no node runs; mount something first");
        }
        return facts;
    }

    private static Map<?, ?> ofMount(Path directory) {
        Path file = directory.resolve(".stats");
        try {
            return Json.parse(Files.readString(file));
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND, "stats", directory.toString(), "is no mount of ppiofs (no .stats there)", e);
        }
    }

    private void print(String prefix, Map<?, ?> facts) {
        facts.forEach((name, value) -> {
            if (value instanceof Map<?, ?> inner) {
                print(prefix + name + ".", inner);
            } else if (value instanceof List<?> list) {
                printList(prefix + name, list);
            } else {
                main.surroundings().out().println(prefix + name + " " + (value == null ? "-" : value));
            }
        });
    }

    private void printList(String prefix, List<?> list) {
        for (int i = 0; i < list.size(); i++) {
            if (list.get(i) instanceof Map<?, ?> inner) {
                Object name = inner.get("name");
                print(prefix + "." + (name == null ? Integer.toString(i) : name) + ".", inner);
            } else {
                main.surroundings().out().println(prefix + "." + i + " " + list.get(i));
            }
        }
    }
}
