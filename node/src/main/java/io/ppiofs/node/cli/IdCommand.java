package io.ppiofs.node.cli;

import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "id",
        header = "peer id of this node, and its addresses",
        description =
                "Shows the peer id of the home's node (its key is made at the first call), and, if the node is in a "
                        + "network, the network and the addresses under which others reach it.",
        sortOptions = false,
        footerHeading = "%nEXAMPLE%n",
        footer = "  ppiofs id --json")
final class IdCommand implements Callable<Integer> {
    private final Main main;

    @Mixin
    private final JsonOption json = new JsonOption();

    IdCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Map<?, ?> facts = main.node().ask(new Request("id"), Progress.NONE);
        json.print(main.surroundings(), facts, () -> {
            main.surroundings().out().println("peer     " + Facts.text(facts, "peerId"));
            if (facts.get("network") != null) {
                main.surroundings()
                        .out()
                        .println("network  " + Facts.text(facts, "network") + " " + Facts.text(facts, "networkId"));
            }
            if (facts.get("addresses") instanceof List<?> addresses) {
                addresses.forEach(a -> main.surroundings().out().println("address  " + a));
            }
        });
        return 0;
    }
}
