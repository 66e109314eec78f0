package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.PpiofsMount;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A volume whose owner wants its slots sealed, on three nodes of which two agree to: no command seals anything. */
class SealedVolumeTest {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String VOLUME = "sealed";
    private static final int REFUSES = 2;

    private StorageSwarm swarm;
    private PpiofsMount writer;

    @AfterEach
    void leaveNothingBehind() {
        if (swarm != null) {
            swarm.close();
        }
    }

    private Command.Result audit() {
        return writer.command().of("audit", VOLUME, "--json").within(PATIENCE).run();
    }

    /** Peers of the slots to be sealed that stand like this, with the result of their windows. */
    private static List<String> peers(Command.Result audited, String result, String state) {
        return Pattern.compile("\"peer\" ?: ?\"([^\"]+)\",\\s*\"result\" ?: ?\"?" + result + "\"?,\\s*\"state\" ?: ?\""
                        + state)
                .matcher(audited.out())
                .results()
                .map(match -> match.group(1))
                .toList();
    }

    private static Path replica(StorageNode node) throws IOException {
        try (Stream<Path> files = Files.walk(node.command().home().resolve("sectors"))) {
            return files.filter(file -> file.endsWith("replica")).findFirst().orElseThrow();
        }
    }

    @Test
    void nodes_that_agree_seal_and_prove_and_one_whose_replica_is_damaged_fails() throws IOException {
        swarm = StorageSwarm.start(VOLUME, 0, PATIENCE);
        // no more than the disk has: what is lent has to stay free
        swarm.addNode("--store", "1GiB", "--seal", "test");
        swarm.addNode("--store", "1GiB", "--seal", "test", "--seal", "fast", "--seal-space", "1GiB");
        swarm.addNode();
        writer = swarm.mountWriter(swarm.home("writer"), "--code", "2+1");
        writer.command().of("volume", "place", VOLUME, "--seal", "test").ok();
        assertThat(swarm.info()).containsPattern("\"seal\" ?: ?\"test\"");
        Command.shell(
                        "head -c 17000000 /dev/urandom >\"$1/large\" && sha256sum <\"$1/large\" >\"$1/sum\"",
                        writer.dir())
                .ok();
        swarm.sync();

        String first = Audits.id(swarm.node(0));
        String second = Audits.id(swarm.node(1));
        await("both have sealed, and show it").atMost(PATIENCE).untilAsserted(() -> {
            Command.Result good = audit();
            assertThat(good.exit()).as("%s", good).isZero();
            assertThat(peers(good, "PASS", "proven")).contains(first, second);
            assertThat(peers(good, "null", "refused")).contains(Audits.id(swarm.node(REFUSES)));
        });
        assertThat(swarm.info())
                .containsPattern("\"sealedSlots\" ?: ?[2-9]")
                .containsPattern("\"windowsPass\" ?: ?[2-9]")
                .containsPattern("\"windowsFail\" ?: ?0");

        try (RandomAccessFile bytes =
                new RandomAccessFile(replica(swarm.node(0)).toFile(), "rw")) {
            for (long at = 0; at < bytes.length(); at += 4096) {
                bytes.seek(at);
                bytes.write(new byte[64]);
            }
        }
        Command.Result bad = audit();
        assertThat(bad.exit()).as("%s", bad).isEqualTo(65);
        assertThat(peers(bad, "FAIL", "proven")).containsOnly(first);
        assertThat(Audits.peers(bad, "PASS")).contains(second);
        assertThat(swarm.info()).containsPattern("\"windowsFail\" ?: ?1");
        Log.say("audit: " + bad.out().replaceAll("\\s+", " "));
        Command.shell("sha256sum <\"$1/large\" | cmp - \"$1/sum\"", writer.dir())
                .ok();
    }
}
