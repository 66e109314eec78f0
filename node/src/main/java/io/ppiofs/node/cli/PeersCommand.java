package io.ppiofs.node.cli;

import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "peers",
        header = "the peers that the node is connected to",
        description =
                "Lists the connected peers of the running node; NEAR is the round-trip time of those that it keeps"
                        + " as neighbours.",
        sortOptions = false,
        footerHeading = "%nEXAMPLE%n",
        footer = "  ppiofs peers --json")
final class PeersCommand implements Callable<Integer> {
    private final Main main;

    @Mixin
    private final JsonOption json = new JsonOption();

    PeersCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        Map<?, ?> facts = main.node().askNetworked(new Request("peers"));
        json.print(main.surroundings(), facts, () -> {
            Table table = new Table("PEER", "DIRECTION", "VIA", "NEAR", "AGENT", "LEAVES", "ADDRESS");
            Facts.list(facts.get("peers"))
                    .forEach(p -> Facts.list(p.get("connections"))
                            .forEach(c -> table.row(
                                    Facts.text(p, "peer"),
                                    Facts.text(c, "direction"),
                                    Facts.text(c, "via"),
                                    near(p.get("roundTripMicros")),
                                    p.get("agent") == null ? "-" : Facts.text(p, "agent"),
                                    Facts.flag(p, "leaving") ? "yes" : "-",
                                    Facts.text(c, "address"))));
            table.print(main.surroundings().out());
            printOperators(Facts.list(facts.get("operators")));
        });
        return 0;
    }

    /** Those that lend space, if there are any. */
    private void printOperators(List<? extends Map<?, ?>> operators) {
        if (operators.isEmpty()) {
            return;
        }
        Table table = new Table("LENDS SPACE", "FREE", "OF", "SCORE", "SPEED", "RECEIVED", "SENT", "FAILED", "WRONG");
        operators.forEach(o -> table.row(
                Facts.text(o, "peer"),
                ByteSize.show(Facts.number(o, "freeBytes")),
                ByteSize.show(Facts.number(o, "capacityBytes")),
                Facts.text(o, "score"),
                ByteSize.show(Facts.number(o, "bytesPerSecond")) + "/s",
                ByteSize.show(Facts.number(o, "bytesReceived")),
                ByteSize.show(Facts.number(o, "bytesSent")),
                Facts.text(o, "requestsFailed"),
                Facts.text(o, "blocksCorrupt")));
        main.surroundings().out().println();
        table.print(main.surroundings().out());
    }

    private static String near(@Nullable Object micros) {
        return micros instanceof Number n ? String.format(Locale.ROOT, "%.1f ms", n.doubleValue() / 1_000) : "-";
    }

    static String joined(@Nullable Object list) {
        return list instanceof List<?> l ? l.stream().map(String::valueOf).collect(Collectors.joining(" ")) : "";
    }
}
