package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.swarm.HostileOperator.Way;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Five copies on an honest storage node and four that cheat, each in its own way: nobody ever reads anything wrong, the cheats are found out, and
 * their shares are rebuilt on honest nodes, which are there before that.
 */
class HostileOperatorTest {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final String VOLUME = "shared";

    /** What is written: forty small files and a big one, of random bytes. */
    private static final long BYTES = 9_000 * (40 * 41 / 2) + 12_000_000;

    private StorageSwarm swarm;
    private final List<HostileOperator> cheats = new ArrayList<>();

    @BeforeEach
    void startSwarm() {
        swarm = StorageSwarm.start(VOLUME, 1, PATIENCE);
        List<String> honest = swarm.nodes().stream().map(StorageNode::address).toList();
        for (Way way : Way.values()) {
            HostileOperator cheat = HostileOperator.start(way, swarm.scratch().directory("cheat"), honest);
            swarm.scratch().onClose(cheat::close);
            cheats.add(cheat);
        }
    }

    @AfterEach
    void leaveNothingBehind() {
        if (swarm != null) {
            swarm.close();
        }
    }

    private HostileOperator cheat(Way way) {
        return cheats.get(way.ordinal());
    }

    private static String sums(Path dir) {
        return Command.shell("cd \"$1\"; sha256sum *", dir)
                .within(PATIENCE)
                .ok()
                .out();
    }

    /** How well the writer's node thinks of an operator, from 0 to 1. */
    private static double score(PpiofsMount mount, HostileOperator operator) {
        String peers = mount.command().of("peers", "--json").ok().out();
        Matcher score = Pattern.compile("\"" + operator.id() + "\"[^{}]*\"score\" ?: ?([0-9.E-]+)")
                .matcher(peers);
        assertThat(score.find()).as("%s in %s", operator.id(), peers).isTrue();
        return Double.parseDouble(score.group(1));
    }

    @Test
    void nobody_reads_anything_wrong_and_the_shares_of_cheats_are_rebuilt_on_honest_nodes() {
        Path home = swarm.home("writer", "replace-after = \"15s\"");
        PpiofsMount writer = swarm.mountWriter(home, "--copies", "5");
        Command.shell(
                        "for i in $(seq 40); do head -c $((i * 9000)) /dev/urandom >\"$1/$i\"; done; "
                                + "head -c 12000000 /dev/urandom >\"$1/big\"",
                        writer.dir())
                .ok();
        swarm.sync();
        String written = sums(writer.dir());

        PpiofsMount reader = swarm.reader(swarm.home("reader"), swarm.capability());
        reader.mount();
        assertThat(sums(reader.dir())).isEqualTo(written);
        reader.umount();

        // others could take the shares before any cheat is found out
        for (int i = 0; i < 4; i++) {
            swarm.addNode();
        }
        // five copies on five honest nodes: no slot is left for a cheat
        Set<Way> found = EnumSet.noneOf(Way.class);
        await("each honest node holds everything, and who gave nothing right has a bad name")
                .atMost(PATIENCE)
                .until(() -> {
                    Stream.of(Way.WRONG_BYTES, Way.HOLLOW)
                            // what is new begins at 0.8; once its share is elsewhere nothing lowers it any more
                            .filter(way -> !found.contains(way) && score(writer, cheat(way)) < 0.5)
                            .forEach(found::add);
                    return found.size() == 2
                            && swarm.nodes().stream().allMatch(node -> node.storageFact("hostedBytes") >= BYTES);
                });
        await("every group is whole")
                .atMost(PATIENCE)
                .until(() -> swarm.info().replaceAll("\\s", "").contains("\"degradedGroups\":0,\"comparedGroups\""));
        for (HostileOperator cheat : cheats) {
            Log.say(cheat.id() + " cheated " + cheat.cheated() + " times");
            assertThat(cheat.cheated()).isPositive();
        }
        assertThat(swarm.info()).containsPattern("\"toleratedFailures\" ?: ?4");
        assertThat(sums(writer.dir())).isEqualTo(written);
        cheats.forEach(HostileOperator::close);
        PpiofsMount last = swarm.reader(swarm.home("last"), swarm.capability());
        last.mount();
        assertThat(sums(last.dir())).isEqualTo(written);
    }
}
