package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.node.control.Request;
import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.PpiofsMount;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Somebody who has only the verify capability of a volume audits the three nodes that hold it, of which one loses a tenth: he reads no file,
 * finds it, and the writer, which does not look itself, hears of it.
 */
class VerifierTest {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String VOLUME = "verified";
    private static final int DAMAGED = 1;

    private StorageSwarm swarm;
    private PpiofsMount writer;
    private PpiofsCommand verifier;
    private Command.Running node;

    @BeforeEach
    void startSwarm() {
        swarm = StorageSwarm.start(VOLUME, 3, PATIENCE);
        writer = swarm.mountWriter(swarm.home("writer", "[audit]", "every = \"never\""), "--code", "2+1");
        verifier = new PpiofsCommand(swarm.home("verifier", "[audit]", "every = \"2s\""));
        startVerifier();
    }

    private void startVerifier() {
        Command.Running running =
                verifier.of("node", "--bootstrap", swarm.node(0).address()).start();
        node = running;
        swarm.scratch().onClose(running::close);
        await("the verifier's node listens")
                .atMost(PATIENCE)
                .until(() -> running.out().contains("/p2p/"));
    }

    @AfterEach
    void leaveNothingBehind() {
        if (swarm != null) {
            swarm.close();
        }
    }

    private Command.Result audit(Object... options) {
        Object[] words = Stream.concat(Stream.of("audit", VOLUME, "--json"), Stream.of(options))
                .toArray();
        return verifier.of(words).within(PATIENCE).run();
    }

    @Test
    void the_verify_capability_audits_and_reads_nothing() throws IOException {
        Command.shell("head -c 20000000 /dev/urandom >\"$1/large\"", writer.dir())
                .ok();
        swarm.sync();
        Path capability = swarm.capability("--verify");
        verifier.of("verifier", "add", "@" + capability).ok();

        Path transcript = swarm.scratch().path("transcript");
        long began = System.nanoTime();
        await("tags are on peers, and all slots pass").atMost(PATIENCE).untilAsserted(() -> {
            Command.Result good = audit("--out", transcript);
            assertThat(good.exit()).as("%s", good).isZero();
            assertThat(Audits.peers(good, "PASS")).hasSizeGreaterThanOrEqualTo(3);
        });
        Log.say("verified by the capability after " + Duration.ofNanos(System.nanoTime() - began));
        Command.Result checked = new PpiofsCommand(swarm.scratch().path("nobody"))
                .of("audit", "--check", transcript, "--json")
                .ok();
        assertThat(checked.out())
                .containsPattern("\"accepted\" ?: ?true")
                .containsPattern("\"verifierNamedByOwner\" ?: ?false");

        PpiofsCommand.assertRefused(
                verifier.of("volume", "import", "@" + capability).run(), 64, "cannot read files");
        PpiofsCommand.assertRefused(
                verifier.of("verifier", "add", "@" + swarm.capability()).run(), 64, "do more than verify");

        String bad = Audits.id(swarm.node(DAMAGED));
        Audits.damage(swarm.node(DAMAGED));
        Command.Result failed = audit();
        assertThat(failed.exit()).as("%s", failed).isEqualTo(65);
        assertThat(Audits.peers(failed, "FAIL")).isNotEmpty().containsOnly(bad);
        assertThat(Audits.peers(failed, "PASS")).doesNotContain(bad).hasSizeGreaterThanOrEqualTo(2);
        await("the writer hears of it").atMost(PATIENCE).untilAsserted(() -> {
            String info = swarm.info();
            assertThat(Audits.number(info, "verifiers")).isEqualTo(1);
            assertThat(Audits.number(info, "transcriptsCounted") + Audits.number(info, "auditsFail"))
                    .isPositive();
        });
        assertThat(verifier.askRunning(new Request("verifier.list")).orElse(""))
                .contains(VOLUME)
                .containsPattern("\"auditsPass\" ?: ?[1-9]");
        node.close();
        startVerifier();
        await("it audits after a restart, too")
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(verifier.askRunning(new Request("verifier.list"))
                                .orElse(""))
                        .contains(VOLUME)
                        .containsPattern("\"auditsPass\" ?: ?[1-9]"));
        Log.say("writer: " + swarm.info().replaceAll("\\s+", " "));
    }
}
