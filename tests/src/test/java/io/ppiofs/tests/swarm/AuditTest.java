package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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
 * A volume in stripes of two and one on three storage nodes, of which one loses a tenth of what it has: its audits fail, by command and
 * by themselves, and its share is rebuilt on a node that comes.
 */
class AuditTest {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String VOLUME = "audited";
    private static final int DAMAGED = 1;

    private StorageSwarm swarm;
    private PpiofsMount writer;

    @BeforeEach
    void startSwarm() {
        swarm = StorageSwarm.start(VOLUME, 3, PATIENCE);
        writer = swarm.mountWriter(swarm.home("writer", "[audit]", "every = \"1s\""), "--code", "2+1");
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
        return writer.command().of(words).within(PATIENCE).run();
    }

    @Test
    void a_node_that_lost_a_tenth_fails_and_its_share_is_rebuilt_elsewhere() throws IOException {
        Command.shell("head -c 20000000 /dev/urandom >\"$1/large\"", writer.dir())
                .ok();
        swarm.sync();
        await("a group is coded")
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(swarm.info())
                        .containsPattern("\"groupsToRewrite\" ?: ?0")
                        .containsPattern("\"codedGroups\" ?: ?[1-9]"));

        Path transcript = swarm.scratch().path("transcript");
        await("holders have said what they have, and prove it").atMost(PATIENCE).untilAsserted(() -> {
            Command.Result good = audit("--public", "--out", transcript);
            assertThat(good.exit()).as("%s", good).isZero();
            assertThat(Audits.peers(good, "PASS")).hasSizeGreaterThanOrEqualTo(3);
            Log.say("audit: " + good.out().replaceAll("\\s+", " "));
        });
        PpiofsCommand.assertRefused(audit("--out", transcript), 64, "add --public");
        PpiofsCommand anybody = new PpiofsCommand(swarm.scratch().path("nobody"));
        assertThat(anybody.of("audit", "--check", transcript, "--json").ok().out())
                .containsPattern("\"accepted\" ?: ?true");

        String bad = Audits.id(swarm.node(DAMAGED));
        Audits.damage(swarm.node(DAMAGED));
        Command.Result failed = audit();
        assertThat(failed.exit()).as("%s", failed).isEqualTo(65);
        assertThat(Audits.peers(failed, "FAIL")).isNotEmpty().containsOnly(bad);
        assertThat(Audits.peers(failed, "PASS")).doesNotContain(bad).hasSizeGreaterThanOrEqualTo(2);
        await("the background finds it, too")
                .atMost(PATIENCE)
                .until(() -> Audits.number(swarm.info(), "auditsFail") >= 2);

        swarm.addNode();
        String fresh = Audits.id(swarm.nodes().get(3));
        await("the share is rebuilt on the new node").atMost(PATIENCE).untilAsserted(() -> {
            Command.Result healed = audit();
            assertThat(healed.exit()).as("%s", healed).isZero();
            assertThat(Audits.peers(healed, "PASS")).contains(fresh).doesNotContain(bad);
        });
    }
}
