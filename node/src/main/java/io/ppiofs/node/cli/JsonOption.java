package io.ppiofs.node.cli;

import io.ppiofs.node.control.Json;
import java.util.Map;
import picocli.CommandLine.Option;

/** The option of every command that prints facts. */
final class JsonOption {
    @Option(names = "--json", description = "print the facts as JSON")
    private boolean json;

    /** Prints the facts as JSON or calls the one who prints them for people. */
    void print(Surroundings surroundings, Map<?, ?> facts, Runnable forPeople) {
        if (json) {
            surroundings.out().println(Json.pretty(Facts.object(facts)));
        } else {
            forPeople.run();
        }
    }

    boolean chosen() {
        return json;
    }
}
