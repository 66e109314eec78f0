package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.PpiofsMount;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Operators that stop lending, each a process of its own, on four storage nodes with three copies. */
class DrainTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String VOLUME = "kept";

    private StorageSwarm swarm;

    @BeforeEach
    void startSwarm() {
        swarm = StorageSwarm.start(VOLUME, 4, PATIENCE, "--repair-after", "20s");
    }

    @AfterEach
    void leaveNothingBehind() {
        swarm.close();
    }

    private static void fill(Path dir, String name, int bytes) {
        Command.shell("""
                        mkdir "$1/$2"
                        for i in $(seq 1 40); do head -c $((i * 97)) /dev/urandom >"$1/$2/$i"; done
                        head -c "$3" /dev/urandom >"$1/$2/large"
                        """, dir, name, bytes).within(PATIENCE).ok();
    }

    private static String sums(Path dir) {
        return Command.shell("cd \"$1\"; find . -type f -print0 | sort -z | xargs -0 sha256sum", dir)
                .within(PATIENCE)
                .ok()
                .out();
    }

    /** One that holds something leaves: it is stopped for good when the command returns. @return what it held */
    private long drainOne() {
        StorageNode node = swarm.nodes().stream()
                .filter(one -> one.storageFact("hostedBytes") > 0)
                .findFirst()
                .orElseThrow();
        long held = node.storageFact("hostedBytes");
        assertThat(node.command()
                        .of("node", "drain", "--json")
                        .within(PATIENCE)
                        .ok()
                        .out())
                .containsPattern("\"groupsToMove\" ?: ?0")
                .containsPattern("\"groupsMoved\" ?: ?[1-9]");
        long moved = node.storageFact("repairBytesSent") + node.storageFact("repairBytesFetched");
        System.out.printf("draining: %.3f of the held bytes were moved%n", (double) moved / held);
        assertThat(moved).isLessThanOrEqualTo((long) (1.3 * held));
        node.kill9();
        swarm.nodes().remove(node);
        return held;
    }

    @Test
    void what_a_node_that_leaves_held_is_with_others_before_it_ends_whether_the_writer_is_up_or_away()
            throws IOException {
        PpiofsMount writer = swarm.mountWriter(swarm.home("writer"), "--copies", "3");
        fill(writer.dir(), "a", 12_000_000);
        swarm.sync();
        drainOne();
        await("the writer knows who holds what now")
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(swarm.info())
                        .containsPattern("\"degradedGroups\" ?: ?0")
                        .containsPattern("\"toleratedFailures\" ?: ?2"));
        Command.Result nowhere =
                swarm.node(0).command().of("node", "drain").within(PATIENCE).run();
        assertThat(nowhere.exit()).isEqualTo(28);
        assertThat(nowhere.err()).contains("a group needs 3 peers, and only 2 others lend space");
        swarm.node(0).command().of("node", "drain", "--cancel").ok();

        fill(writer.dir(), "b", 3_000_000);
        swarm.sync();
        String written = sums(writer.dir());
        Path capability = swarm.capability();
        swarm.addNode();
        writer.kill9();
        writer.close();
        long held = drainOne();

        // every one of the three has all of it; a reader hears of the new one from those that its manifest names
        assertThat(swarm.nodes())
                .allSatisfy(node -> assertThat(node.storageFact("hostedBytes")).isGreaterThan(held * 99 / 100));
        swarm.nodes().remove(0).kill9();
        PpiofsMount reader = swarm.reader(swarm.home("reader"), capability);
        reader.mount();
        assertThat(sums(reader.dir())).isEqualTo(written);
    }
}
