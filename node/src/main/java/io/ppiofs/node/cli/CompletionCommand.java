package io.ppiofs.node.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;

@Command(name = "completion", hidden = true, description = "Prints the completion script for bash and zsh.")
final class CompletionCommand implements Runnable {
    private final Main main;

    CompletionCommand(Main main) {
        this.main = main;
    }

    @Override
    public void run() {
        main.surroundings().out().print(AutoComplete.bash("ppiofs", Main.commandLine(main.surroundings())));
    }
}
