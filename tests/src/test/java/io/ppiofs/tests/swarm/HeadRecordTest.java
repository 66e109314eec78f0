package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.PpiofsMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Heads in the DHT, with storage nodes that are processes of their own. */
class HeadRecordTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String VOLUME = "shared";

    private StorageSwarm swarm;

    @BeforeEach
    void startSwarm() {
        swarm = StorageSwarm.start(VOLUME, 3, PATIENCE);
    }

    @AfterEach
    void leaveNothingBehind() {
        swarm.close();
    }

    @Test
    void the_DHT_knows_the_head_while_the_one_node_that_keeps_it_is_down() throws IOException {
        PpiofsMount writer = swarm.mountWriter(swarm.home("writer"), "--copies", "1");
        Files.writeString(writer.dir().resolve("file"), "kept by one");
        swarm.sync();
        Path capability = swarm.capability();
        String volume = text("id", swarm.info());
        String key = "/ppiofs-head/" + volume;
        await("the head is in the DHT")
                .atMost(PATIENCE)
                .until(() -> swarm.node(0).command().of("find", key).run().exit() == 0);
        writer.kill9();
        StorageNode keeper = swarm.nodes().stream()
                .filter(node -> node.storageFact("heads") > 0)
                .findFirst()
                .orElseThrow();
        keeper.kill9();
        StorageNode other = swarm.node(swarm.node(0) == keeper ? 1 : 0);
        other.command().of("find", key).within(PATIENCE).ok();

        Path home = swarm.home("reader");
        PpiofsMount beside = new PpiofsMount(home, "default", swarm.scratch().directory("beside"));
        swarm.scratch().onClose(beside::close);
        beside.mount(); // its node is in the network
        beside.command()
                .of("volume", "import", "@" + capability)
                .within(PATIENCE)
                .ok();
        keeper.start();
        PpiofsMount reader = new PpiofsMount(home, VOLUME, swarm.scratch().directory("again"));
        swarm.scratch().onClose(reader::close);
        reader.options("allow_other,default_permissions");
        // it was down a moment ago, and is not dialled again at once
        await("the keeper is reached").atMost(PATIENCE).untilAsserted(reader::mount);
        assertThat(reader.dir().resolve("file")).hasContent("kept by one");
    }

    private static String text(String name, String json) {
        Matcher found = Pattern.compile("\"" + name + "\" ?: ?\"([^\"]+)\"").matcher(json);
        assertThat(found.find()).as(json).isTrue();
        return found.group(1);
    }
}
