package io.ppiofs.tests.life;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.Manifest;
import io.ppiofs.tests.harness.MountTable;
import io.ppiofs.tests.harness.NativeProgram;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Scratch;
import io.ppiofs.tests.harness.Tools;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A new process takes the mounts of the old one while programs use them. */
class UpgradeTest {
    private static final Duration SOON = Duration.ofSeconds(30);

    private Scratch scratch;
    private PpiofsMount mount;
    private Path holder;

    @BeforeEach
    void fresh() {
        Tools.requireRoot();
        scratch = Scratch.open("upgrade");
        holder = NativeProgram.compile(scratch, "holder");
        mount = PpiofsMount.fresh(scratch);
        mount.mount();
    }

    @AfterEach
    void leaveNothingBehind() {
        scratch.close();
    }

    @Test
    void programs_go_on_across_two_upgrades() throws IOException {
        Path passphrase = Files.writeString(scratch.path("passphrase"), "open sesame\n");
        mount.command()
                .of("volume", "create", "second", "--passphrase-file", passphrase)
                .ok();
        PpiofsMount second = new PpiofsMount(mount.home(), "second", scratch.directory("second"))
                .options("ro,passphrase-file=" + passphrase);
        scratch.onClose(second::close);
        second.mount();
        long first = mount.pid().orElseThrow();
        try (Command.Running held = hold();
                InputStream stats = Files.newInputStream(second.dir().resolve(".stats"))) {
            assertThat(stats.read()).isEqualTo('{');
            upgrade();
            mount.awaitEnd(first);
            Files.writeString(mount.dir().resolve("between"), "written by the second process");
            upgrade();
            assertThat(stats.read()).isNotNegative();
            assertThat(mount.dir().resolve("between")).hasContent("written by the second process");
            Log.say("the program's longest round in ms, and its rounds: " + end(held));
        }
        assertThat(mount.pid().orElseThrow()).isNotEqualTo(first);
        assertThat(MountTable.isMounted(second.dir())).isTrue();
        Manifest before = Manifest.of(mount.dir(), Manifest.Scope.WITH_TIMES);
        mount.command().of("umount", second.dir()).ok();
        mount.remount();
        before.assertSame(Manifest.of(mount.dir(), Manifest.Scope.WITH_TIMES), "after a remount");
        assertThat(mount.dir().resolve("named")).hasContent("unnamed");
        mount.umount();
        mount.assertClean();
    }

    @Test
    void the_old_process_goes_on_when_the_new_one_dies() throws IOException {
        long before = mount.pid().orElseThrow();
        try (Command.Running held = hold()) {
            assertThat(killedNext(Duration.ZERO)).isTrue();
            assertThat(mount.pid()).hasValue(before);
            Files.writeString(mount.dir().resolve("after"), "text");
            upgrade();
            assertThat(mount.dir().resolve("after")).hasContent("text");
            end(held);
        }
        mount.umount();
        mount.assertClean();
    }

    @Tag("soak")
    @Test
    void it_does_not_matter_when_the_new_process_dies() throws IOException {
        int killed = 0;
        try (Command.Running held = hold()) {
            for (int i = 0; i < 20; i++) {
                killed += killedNext(Duration.ofMillis(i * 5L)) ? 1 : 0;
            }
            end(held);
        }
        assertThat(killed).isGreaterThan(10);
        mount.umount();
        mount.assertClean();
    }

    /**
     * Begins an upgrade and kills the new process.
     *
     * @param after the old process has begun to close what it has
     * @return false if it was too late, and the upgrade has succeeded
     */
    private boolean killedNext(Duration after) throws IOException {
        long before = mount.pid().orElseThrow();
        Path takeover = mount.home().resolve("takeover");
        try (Command.Running upgrade = mount.command().of("upgrade").start()) {
            long next = Long.parseLong(await().pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(1))
                    .atMost(SOON)
                    .until(
                            () -> Files.exists(takeover) ? Files.readString(takeover) : "",
                            text -> text.matches("\\S+ [0-9]+ [0-9]+"))
                    .split(" ", 3)[2]);
            assertThat(next).isNotEqualTo(before);
            await().pollDelay(after).until(() -> true);
            boolean inTime = Files.exists(takeover);
            if (inTime) {
                ProcessHandle.of(next).orElseThrow().destroyForcibly();
            }
            Command.Result result = upgrade.await(SOON);
            assertThat(takeover).doesNotExist();
            if (result.exit() == 0) {
                assertThat(inTime).isFalse();
                return false;
            }
            PpiofsCommand.assertRefused(result, result.exit(), "process " + before + " goes on serving the mounts");
            return true;
        }
    }

    private Command.Running hold() {
        Command.Running held = Command.of(holder, mount.dir()).start();
        await().atMost(SOON).until(() -> held.out().contains("ready") || !held.alive());
        assertThat(held.alive()).as(held.out()).isTrue();
        return held;
    }

    /** @return what the program says of its work */
    private static String end(Command.Running held) {
        held.process().destroy();
        String said = held.await(SOON).orFail().out();
        assertThat(said).containsPattern("ok [0-9]+ [0-9]+");
        return said.substring(said.indexOf("ok"));
    }

    private void upgrade() {
        String said = mount.command().of("upgrade").ok().err();
        assertThat(said).contains("has taken over");
        Log.say(said.strip());
    }
}
