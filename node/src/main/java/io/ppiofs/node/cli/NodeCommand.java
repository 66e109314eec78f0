package io.ppiofs.node.cli;

import io.ppiofs.node.Node;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "node",
        header = "own the home and serve commands, in the foreground, until stopped",
        description = "Owns the home and serves commands and mounts until it is stopped by a signal. 'mount' starts a "
                + "node by itself where none runs; a node started here stays when nothing is mounted.",
        sortOptions = false,
        footerHeading = "%nEXAMPLE%n",
        footer = "  ppiofs node --metrics-port 9410")
final class NodeCommand implements Callable<Integer> {
    private final Main main;

    @Option(names = "--metrics-port", paramLabel = "PORT", description = "of the metrics; 0: chosen by the system")
    private @Nullable Integer metricsPort;

    NodeCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws InterruptedException {
        Surroundings surroundings = main.surroundings();
        try (Node node = Node.start(main.home(), Node.Life.untilStopped(metricsPort), surroundings.services())) {
            Runtime.getRuntime().addShutdownHook(new Thread(node::close, "node-end"));
            surroundings.err().println("ppiofs: the node of " + node.home() + " is up");
            Notification.ready(surroundings);
            node.awaitEnd();
        }
        return 0;
    }
}
