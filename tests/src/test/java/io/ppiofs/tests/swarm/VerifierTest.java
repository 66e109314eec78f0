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
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Two who have only the verify capability of a volume audit the three nodes that hold it. One node dies, and the second of them gets the tags from those
 * that are left; it comes back, and another one loses a tenth: they read no file, find it and tell each other, and the writer, which does not look
 * itself, hears of it.
 */
class VerifierTest {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String VOLUME = "verified";
    private static final int DAMAGED = 1;
    private static final int DEAD = 2;

    private StorageSwarm swarm;
    private PpiofsMount writer;
    private PpiofsCommand verifier;
    private PpiofsCommand second;
    private Command.Running node;

    @BeforeEach
    void startSwarm() {
        swarm = StorageSwarm.start(VOLUME, 3, PATIENCE);
        writer = swarm.mountWriter(swarm.home("writer", "[audit]", "every = \"never\""), "--code", "2+1");
        verifier = new PpiofsCommand(swarm.home("verifier", "[audit]", "every = \"2s\""));
        second = new PpiofsCommand(swarm.home("second", "[audit]", "every = \"2s\""));
        node = start(verifier);
        start(second);
    }

    private Command.Running start(PpiofsCommand one) {
        Command.Running running =
                one.of("node", "--bootstrap", swarm.node(0).address()).start();
        swarm.scratch().onClose(running::close);
        await("the verifier's node listens")
                .atMost(PATIENCE)
                .until(() -> running.out().contains("/p2p/"));
        return running;
    }

    /** What a verifier says of the volumes that it audits. */
    private static String list(PpiofsCommand one) {
        return one.askRunning(new Request("verifier.list")).orElse("");
    }

    @AfterEach
    void leaveNothingBehind() {
        if (swarm != null) {
            swarm.close();
        }
    }

    private static Command.Result audit(PpiofsCommand one, Object... options) {
        Object[] words = Stream.concat(Stream.of("audit", VOLUME, "--json"), Stream.of(options))
                .toArray();
        return one.of(words).within(PATIENCE).run();
    }

    /** Of what others said: answers that were judged and found wrong, and audits that were made because of what cannot be judged. */
    private static long heard(String facts) {
        return Audits.number(facts, "transcriptsCounted") + Audits.number(facts, "hearsayFollowed");
    }

    private static void assertChecks(Path transcript, PpiofsCommand nobody) {
        Command.Result checked =
                nobody.of("audit", "--check", transcript, "--json").ok();
        assertThat(checked.out())
                .containsPattern("\"accepted\" ?: ?true")
                .doesNotContainPattern("\"accepted\" ?: ?false")
                .containsPattern("\"verifierNamedByOwner\" ?: ?false");
    }

    /** While a holder of data and of tags is dead, a verifier that has nothing yet gets tags from the others, and accuses nobody. */
    private void auditWhileOneIsDead(Path capability, PpiofsCommand nobody) {
        StorageNode dead = swarm.node(DEAD);
        dead.kill9();
        second.of("verifier", "add", "@" + capability).ok();
        Path transcript = swarm.scratch().path("second");
        await("the second one has tags from those that are left")
                .atMost(PATIENCE)
                .untilAsserted(() -> {
                    Command.Result left = audit(second, "--out", transcript);
                    assertThat(Audits.peers(left, "PASS")).as("%s", left).hasSizeGreaterThanOrEqualTo(2);
                    assertThat(left.exit()).as("%s", left).isEqualTo(75);
                    assertThat(Audits.peers(left, "SUSPECT")).isNotEmpty().containsOnly(Audits.id(dead));
                });
        assertChecks(transcript, nobody);
        dead.start();
        await("they know each other, and all slots pass").atMost(PATIENCE).untilAsserted(() -> {
            assertThat(audit(second).exit()).isZero();
            assertThat(Audits.number(list(verifier), "otherVerifiers")).isEqualTo(1);
            assertThat(Audits.number(list(second), "otherVerifiers")).isEqualTo(1);
        });
        for (PpiofsCommand one : List.of(verifier, second)) {
            assertThat(Audits.number(list(one), "auditsFail"))
                    .as("nobody was accused because somebody was away")
                    .isZero();
        }
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
            Command.Result good = audit(verifier, "--out", transcript);
            assertThat(good.exit()).as("%s", good).isZero();
            assertThat(Audits.peers(good, "PASS")).hasSizeGreaterThanOrEqualTo(3);
        });
        Log.say("verified by the capability after " + Duration.ofNanos(System.nanoTime() - began));
        PpiofsCommand nobody = new PpiofsCommand(swarm.scratch().path("nobody"));
        assertChecks(transcript, nobody);
        auditWhileOneIsDead(capability, nobody);
        Log.say("and by a second one while a holder was dead, after " + Duration.ofNanos(System.nanoTime() - began));

        PpiofsCommand.assertRefused(
                verifier.of("volume", "import", "@" + capability).run(), 64, "cannot read files");
        PpiofsCommand.assertRefused(
                verifier.of("verifier", "add", "@" + swarm.capability()).run(), 64, "do more than verify");

        String bad = Audits.id(swarm.node(DAMAGED));
        Audits.damage(swarm.node(DAMAGED));
        long damaged = System.nanoTime();
        await("each finds it by its own draw, and hears of it from the other one")
                .atMost(PATIENCE)
                .untilAsserted(() -> {
                    for (PpiofsCommand one : List.of(verifier, second)) {
                        String facts = list(one);
                        assertThat(Audits.number(facts, "auditsFail")).isPositive();
                        assertThat(heard(facts)).isPositive();
                    }
                });
        Log.say("the damage is found by both after " + Duration.ofNanos(System.nanoTime() - damaged));
        Command.Result failed = audit(verifier);
        assertThat(failed.exit()).as("%s", failed).isEqualTo(65);
        assertThat(Audits.peers(failed, "FAIL")).isNotEmpty().containsOnly(bad);
        assertThat(Audits.peers(failed, "PASS")).doesNotContain(bad).hasSizeGreaterThanOrEqualTo(2);
        await("the writer hears of it").atMost(PATIENCE).untilAsserted(() -> {
            String info = swarm.info();
            assertThat(Audits.number(info, "verifiers")).isEqualTo(2);
            assertThat(Audits.number(info, "transcriptsCounted"))
                    .as("answers to others, judged by the writer itself")
                    .isPositive();
        });
        assertThat(list(verifier)).contains(VOLUME).containsPattern("\"auditsPass\" ?: ?[1-9]");
        node.close();
        start(verifier);
        await("it audits after a restart, too")
                .atMost(PATIENCE)
                .untilAsserted(
                        () -> assertThat(list(verifier)).contains(VOLUME).containsPattern("\"auditsPass\" ?: ?[1-9]"));
        Log.say("second: " + list(second).replaceAll("\\s+", " "));
        Log.say("writer: " + swarm.info().replaceAll("\\s+", " "));
    }
}
