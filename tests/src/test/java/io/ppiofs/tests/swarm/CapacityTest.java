package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.node.control.Request;
import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.PpiofsMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Idle space of a real node is filled, challenged by another, and given back when data comes. */
class CapacityTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private StorageSwarm swarm;

    @AfterEach
    void leaveNothingBehind() {
        if (swarm != null) {
            swarm.close();
        }
    }

    private static String peer(StorageNode node) {
        return node.address().substring(node.address().indexOf("/p2p/") + "/p2p/".length());
    }

    private static String ask(StorageNode node, Request request) {
        return node.command().askRunning(request).orElseThrow().replaceAll("\\s", "");
    }

    private static Request challenge(StorageNode of) {
        return new Request("capacity.challenge").with("peer", peer(of));
    }

    @Test
    void units_are_proven_to_another_peer_which_sees_what_went_and_what_is_damaged() throws IOException {
        swarm = StorageSwarm.start("data", 2, PATIENCE);
        StorageNode lender = swarm.node(0);
        StorageNode verifier = swarm.node(1);
        String filled = lender.command()
                .of("capacity", "fill", "8MiB", "--unit", "1MiB", "--json")
                .within(PATIENCE)
                .ok()
                .out();
        assertThat(filled.replaceAll("\\s", ""))
                .contains("\"count\":8,\"bytes\":8388608,")
                .contains("\"ended\":\"\"");
        String first = verifier.command()
                .of("capacity", "challenge", peer(lender), "--labels", "--json")
                .within(PATIENCE)
                .ok()
                .out()
                .replaceAll("\\s", "");
        assertThat(first)
                .contains("\"units\":8,")
                .contains("\"history\":\"first\"")
                .contains("\"labels\":\"right\"")
                .contains("\"timed\":false")
                .contains("\"result\":\"PASS\"");

        lender.kill9();
        lender.start("14MiB");
        assertThat(ask(lender, new Request("capacity.release").with("units", List.of("3", "5"))))
                .contains("\"released\":[3,5]");
        assertThat(ask(verifier, challenge(lender)))
                .contains("\"history\":\"shown\",\"come\":[],\"gone\":[3,5]")
                .contains("\"result\":\"PASS\"");

        Path replica = lender.command().home().resolve("idle/units/1/replica");
        byte[] right = Files.readAllBytes(replica);
        byte[] wrong = new byte[right.length];
        Arrays.fill(wrong, (byte) 1);
        Files.write(replica, wrong);
        assertThat(ask(verifier, challenge(lender).with("leaves", 200L))).contains("\"result\":\"FAIL\"");
        Files.write(replica, right);

        assertThat(ask(verifier, challenge(lender).with("timed", true)))
                .contains("\"result\":\"SUSPECT\"")
                .contains("theyshownothingabouttime");
        assertThat(ask(lender, new Request("capacity.release").with("all", true)))
                .contains("\"count\":0");
        assertThat(ask(verifier, challenge(lender))).contains("\"result\":\"SUSPECT\"");
    }

    @Test
    @Tag("soak")
    void units_go_when_hosted_data_needs_the_room() {
        swarm = StorageSwarm.start("data", 2, PATIENCE);
        StorageNode lender = swarm.node(0);
        long lent = 96 << 20;
        lender.kill9();
        lender.start("96MiB");
        lender.command()
                .of("capacity", "fill", "72MiB", "--unit", "4MiB", "--parameters", "test")
                .within(PATIENCE)
                .ok();
        assertThat(ask(swarm.node(1), challenge(lender)))
                .contains("\"units\":18,")
                .contains("\"result\":\"PASS\"");
        PpiofsMount writer = swarm.mountWriter(swarm.home("writer"), "--copies", "2");
        Command.shell("head -c 60000000 /dev/urandom >\"$1/data\"", writer.dir())
                .ok();
        swarm.sync();
        assertThat(lender.storageFact("hostedBytes")).isGreaterThan(60_000_000);
        await("idle space has made room")
                .atMost(PATIENCE)
                .until(() -> lender.storageFact("hostedBytes") + lender.storageFact("idleBytes") <= lent);
        assertThat(lender.storageFact("idleBytes")).isPositive();
        assertThat(ask(swarm.node(1), challenge(lender)))
                .contains("\"history\":\"shown\",\"come\":[],\"gone\":[18,17,")
                .contains("\"result\":\"PASS\"");
    }
}
