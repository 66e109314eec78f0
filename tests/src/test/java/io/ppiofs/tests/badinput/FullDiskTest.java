package io.ppiofs.tests.badinput;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Ext4Image;
import io.ppiofs.tests.harness.Manifest;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Scratch;
import io.ppiofs.tests.harness.Tools;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FullDiskTest {
    private static final int DISK_MEBIBYTES = 400;
    private static final int CHUNK = 1 << 20;

    private final Random random = new Random(11);
    private Scratch scratch;
    private Ext4Image disk;
    private PpiofsMount mount;
    private Path reference;

    @BeforeEach
    void aHomeOnASmallDisk() {
        Tools.requireRoot();
        scratch = Scratch.open("full");
        disk = Ext4Image.mounted(scratch, DISK_MEBIBYTES);
        mount = new PpiofsMount(disk.dir().resolve("home"), "default", scratch.directory("m"));
        scratch.onClose(mount::close);
        reference = scratch.directory("reference");
        mount.mount();
    }

    @AfterEach
    void leaveNothingBehind() {
        scratch.close();
    }

    @Test
    void a_full_disk_is_ENOSPC_at_write_loses_nothing_lets_rm_free_and_goes_on() throws IOException {
        Map<String, String> kept = new TreeMap<>();
        int files = fill(kept);
        assertThat(files).as("files of 8 MiB until ENOSPC").isGreaterThan(4);
        assertKept(kept);
        // an overwrite in place costs space, too, and must not destroy what was there
        overwriteUntilRefused(kept);
        assertKept(kept);
        mount.remount();
        assertKept(kept);

        Command.of(
                        "rm",
                        "-r",
                        mount.dir().resolve("big0"),
                        mount.dir().resolve("big1"),
                        mount.dir().resolve("big2"))
                .ok();
        kept.keySet().removeIf(name -> name.matches("big[012]"));
        assertGoesOn(kept);
        mount.remount();
        assertKept(kept);
        mount.assertClean();
    }

    @Test
    void a_disk_that_somebody_else_filled_is_ENOSPC_and_works_again_when_there_is_room() throws IOException {
        Map<String, String> kept = new TreeMap<>();
        write("before", 4, kept);
        Path ballast = disk.dir().resolve("ballast");
        Command.of("dd", "if=/dev/zero", "of=" + ballast, "bs=1M").run();
        fill(kept);
        assertKept(kept);
        Command.of("rm", mount.dir().resolve("before")).ok();
        kept.remove("before");
        assertKept(kept);
        mount.kill9();
        Command.Result onFullDisk = mount.mountCommand().run();
        if (onFullDisk.exit() != 0) {
            // not a byte is left for what a start needs: refused in a sentence, and nothing is lost
            PpiofsCommand.assertRefused(onFullDisk, ErrorKind.NO_SPACE.exitCode(), "space");
            Files.delete(ballast);
            mount.mount();
        } else {
            Files.delete(ballast);
        }
        assertKept(kept);
        assertGoesOn(kept);
        mount.remount();
        assertKept(kept);
        mount.assertClean();
    }

    /** Writes files of 8 MiB until one is refused. @return how many were complete */
    private int fill(Map<String, String> kept) throws IOException {
        int complete = 0;
        while (complete < DISK_MEBIBYTES) {
            if (!write("big" + complete, 8, kept)) {
                return complete;
            }
            complete++;
        }
        throw new AssertionError("no ENOSPC after " + complete + " files of 8 MiB on " + DISK_MEBIBYTES + " MiB");
    }

    /** @return false if it was refused; then the file is deleted */
    private boolean write(String name, int chunks, Map<String, String> kept) throws IOException {
        Path file = mount.dir().resolve(name);
        byte[] bytes = new byte[CHUNK];
        try (OutputStream out = Files.newOutputStream(file);
                OutputStream copy = Files.newOutputStream(reference.resolve(name))) {
            for (int i = 0; i < chunks; i++) {
                random.nextBytes(bytes);
                out.write(bytes);
                copy.write(bytes);
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("No space left on device");
            Files.deleteIfExists(file);
            return false;
        }
        // what write accepted, fsync must be able to keep
        Command.of("sync", file).ok();
        kept.put(name, Manifest.sha256(reference.resolve(name)));
        Files.delete(reference.resolve(name));
        return true;
    }

    private void overwriteUntilRefused(Map<String, String> kept) throws IOException {
        Path file = mount.dir().resolve("big0");
        byte[] bytes = new byte[65536];
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            for (int i = 0; i < 4000; i++) {
                random.nextBytes(bytes);
                channel.write(ByteBuffer.wrap(bytes), (i % 100) * 65536L);
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("No space left on device");
        }
        kept.put("big0", Manifest.sha256(file));
    }

    private void assertKept(Map<String, String> kept) throws IOException {
        for (Map.Entry<String, String> file : kept.entrySet()) {
            assertThat(Manifest.sha256(mount.dir().resolve(file.getKey())))
                    .as(file.getKey())
                    .isEqualTo(file.getValue());
        }
    }

    private void assertGoesOn(Map<String, String> kept) {
        org.awaitility.Awaitility.await("there is room again after rm")
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofSeconds(1))
                .until(() -> write("again", 8, kept));
    }
}
