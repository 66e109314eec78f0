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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Volumes in stripes of four data and two parity blocks on six storage nodes, each a process of its own. */
class CodedVolumeTest {
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final Duration ERROR = Duration.ofSeconds(30);
    private static final String VOLUME = "striped";

    private StorageSwarm swarm;
    private PpiofsMount writer;

    @BeforeEach
    void startSwarm() {
        swarm = StorageSwarm.start(VOLUME, 6, PATIENCE);
    }

    @AfterEach
    void leaveNothingBehind() {
        swarm.close();
    }

    private void mountWriter(String option, String scheme) {
        writer = swarm.mountWriter(swarm.home("writer"), option, scheme);
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

    /** Every group is kept as it shall be, nobody holds what was replaced, and peers have the head that says so. */
    private void awaitSettled(int tolerates) {
        await("the groups are kept as they shall be")
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(swarm.info())
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
        swarm.sync();
        awaitSettled(2);
        assertThat(swarm.info())
                .containsPattern("\"scheme\" ?: ?\"4\\+2\"")
                .containsPattern("\"codedGroups\" ?: ?[1-9]");
        PpiofsMount reader = swarm.reader(swarm.home("reader"), swarm.capability());
        writer.kill9();
        swarm.node(1).kill9();
        swarm.node(4).kill9();

        reader.mount();
        assertThat(sums(reader.dir())).isEqualTo(written);

        // what a reader keeps is a cache, and collection may take all of it
        reader.command().of("gc").ok();
        swarm.node(2).kill9();
        forgetPages(reader.dir());
        long begun = System.nanoTime();
        Command.Result failed = Command.shell("cat \"$1\"/a/large >/dev/null", reader.dir())
                .within(PATIENCE)
                .run();
        Duration took = Duration.ofNanos(System.nanoTime() - begun);
        assertThat(failed.err()).contains("Input/output error");
        assertThat(took).isLessThan(ERROR);

        swarm.node(2).start();
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
        swarm.sync();
        writer.command().of("volume", "place", VOLUME, "--code", "4+2").ok();
        fill(writer.dir(), "b");
        swarm.sync();
        awaitSettled(2);
        assertThat(swarm.info()).containsPattern("\"codedGroups\" ?: ?[1-9]");
        writer.command().of("volume", "place", VOLUME, "--copies", "2").ok();
        fill(writer.dir(), "c");
        swarm.sync();
        awaitSettled(1);
        assertThat(swarm.info()).containsPattern("\"codedGroups\" ?: ?0");
        String written = sums(writer.dir());
        PpiofsMount reader = swarm.reader(swarm.home("reader"), swarm.capability());
        swarm.node(3).kill9();
        reader.mount();
        assertThat(sums(reader.dir())).isEqualTo(written);
    }
}
