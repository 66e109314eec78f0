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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a volume no longer needs goes from its peers, real processes, and nothing else does. */
class DeletionTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private StorageSwarm swarm;

    @BeforeEach
    void startSwarm() {
        swarm = StorageSwarm.start("kept", 3, PATIENCE, "--delete-after", "1s");
    }

    @AfterEach
    void leaveNothingBehind() {
        swarm.close();
    }

    private static void random(Path file, int bytes) {
        Command.shell("head -c \"$2\" /dev/urandom >\"$1\"", file, bytes).ok();
    }

    private long hosted() {
        return swarm.nodes().stream()
                .mapToLong(node -> node.storageFact("hostedBytes"))
                .sum();
    }

    @Test
    void deleted_files_go_from_peers_and_the_others_can_be_read_from_a_fresh_home() throws IOException {
        PpiofsMount writer = swarm.mountWriter(swarm.home("writer"), "--copies", "2");
        random(writer.dir().resolve("kept"), 5_000_000);
        random(writer.dir().resolve("deleted"), 40_000_000);
        swarm.sync();
        long before = hosted();
        assertThat(before).isGreaterThan(2 * 45_000_000);
        String sum =
                Command.of("sha256sum", writer.dir().resolve("kept")).ok().out().substring(0, 64);
        Path capability = swarm.capability();
        PpiofsMount earlier = swarm.reader(swarm.home("earlier"), capability);
        earlier.mount();
        assertThat(Command.of("ls", earlier.dir()).ok().out()).contains("deleted");
        earlier.umount();

        Command.of("rm", writer.dir().resolve("deleted")).ok();
        swarm.sync();
        writer.command().of("gc").within(PATIENCE).ok();
        await("the holders delete it").atMost(PATIENCE).until(() -> hosted() < before / 4);
        System.out.printf("deletion: %,d bytes on peers before, %,d after%n", before, hosted());
        assertThat(swarm.info()).containsPattern("\"freedOnPeersBytes\" ?: ?[1-9][0-9]{7}");

        // a holder becomes a custodian: it prolongs what it holds itself, and what the other one does
        StorageNode custodian = swarm.node(0);
        Matcher id = Pattern.compile("12D3[A-Za-z0-9]+").matcher(custodian.address());
        assertThat(id.find()).isTrue();
        Path custody = swarm.scratch().path("custody");
        Files.writeString(
                custody,
                writer.command()
                        .of("volume", "custodian", "kept", id.group())
                        .ok()
                        .out());
        PpiofsCommand.assertRefused(
                swarm.node(1).command().of("custody", "add", "@" + custody).run(), 64, "is meant for the node");
        custodian.command().of("custody", "add", "@" + custody).ok();
        await("leases are prolonged")
                .atMost(PATIENCE)
                .until(() -> custodian
                        .command()
                        .of("custody", "list", "--json")
                        .ok()
                        .out()
                        .contains("\"leasesEnd\" : \"2"));

        writer.kill9();
        writer.close();
        // a fresh home, and one whose last head reaches what is no more
        for (PpiofsMount reader : List.of(swarm.reader(swarm.home("reader"), capability), earlier)) {
            reader.mount();
            assertThat(Command.of("ls", reader.dir()).ok().out()).doesNotContain("deleted");
            assertThat(Command.of("sha256sum", reader.dir().resolve("kept"))
                            .ok()
                            .out())
                    .startsWith(sum);
        }
    }
}
