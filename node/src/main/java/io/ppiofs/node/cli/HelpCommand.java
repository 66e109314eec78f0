package io.ppiofs.node.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

@Command(name = "help", header = "help of a command", description = "Shows the help of ppiofs or of a command.")
final class HelpCommand implements Runnable {
    private final Main main;

    @Parameters(arity = "0..*", paramLabel = "COMMAND", description = "for example: mount, or: volume create")
    private List<String> names = new ArrayList<>();

    HelpCommand(Main main) {
        this.main = main;
    }

    @Override
    public void run() {
        CommandLine line = Main.commandLine(main.surroundings());
        for (String name : names) {
            CommandLine sub = line.getSubcommands().get(name);
            if (sub == null) {
                throw new ParameterException(line, "Unknown command '" + name + "'");
            }
            line = sub;
        }
        line.usage(main.surroundings().out());
    }
}
