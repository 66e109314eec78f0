package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.MountTable;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Scratch;
import io.ppiofs.tests.harness.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A volume with three copies on three storage nodes, each a process of its own. */
class SwarmMountTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String VOLUME = "shared";

    private Scratch scratch;
    private final List<StorageNode> nodes = new ArrayList<>();
    private PpiofsMount writer;

    @BeforeEach
    void startSwarm() throws IOException {
        Tools.requireRoot();
        scratch = Scratch.open("swarm");
        for (int i = 0; i < 3; i++) {
            nodes.add(StorageNode.start(
                    scratch, nodes.isEmpty() ? List.of() : List.of(nodes.get(0).address())));
        }
        writer = new PpiofsMount(home("writer"), VOLUME, scratch.directory("m"));
        scratch.onClose(writer::close);
    }

    @AfterEach
    void leaveNothingBehind() {
        scratch.close();
        assertThat(MountTable.entries()).noneMatch(entry -> entry.mountPoint().startsWith(scratch.root()));
    }

    /** A home whose nodes join the network of the storage nodes. */
    private Path home(String name) throws IOException {
        Path home = scratch.directory(name);
        String peers = String.join(" ", nodes.stream().map(StorageNode::address).toList());
        Files.writeString(home.resolve("config.toml"), "[network]\nbootstrap = \"" + peers + "\"\n");
        return home;
    }

    private void mountWriter() {
        // the volume is made by the node that is in the network, which lives with a mount
        Path first = scratch.directory("first");
        PpiofsMount starter = new PpiofsMount(writer.home(), "default", first);
        scratch.onClose(starter::close);
        starter.mount();
        writer.command().of("volume", "create", VOLUME, "--copies", "3").ok();
        writer.mount();
    }

    private void sync() {
        writer.command().of("volume", "sync", VOLUME).within(PATIENCE).ok();
    }

    private Path capability(String... options) throws IOException {
        List<Object> words = new ArrayList<>(List.of("volume", "share", VOLUME));
        words.addAll(List.of(options));
        String text = writer.command().of(words.toArray()).ok().out();
        Path file = scratch.path("capability");
        Files.writeString(file, text);
        return file;
    }

    private PpiofsMount reader(Path home, Path capability) {
        PpiofsMount reader = new PpiofsMount(home, "@" + capability, scratch.directory("r"));
        scratch.onClose(reader::close);
        return reader.options("allow_other,default_permissions");
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
        sync();
        Path capability = capability();
        writer.kill9();
        writer.close();
        Command.of("rm", "-rf", writer.home()).ok();

        PpiofsMount reader = reader(home("reader"), capability);
        reader.mount();
        assertThat(sums(reader.dir())).isEqualTo(written);
        assertThat(Command.shell("touch \"$1/new\"", reader.dir()).run().err()).contains("Read-only");
    }

    @Test
    void a_reader_follows_the_writer_and_loses_nothing_when_two_of_three_nodes_are_killed() throws IOException {
        mountWriter();
        fill(writer.dir());
        sync();
        PpiofsMount reader = reader(home("reader"), capability());
        reader.mount();
        Files.writeString(writer.dir().resolve("later"), "written later");
        sync();
        await("the reader sees it")
                .atMost(PATIENCE)
                .until(() -> Files.exists(reader.dir().resolve("later"))
                        && Files.readString(reader.dir().resolve("later")).equals("written later"));
        // what a reader keeps is a cache, and collection may take all of it
        reader.command().of("gc").ok();
        nodes.get(1).kill9();
        nodes.get(2).kill9();
        assertThat(sums(reader.dir())).isEqualTo(sums(writer.dir()));
    }

    @Test
    void with_the_whole_right_a_fresh_home_goes_on_writing() throws IOException {
        mountWriter();
        fill(writer.dir());
        String written = sums(writer.dir());
        sync();
        Path capability = capability("--write");
        writer.kill9();
        writer.close();
        Command.of("rm", "-rf", writer.home()).ok();

        PpiofsMount second = reader(home("second"), capability);
        second.mount();
        assertThat(sums(second.dir())).isEqualTo(written);
        Files.writeString(second.dir().resolve("more"), "by the second");
        new PpiofsCommand(second.home())
                .of("volume", "sync", VOLUME)
                .within(PATIENCE)
                .ok();
        PpiofsMount third = reader(home("third"), capability);
        third.mount();
        assertThat(third.dir().resolve("more")).hasContent("by the second");
    }

    @Test
    void a_node_that_was_down_while_files_were_written_gets_them_when_it_is_back() throws IOException {
        mountWriter();
        Files.writeString(writer.dir().resolve("before"), "x".repeat(100_000));
        sync();
        nodes.get(0).kill9();
        fill(writer.dir());
        sync();
        nodes.get(0).start();
        await("every group has its copies again")
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(writer.command()
                                .of("volume", "info", VOLUME, "--json")
                                .ok()
                                .out())
                        .containsPattern("\"degradedGroups\" ?: ?0")
                        .containsPattern("\"holdersWithoutHead\" ?: ?0")
                        .containsPattern("\"toleratedFailures\" ?: ?2"));
        String written = sums(writer.dir());
        nodes.get(1).kill9();
        nodes.get(2).kill9();
        PpiofsMount reader = reader(home("reader"), capability());
        reader.mount();
        assertThat(sums(reader.dir())).isEqualTo(written);
    }
}
