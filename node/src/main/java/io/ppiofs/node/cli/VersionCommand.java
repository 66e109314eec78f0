package io.ppiofs.node.cli;

import io.ppiofs.node.StatusFacts;
import io.ppiofs.node.control.Wire;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "version", header = "version of ppiofs and of Java", description = "Prints the versions.")
final class VersionCommand implements Runnable {
    private final Main main;

    @Mixin
    private final JsonOption json = new JsonOption();

    VersionCommand(Main main) {
        this.main = main;
    }

    @Override
    public void run() {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("ppiofs", StatusFacts.version());
        facts.put("controlProtocol", (long) Wire.VERSION);
        facts.put("java", System.getProperty("java.version"));
        facts.put("javaHome", System.getProperty("java.home"));
        facts.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        json.print(
                main.surroundings(),
                facts,
                () -> main.surroundings()
                        .out()
                        .println("ppiofs " + facts.get("ppiofs") + " (Java " + facts.get("java") + ", "
                                + facts.get("os") + ")"));
    }
}
