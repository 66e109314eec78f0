package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.MountTable;
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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Volumes in stripes of four data and two parity blocks on six storage nodes, each a process of its own. */
class CodedVolumeTest {
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final Duration ERROR = Duration.ofSeconds(30);
    private static final String VOLUME = "striped";

    private Scratch scratch;
    private final List<StorageNode> nodes = new ArrayList<>();
    private PpiofsMount writer;

    @BeforeEach
    void startSwarm() throws IOException {
        Tools.requireRoot();
        scratch = Scratch.open("coded");
        for (int i = 0; i < 6; i++) {
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

    private Path home(String name) throws IOException {
        Path home = scratch.directory(name);
        String peers = String.join(" ", nodes.stream().map(StorageNode::address).toList());
        Files.writeString(home.resolve("config.toml"), "[network]\nbootstrap = \"" + peers + "\"\n");
        return home;
    }

    private void mountWriter(String option, String scheme) {
        PpiofsMount starter = new PpiofsMount(writer.home(), "default", scratch.directory("first"));
        scratch.onClose(starter::close);
        starter.mount();
        writer.command().of("volume", "create", VOLUME, option, scheme).ok();
        writer.mount();
    }

    private void sync() {
        writer.command().of("volume", "sync", VOLUME).within(PATIENCE).ok();
    }

    private PpiofsMount reader(String name) throws IOException {
        Path capability = scratch.path("capability");
        Files.writeString(
                capability, writer.command().of("volume", "share", VOLUME).ok().out());
        PpiofsMount reader = new PpiofsMount(home(name), "@" + capability, scratch.directory(name + "-m"));
        scratch.onClose(reader::close);
        return reader.options("allow_other,default_permissions");
    }

    private static void fill(Path dir, String name) {
        Command.shell("""
                        mkdir -p "$1/$2"
                        for i in $(seq 1 60); do head -c $((i * 997)) /dev/urandom >"$1/$2/$i"; done
                        head -c 24000000 /dev/urandom >"$1/$2/large"
                        """, dir, name).within(PATIENCE).ok();
    }

    private static String sums(Path dir) {
        return Command.shell("cd \"$1\"; find . -type f -print0 | sort -z | xargs -0 sha256sum", dir)
                .within(PATIENCE)
                .ok()
                .out();
    }

    /** The kernel's copies of what was read. */
    private static void forgetPages(Path dir) {
        Command.shell("find \"$1\" -type f -exec dd if={} iflag=nocache count=0 status=none \\;", dir)
                .within(PATIENCE)
                .ok();
    }

    private String info() {
        return writer.command().of("volume", "info", VOLUME, "--json").ok().out();
    }

    /** Every group is kept as it shall be, nobody holds what was replaced, and peers have the head that says so. */
    private void awaitSettled(int tolerates) {
        await("the groups are kept as they shall be")
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(info())
                        .containsPattern("\"groupsToRewrite\" ?: ?0")
                        .containsPattern("\"degradedGroups\" ?: ?0")
                        .containsPattern("\"unpublishedHead\" ?: ?0")
                        .containsPattern("\"toleratedFailures\" ?: ?" + tolerates));
    }

    @Test
    void two_of_six_nodes_may_be_lost_a_third_is_an_error_in_time_and_heals() throws IOException {
        mountWriter("--code", "4+2");
        fill(writer.dir(), "a");
        fill(writer.dir(), "b");
        String written = sums(writer.dir());
        sync();
        awaitSettled(2);
        assertThat(info()).containsPattern("\"scheme\" ?: ?\"4\\+2\"").containsPattern("\"codedGroups\" ?: ?[1-9]");
        PpiofsMount reader = reader("reader");
        writer.kill9();
        nodes.get(1).kill9();
        nodes.get(4).kill9();

        reader.mount();
        assertThat(sums(reader.dir())).isEqualTo(written);

        // what a reader keeps is a cache, and collection may take all of it
        reader.command().of("gc").ok();
        nodes.get(2).kill9();
        forgetPages(reader.dir());
        long begun = System.nanoTime();
        Command.Result failed = Command.shell("cat \"$1\"/a/large >/dev/null", reader.dir())
                .within(PATIENCE)
                .run();
        Duration took = Duration.ofNanos(System.nanoTime() - begun);
        assertThat(failed.err()).contains("Input/output error");
        assertThat(took).isLessThan(ERROR);

        nodes.get(2).start();
        await("it heals")
                .atMost(PATIENCE)
                .until(() -> Command.shell("cat \"$1\"/a/large >/dev/null", reader.dir())
                                .within(PATIENCE)
                                .run()
                                .exit()
                        == 0);
        forgetPages(reader.dir());
        assertThat(sums(reader.dir())).isEqualTo(written);
    }

    @Test
    @Tag("soak")
    void a_mounted_volume_goes_from_copies_to_stripes_and_back() throws IOException {
        mountWriter("--copies", "3");
        fill(writer.dir(), "a");
        sync();
        writer.command().of("volume", "place", VOLUME, "--code", "4+2").ok();
        fill(writer.dir(), "b");
        sync();
        awaitSettled(2);
        assertThat(info()).containsPattern("\"codedGroups\" ?: ?[1-9]");
        writer.command().of("volume", "place", VOLUME, "--copies", "2").ok();
        fill(writer.dir(), "c");
        sync();
        awaitSettled(1);
        assertThat(info()).containsPattern("\"codedGroups\" ?: ?0");
        String written = sums(writer.dir());
        PpiofsMount reader = reader("reader");
        nodes.get(3).kill9();
        reader.mount();
        assertThat(sums(reader.dir())).isEqualTo(written);
    }
}
