package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.tests.harness.Command;
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

/** A volume with three copies on three storage nodes, each a process of its own. */
class SwarmMountTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String VOLUME = "shared";

    private StorageSwarm swarm;
    private PpiofsMount writer;

    @BeforeEach
    void startSwarm() {
        swarm = StorageSwarm.start(VOLUME, 3, PATIENCE);
    }

    @AfterEach
    void leaveNothingBehind() {
        swarm.close();
    }

    private void mountWriter() {
        writer = swarm.mountWriter(swarm.home("writer"), "--copies", "3");
    }

    private static void fill(Path dir) {
        Command.shell("""
                        mkdir -p "$1/small/deep"
                        for i in $(seq 1 200); do head -c $((i * 37)) /dev/urandom >"$1/small/$i"; done
                        head -c 30000000 /dev/urandom >"$1/large"
                        truncate -s 5000000 "$1/sparse"; printf end >>"$1/sparse"
                        ln -s large "$1/link"; ln "$1/large" "$1/hard"
                        cp -a /usr/share/doc/coreutils "$1/doc" 2>/dev/null || cp -a /etc/alternatives "$1/doc"
                        """, dir).within(PATIENCE).ok();
    }

    private static String sums(Path dir) {
        return Command.shell(
                        "cd \"$1\"; find . -printf '%y %m %p %s %l\\n' | sort; "
                                + "find . -type f -print0 | sort -z | xargs -0 sha256sum",
                        dir)
                .within(PATIENCE)
                .ok()
                .out();
    }

    @Test
    void the_capability_alone_brings_everything_back_after_the_home_is_gone() throws IOException {
        mountWriter();
        fill(writer.dir());
        String written = sums(writer.dir());
        swarm.sync();
        Path capability = swarm.capability();
        writer.kill9();
        writer.close();
        Command.of("rm", "-rf", writer.home()).ok();

        PpiofsMount reader = swarm.reader(swarm.home("reader"), capability);
        reader.mount();
        assertThat(sums(reader.dir())).isEqualTo(written);
        // everybody on the machine can read the table of mounts
        assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
                .doesNotContain(Files.readString(capability).strip());
        assertThat(Command.shell("touch \"$1/new\"", reader.dir()).run().err()).contains("Read-only");
    }

    @Test
    void a_reader_follows_the_writer_and_loses_nothing_when_two_of_three_nodes_are_killed() throws IOException {
        mountWriter();
        fill(writer.dir());
        swarm.sync();
        PpiofsMount reader = swarm.reader(swarm.home("reader"), swarm.capability());
        reader.mount();
        Files.writeString(writer.dir().resolve("later"), "written later");
        swarm.sync();
        await("the reader sees it")
                .atMost(PATIENCE)
                .until(() -> Files.exists(reader.dir().resolve("later"))
                        && Files.readString(reader.dir().resolve("later")).equals("written later"));
        // what a reader keeps is a cache, and collection may take all of it
        reader.command().of("gc").ok();
        swarm.node(1).kill9();
        swarm.node(2).kill9();
        assertThat(sums(reader.dir())).isEqualTo(sums(writer.dir()));
    }

    @Test
    void the_DHT_knows_the_head_while_the_one_node_that_keeps_it_is_down() throws IOException {
        writer = swarm.mountWriter(swarm.home("writer"), "--copies", "1");
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

    @Test
    void with_the_whole_right_a_fresh_home_goes_on_writing() throws IOException {
        mountWriter();
        fill(writer.dir());
        String written = sums(writer.dir());
        swarm.sync();
        Path capability = swarm.capability("--write");
        writer.kill9();
        writer.close();
        Command.of("rm", "-rf", writer.home()).ok();

        PpiofsMount second = swarm.reader(swarm.home("second"), capability);
        second.mount();
        assertThat(sums(second.dir())).isEqualTo(written);
        Files.writeString(second.dir().resolve("more"), "by the second");

        // while it writes, no other machine does
        PpiofsMount third = swarm.reader(swarm.home("third"), capability);
        Command.Result refused = third.mountCommand().run();
        assertThat(refused.exit()).isEqualTo(ErrorKind.BUSY.exitCode());
        assertThat(refused.err())
                .contains("is being written by another machine")
                .hasLineCount(1);

        // after it, one after the other does, and each goes on where the other has stopped
        second.umount();
        third.mount();
        assertThat(third.dir().resolve("more")).hasContent("by the second");
        Files.delete(third.dir().resolve("more"));
        Files.writeString(third.dir().resolve("third"), "by the third");
        third.umount();
        second.mount();
        assertThat(second.dir().resolve("third")).hasContent("by the third");
        assertThat(second.dir().resolve("more")).doesNotExist();
        Files.writeString(second.dir().resolve("last"), "by the second again");
        second.umount();
        third.mount();
        assertThat(third.dir().resolve("last")).hasContent("by the second again");
        third.command().of("fsck", VOLUME).within(PATIENCE).ok();
    }

    @Test
    void a_node_that_was_down_while_files_were_written_gets_them_when_it_is_back() throws IOException {
        mountWriter();
        Files.writeString(writer.dir().resolve("before"), "x".repeat(100_000));
        swarm.sync();
        swarm.node(0).kill9();
        fill(writer.dir());
        swarm.sync();
        swarm.node(0).start();
        await("every group has its copies again")
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(swarm.info())
                        .containsPattern("\"degradedGroups\" ?: ?0")
                        .containsPattern("\"holdersWithoutHead\" ?: ?0")
                        .containsPattern("\"toleratedFailures\" ?: ?2"));
        String written = sums(writer.dir());
        swarm.node(1).kill9();
        swarm.node(2).kill9();
        PpiofsMount reader = swarm.reader(swarm.home("reader"), swarm.capability());
        reader.mount();
        assertThat(sums(reader.dir())).isEqualTo(written);
    }
}
