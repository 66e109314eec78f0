package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.PpiofsMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Blocks of a volume are bought from a peer that hosts them, with another as the verifier: three processes. */
class FetchTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private StorageSwarm swarm;
    private StorageNode verifier;
    private StorageNode seller;
    private PpiofsMount writer;

    @BeforeEach
    void startSwarm() {
        swarm = StorageSwarm.start("sold", 0, PATIENCE);
        verifier = add("[deals]\nverify = true\n");
        seller = add("[deals]\nverifiers = \"" + id(verifier) + "\"\n");
        writer = swarm.mountWriter(swarm.home("writer"), "--copies", "2");
    }

    private StorageNode add(String configuration) {
        List<String> others = swarm.nodes().stream().map(StorageNode::address).toList();
        StorageNode node = StorageNode.startConfigured(swarm.scratch(), others, configuration);
        swarm.nodes().add(node);
        return node;
    }

    @AfterEach
    void leaveNothingBehind() {
        if (swarm != null) {
            swarm.close();
        }
    }

    private static String id(StorageNode node) {
        return node.address().replaceAll(".*/p2p/", "");
    }

    private static String text(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\" ?: ?\"([^\"]*)\"").matcher(json);
        assertThat(found.find()).as("%s in %s", name, json).isTrue();
        return found.group(1);
    }

    private static List<Path> files(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(directory)) {
            return all.toList();
        }
    }

    @Test
    void blocks_are_fetched_against_a_receipt_that_anybody_checks() throws IOException {
        Command.shell("for i in 1 2 3; do head -c 60000 /dev/urandom >\"$1/$i\"; done", writer.dir())
                .ok();
        swarm.sync();
        Path files = writer.dir();
        List<String> cids = writer.command()
                .of("cid", files.resolve("1"), files.resolve("2"), files.resolve("3"))
                .ok()
                .out()
                .lines()
                .map(line -> line.split(" ", 2)[0])
                .toList();
        assertThat(cids).hasSize(3);
        Path out = swarm.scratch().path("bought");
        Path proof = swarm.scratch().path("proof");
        Object[] words = {
            "fetch",
            cids.get(0),
            cids.get(1),
            cids.get(2),
            "--from",
            id(seller),
            "--verifier",
            id(verifier),
            "--out",
            out,
            "--proof",
            proof,
            "--json"
        };
        Command.Result bought = writer.command().of(words).within(PATIENCE).run();
        assertThat(bought.exit()).as("%s", bought).isZero();
        assertThat(text(bought.out(), "outcome")).isEqualTo("DELIVERED");
        assertThat(files(out)).hasSize(3);

        PpiofsCommand anybody = new PpiofsCommand(swarm.scratch().path("nobody"));
        String checked = anybody.of("fetch", "--check", proof, "--json").ok().out();
        assertThat(checked).containsPattern("\"accepted\" ?: ?true").contains(id(seller), id(verifier));
        Path sold = seller.command().home().resolve("proofs");
        await("the seller has its proof")
                .atMost(PATIENCE)
                .until(() -> files(sold).stream().anyMatch(f -> f.toString().endsWith(".pod")));
        assertThat(files(sold).get(0))
                .hasFileName(text(checked, "deal") + ".pod")
                .hasSameBinaryContentAs(proof);

        // a verifier that the seller does not trust
        words[7] = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq";
        assertThat(writer.command().of(words).within(PATIENCE).run().exit()).isEqualTo(77);
    }
}
