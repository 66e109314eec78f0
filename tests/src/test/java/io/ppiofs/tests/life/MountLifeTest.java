package io.ppiofs.tests.life;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Ext4Image;
import io.ppiofs.tests.harness.Fsync;
import io.ppiofs.tests.harness.Manifest;
import io.ppiofs.tests.harness.MountTable;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Scratch;
import io.ppiofs.tests.harness.Tools;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MountLifeTest {
    private static final Duration SOON = Duration.ofSeconds(20);

    private Scratch scratch;
    private PpiofsMount mount;

    @BeforeEach
    void fresh() {
        Tools.requireRoot();
        scratch = Scratch.open("life");
        mount = PpiofsMount.fresh(scratch);
    }

    @AfterEach
    void leaveNothingBehind() {
        scratch.close();
    }

    @Tag("quick")
    @ParameterizedTest(name = "{0} ends the mount and the node, and everything is there next time")
    @ValueSource(strings = {"umount DIR", "fusermount -u DIR", "ppiofs umount DIR"})
    void every_way_to_unmount_ends_the_mount_and_the_node(String how) throws IOException {
        mount.mount();
        Files.writeString(mount.dir().resolve("file"), how);
        long pid = mount.pid().orElseThrow();
        Object[] words = Stream.of(how.split(" "))
                .map(word -> word.equals("DIR") ? mount.dir() : word)
                .toArray();
        if (how.startsWith("ppiofs")) {
            mount.command().of("umount", mount.dir()).ok();
            assertThat(MountTable.isMounted(mount.dir())).isFalse();
        } else {
            Tools.require(how.substring(0, how.indexOf(' ')));
            Command.of(words).ok();
        }
        await().atMost(SOON).until(() -> !MountTable.isMounted(mount.dir()));
        mount.awaitEnd(pid);
        mount.mount();
        assertThat(mount.dir().resolve("file")).hasContent(how);
    }

    @Tag("quick")
    @Test
    void umount_under_load_is_refused_as_busy_and_goes_through_afterwards() throws IOException {
        mount.mount();
        Path work = Files.createDirectory(mount.dir().resolve("work"));
        try (Command.Running load = Command.shell(
                        "cd \"$1\"; i=0; while true; do i=$((i+1)); head -c 20000 /dev/zero > f$((i % 50)); done", work)
                .start()) {
            await().atMost(SOON).until(() -> Files.exists(work.resolve("f20")));
            PpiofsCommand.assertRefused(
                    mount.command().of("umount", mount.dir()).run(),
                    ErrorKind.BUSY.exitCode(),
                    load.process().pid() + " (bash)");
            assertThat(Command.of("umount", mount.dir()).run().exit()).isNotZero();
            assertThat(load.alive()).as("the load goes on").isTrue();
        }
        await().atMost(SOON)
                .until(() -> mount.command().of("umount", mount.dir()).run().exit() == 0);
        mount.mount();
        assertThat(Files.size(work.resolve("f20"))).isIn(0L, 20000L);
        mount.assertClean();
    }

    @Test
    void a_forced_umount_under_load_ends_the_mount() throws IOException {
        mount.mount();
        Path work = Files.createDirectory(mount.dir().resolve("work"));
        Files.writeString(work.resolve("before"), "before");
        long pid = mount.pid().orElseThrow();
        try (Command.Running load = Command.shell("cd \"$1\"; while true; do date > now; done", work)
                .start()) {
            await().atMost(SOON).until(() -> Files.exists(work.resolve("now")));
            mount.command().of("umount", "-f", mount.dir()).ok();
            assertThat(MountTable.isMounted(mount.dir())).isFalse();
            load.close();
        }
        mount.awaitEnd(pid);
        mount.mount();
        assertThat(work.resolve("before")).hasContent("before");
        mount.assertClean();
    }

    @Test
    void two_volumes_are_mounted_by_one_node_and_one_can_go() throws IOException {
        mount.mount();
        mount.command().of("volume", "create", "second").ok();
        PpiofsMount second = new PpiofsMount(mount.home(), "second", scratch.directory("second"));
        scratch.onClose(second::close);
        second.mount();
        assertThat(second.pid()).isEqualTo(mount.pid());
        Files.writeString(mount.dir().resolve("file"), "in the first");
        Files.writeString(second.dir().resolve("file"), "in the second");
        assertThat(mount.dir().resolve("file")).hasContent("in the first");
        mount.command().of("umount", mount.dir()).ok();
        assertThat(second.dir().resolve("file")).hasContent("in the second");
        assertThat(second.pid()).as("the node lives for its second mount").isNotEmpty();
        mount.mount();
        assertThat(mount.dir().resolve("file")).hasContent("in the first");
        assertThat(Command.of("mv", mount.dir().resolve("file"), second.dir().resolve("moved"))
                        .run()
                        .exit())
                .isZero();
        assertThat(second.dir().resolve("moved")).hasContent("in the first");
    }

    @Test
    void one_volume_at_two_places_shows_the_same_files() throws IOException {
        mount.mount();
        PpiofsMount other = new PpiofsMount(mount.home(), "default", scratch.directory("other"));
        scratch.onClose(other::close);
        other.mount();
        Files.writeString(mount.dir().resolve("file"), "one core for both");
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(other.dir().resolve("file")).hasContent("one core for both"));
    }

    @Test
    void a_tree_is_the_same_after_each_of_many_remounts() throws IOException {
        mount.mount();
        for (int i = 0; i < 4; i++) {
            Path folder = Files.createDirectories(mount.dir().resolve("d" + i));
            for (int j = 0; j < 20; j++) {
                Files.write(folder.resolve("f" + j), new byte[i * 1000 + j]);
            }
            Manifest before = Manifest.of(mount.dir(), Manifest.Scope.WITH_TIMES);
            mount.remount();
            before.assertSame(Manifest.of(mount.dir(), Manifest.Scope.WITH_TIMES), "after remount " + i);
        }
        mount.assertClean();
    }

    @Tag("quick")
    @Test
    void df_tells_the_truth_about_space() throws IOException {
        // a disk of its own: on the machine's others write, too
        mount = new PpiofsMount(
                Ext4Image.mounted(scratch, 700).dir().resolve("home"), "default", scratch.directory("m"));
        scratch.onClose(mount::close);
        mount.mount();
        FileStore store = Files.getFileStore(mount.dir());
        FileStore disk = Files.getFileStore(mount.home());
        assertThat(store.getTotalSpace()).isPositive().isLessThanOrEqualTo(disk.getTotalSpace());
        assertThat(store.getUsableSpace()).isPositive().isLessThanOrEqualTo(disk.getUsableSpace());
        // the first file makes what all files share
        byte[] first = new byte[2 << 20];
        new java.util.Random(2).nextBytes(first);
        Files.write(mount.dir().resolve("first"), first);
        Fsync.of(mount.dir().resolve("first"));
        long before = used();
        byte[] bytes = new byte[32 << 20];
        new java.util.Random(3).nextBytes(bytes);
        Files.write(mount.dir().resolve("file"), bytes);
        Fsync.of(mount.dir().resolve("file"));
        assertThat(used() - before).as("df after 32 MiB").isBetween(30L << 20, 48L << 20);
        String names = Command.of("stat", "-f", "-c", "%l %s", mount.dir()).ok().out();
        assertThat(names).startsWith("255 ");
    }

    private long used() {
        String out = Command.of("df", "-B1", "--output=used", mount.dir()).ok().out();
        return Long.parseLong(out.strip().split("\\s+")[1]);
    }

    @Tag("quick")
    @Test
    void the_stats_file_is_readable_and_not_listed() throws IOException {
        mount.mount();
        Files.writeString(mount.dir().resolve("file"), "text");
        assertThat(Command.of("ls", "-A", mount.dir()).ok().out()).isEqualTo("file\n");
        assertThat(Files.readString(mount.dir().resolve(".stats"))).isNotBlank();
        assertThat(Command.of("cat", mount.dir().resolve(".stats")).ok().out()).isNotBlank();
        assertThat(Command.shell("echo x > \"$1\"", mount.dir().resolve(".stats"))
                        .run()
                        .exit())
                .as("writing to .stats")
                .isNotZero();
        assertThat(Command.of("rm", "-f", mount.dir().resolve(".stats")).run().exit())
                .as("removing .stats")
                .isNotZero();
    }

    @Test
    void status_names_the_mount_and_the_cid_of_a_file_is_the_same_for_equal_content() throws IOException {
        mount.mount();
        byte[] bytes = new byte[100_000];
        new java.util.Random(3).nextBytes(bytes);
        Files.write(mount.dir().resolve("one"), bytes);
        Files.write(mount.dir().resolve("two"), bytes);
        assertThat(mount.command().of("status", "--json").ok().out())
                .contains(mount.dir().toString());
        String one = cid("one");
        assertThat(one).matches("bafkrei[a-z2-7]{52}");
        assertThat(cid("two")).isEqualTo(one);
    }

    private String cid(String name) {
        String out = mount.command().of("cid", mount.dir().resolve(name)).ok().out();
        return out.strip().split("\\s+")[0];
    }

    @Test
    void a_read_only_mount_refuses_to_write_and_shows_everything() throws IOException {
        mount.mount();
        Files.writeString(mount.dir().resolve("file"), "text");
        mount.umount();
        mount.options(PpiofsMount.OPTIONS + ",ro").mount();
        assertThat(mount.dir().resolve("file")).hasContent("text");
        Command.Result touch = Command.of("touch", mount.dir().resolve("new")).run();
        assertThat(touch.err()).contains("Read-only file system");
        Command.Result rm = Command.of("rm", "-f", mount.dir().resolve("file")).run();
        assertThat(rm.err()).contains("Read-only file system");
    }

    @Test
    void a_foreground_mount_ends_with_its_command() {
        try (Command.Running running = mount.command()
                .of("mount", mount.dir(), "-o", PpiofsMount.OPTIONS)
                .start()) {
            await().atMost(SOON).until(() -> MountTable.isMounted(mount.dir()));
            running.process().destroy();
            await().atMost(SOON).until(() -> !MountTable.isMounted(mount.dir()) && !running.alive());
        }
    }
}
