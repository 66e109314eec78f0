package io.ppiofs.node.cli;

import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "ping",
        header = "round trips to a peer",
        description = "Sends pings to a peer over the node's connection, which is made if there is none. The first "
                + "round trip does not contain connecting.",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {
            "  ppiofs ping 12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
            "  ppiofs ping -c 1 /ip4/192.0.2.7/tcp/4001/p2p/12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"
        })
final class PingCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(paramLabel = "PEER", description = "peer id, or an address that ends in /p2p/PEER")
    private String peer = "";

    @Option(names = "-c", paramLabel = "COUNT", defaultValue = "3", description = "how many; default 3")
    private int count;

    @Mixin
    private final JsonOption json = new JsonOption();

    PingCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = main.surroundings().out();
        List<Long> micros = new ArrayList<>();
        for (int i = 0; i < Math.max(1, count); i++) {
            if (i > 0) {
                TimeUnit.MILLISECONDS.sleep(200);
            }
            Map<?, ?> answer = main.node().askNetworked(new Request("peer.ping").with("peer", peer));
            micros.add(Facts.number(answer, "rttMicros"));
            if (!json.chosen()) {
                out.println("answer from " + Facts.text(answer, "peer") + " time=" + millis(micros.get(i)) + " ms");
            }
        }
        List<Long> sorted = new ArrayList<>(micros);
        Collections.sort(sorted);
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("peer", peer);
        facts.put("rttMicros", micros);
        facts.put("medianMicros", sorted.get(sorted.size() / 2));
        json.print(
                main.surroundings(),
                facts,
                () -> out.println("min/median/max = " + millis(sorted.get(0)) + "/"
                        + millis(sorted.get(sorted.size() / 2)) + "/" + millis(sorted.get(sorted.size() - 1)) + " ms"));
        return 0;
    }

    private static String millis(long micros) {
        return String.format(Locale.ROOT, "%.3f", micros / 1000.0);
    }
}
