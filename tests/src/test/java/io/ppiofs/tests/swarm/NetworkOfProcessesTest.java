package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.Scratch;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** A private network as people make it: by the command, with a process for each member. */
class NetworkOfProcessesTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @Test
    void members_are_admitted_find_each_other_are_measured_and_are_revoked() throws Exception {
        try (Scratch scratch = Scratch.open("network")) {
            PpiofsCommand founder = new PpiofsCommand(scratch.path("founder"));
            founder.of("network", "create", "team", "--private").ok();
            String address = listens(scratch, founder, List.of());

            PpiofsCommand one = member(scratch, "one", founder, address);
            PpiofsCommand two = member(scratch, "two", founder, address);
            assertThat(founder.of("network", "members", "team").ok().out()).contains(id(one), id(two));
            for (PpiofsCommand member : List.of(one, two)) {
                await().atMost(PATIENCE)
                        .until(() -> member.of("peers").ok().out().contains(id(founder)));
            }

            // they have been told of the founder only
            await().atMost(PATIENCE)
                    .until(() -> two.of("find", id(one)).run().out().contains("/ip4/127.0.0.1/tcp/"));
            assertThat(two.of("ping", "-c", "1", id(one)).ok().out()).contains("answer from " + id(one));
            String metrics = metrics(two);
            assertThat(number(metrics, "ppiofs_network_connections")).isGreaterThanOrEqualTo(2);
            assertThat(number(metrics, "ppiofs_network_bytes_received")).isPositive();
            assertThat(number(metrics, "ppiofs_network_bytes_sent")).isPositive();
            assertThat(number(metrics, "ppiofs_network_dht_lookups")).isPositive();
            assertThat(number(metrics, "ppiofs_network_dht_lookup_millis_sum")).isNotNegative();
            await("the mesh")
                    .atMost(PATIENCE)
                    .until(() -> number(metrics(two), "ppiofs_network_gossip_mesh_peers") >= 1);

            founder.of("network", "members", "team", "--revoke", id(one)).ok();
            for (PpiofsCommand member : List.of(founder, two)) {
                await().atMost(PATIENCE)
                        .until(() -> !member.of("peers").ok().out().contains(id(one)));
            }
            assertThat(two.of("peers").ok().out()).contains(id(founder));
        }
    }

    /** A home that is admitted, joins, and whose node listens. */
    private static PpiofsCommand member(Scratch scratch, String name, PpiofsCommand founder, String address) {
        PpiofsCommand member = new PpiofsCommand(scratch.path(name));
        String invitation = founder.of("network", "members", "team", "--admit", id(member))
                .ok()
                .out()
                .lines()
                .filter(line -> line.startsWith("ppiofs-network:"))
                .findFirst()
                .orElseThrow();
        member.of("network", "join", invitation).ok();
        listens(scratch, member, List.of("--bootstrap", address));
        return member;
    }

    /** Starts the node; returns the address that it prints when it is ready. */
    private static String listens(Scratch scratch, PpiofsCommand home, List<String> more) {
        List<Object> words = new ArrayList<>(
                List.of("node", "--network", "team", "--listen", "/ip4/127.0.0.1/tcp/0", "--metrics-port", "0"));
        words.addAll(more);
        Command.Running running = home.of(words.toArray()).start();
        scratch.onClose(running::close);
        await("the node listens").atMost(PATIENCE).until(() -> {
            if (!running.alive()) {
                throw new AssertionError("the node ended: " + running.await(PATIENCE));
            }
            return running.out().contains("/p2p/");
        });
        String printed = running.out()
                .lines()
                .filter(line -> line.contains("/p2p/"))
                .findFirst()
                .orElseThrow()
                .strip();
        assertThat(printed).startsWith("/ip4/127.0.0.1/tcp/").endsWith("/p2p/" + id(home));
        return printed;
    }

    private static String id(PpiofsCommand home) {
        return text(home.of("id", "--json").ok().out(), "\"peerId\" ?: ?\"([^\"]+)\"");
    }

    private static String metrics(PpiofsCommand home) throws IOException, InterruptedException {
        String port = text(home.of("status", "--json").ok().out(), "\"metricsPort\" ?: ?([0-9]+)");
        URI uri = URI.create("http://127.0.0.1:" + port + "/metrics");
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString())
                .body();
    }

    private static double number(String metrics, String name) {
        return Double.parseDouble(text(metrics, "(?m)^" + name + " (\\S+)$"));
    }

    private static String text(String in, String pattern) {
        Matcher found = Pattern.compile(pattern).matcher(in);
        if (!found.find()) {
            throw new AssertionError("no " + pattern + " in " + in);
        }
        return found.group(1);
    }
}
