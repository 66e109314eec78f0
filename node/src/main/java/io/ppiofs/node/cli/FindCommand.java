package io.ppiofs.node.cli;

import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "find",
        header = "ask the DHT for a peer, a CID or a key",
        description =
                "Asks the network's DHT: for a peer id the addresses of that peer, for a CID the peers that provide "
                        + "it, for another key (beginning with '/') the value. Exit code 4 if the network knows nothing.",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {
            "  ppiofs find 12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
            "  ppiofs find bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku --json"
        })
final class FindCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(paramLabel = "PEER|CID|KEY", description = "what to look for")
    private String what = "";

    @Mixin
    private final JsonOption json = new JsonOption();

    FindCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        Map<?, ?> facts = main.node().askNetworked(new Request("peer.find").with("what", what));
        json.print(main.surroundings(), facts, () -> print(facts));
        return 0;
    }

    private void print(Map<?, ?> facts) {
        PrintWriter out = main.surroundings().out();
        if (facts.get("addresses") instanceof List<?> addresses) {
            addresses.forEach(out::println);
        }
        Facts.list(facts.get("providers"))
                .forEach(p -> out.println(Facts.text(p, "peer") + " " + PeersCommand.joined(p.get("addresses"))));
        if (facts.get("value") != null) {
            out.println(Facts.text(facts, "value"));
        }
    }
}
