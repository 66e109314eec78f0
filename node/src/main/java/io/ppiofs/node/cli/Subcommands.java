package io.ppiofs.node.cli;

import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command that is nothing without one of its own commands, which its {@code synopsisSubcommandLabel} names. */
abstract class Subcommands implements Runnable {
    final Main main;

    @Spec
    private @Nullable CommandSpec spec;

    Subcommands(Main main) {
        this.main = main;
    }

    @Override
    public final void run() {
        if (spec != null) {
            String names = spec.usageMessage().synopsisSubcommandLabel().replace("|", ", ");
            throw new ParameterException(
                    spec.commandLine(), "Missing command: " + names.replaceFirst(", (\\w+)$", " or $1"));
        }
    }

    /** The answer of the node of {@link Main#home}. */
    final Map<?, ?> ask(Request request) throws IOException, InterruptedException {
        return main.node().ask(request, Progress.NONE);
    }

    final PrintWriter out() {
        return main.surroundings().out();
    }
}
