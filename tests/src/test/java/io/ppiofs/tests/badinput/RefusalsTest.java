package io.ppiofs.tests.badinput;

import static io.ppiofs.tests.harness.PpiofsCommand.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Fsync;
import io.ppiofs.tests.harness.MountTable;
import io.ppiofs.tests.harness.NodeHome;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Scratch;
import io.ppiofs.tests.harness.Tools;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RefusalsTest {
    private Scratch scratch;
    private PpiofsMount mount;

    @BeforeEach
    void fresh() {
        Tools.requireRoot();
        scratch = Scratch.open("refusals");
        mount = PpiofsMount.fresh(scratch);
    }

    @AfterEach
    void leaveNothingBehind() {
        scratch.close();
    }

    private Command.Result mountAt(Path dir) {
        return mount.command().of("mount", dir, "-d").run();
    }

    @Test
    void an_unknown_option_of_the_command_is_refused() {
        assertRefused(
                mount.command().of("mount", mount.dir(), "-d", "--frobnicate").run(),
                ErrorKind.INVALID.exitCode(),
                "frobnicate");
    }

    @Test
    void an_unknown_mount_option_is_refused_and_nothing_is_mounted() {
        assertRefused(
                mount.options("allow_other,frobnicate").mountCommand().run(),
                ErrorKind.INVALID.exitCode(),
                "frobnicate");
        assertThat(MountTable.isMounted(mount.dir())).isFalse();
        assertThat(mount.pid()).as("node left behind").isEmpty();
    }

    @Test
    void an_unknown_command_is_refused() {
        assertRefused(mount.command().of("frobnicate").run(), ErrorKind.INVALID.exitCode(), "frobnicate");
    }

    @Test
    void a_mount_point_that_does_not_exist_is_refused() {
        Path missing = scratch.path("missing");
        assertRefused(mountAt(missing), ErrorKind.NOT_FOUND.exitCode(), missing.toString());
        assertThat(missing).doesNotExist();
    }

    @Test
    void a_mount_point_that_is_a_file_is_refused() throws IOException {
        Path file = Files.createFile(scratch.path("file"));
        assertRefused(mountAt(file), ErrorKind.NOT_A_DIRECTORY.exitCode(), file.toString());
    }

    @Test
    void a_mount_point_that_is_not_empty_is_refused_and_keeps_its_files() throws IOException {
        Path file = Files.createFile(mount.dir().resolve("mine"));
        assertRefused(
                mountAt(mount.dir()),
                ErrorKind.NOT_EMPTY.exitCode(),
                mount.dir().toString());
        assertThat(file).exists();
    }

    @Test
    void a_mount_point_in_use_is_refused_and_stays_mounted() throws IOException {
        mount.mount();
        Files.writeString(mount.dir().resolve("file"), "text");
        assertRefused(
                mountAt(mount.dir()), ErrorKind.BUSY.exitCode(), mount.dir().toString());
        assertThat(mount.dir().resolve("file")).hasContent("text");
        // by a node of another home, too
        PpiofsMount other = new PpiofsMount(scratch.path("other"), "default", mount.dir());
        scratch.onClose(other::close);
        assertRefused(other.mountCommand().run(), ErrorKind.BUSY.exitCode());
        assertThat(mount.dir().resolve("file")).hasContent("text");
        mount.umount();
        assertThat(MountTable.isMounted(mount.dir())).isFalse();
    }

    @Test
    void a_dead_mount_point_is_cleaned_and_mounted_again() throws IOException {
        mount.mount();
        Path file = mount.dir().resolve("file");
        Files.writeString(file, "text");
        Fsync.of(file);
        mount.kill9();
        assertThat(Command.of("ls", mount.dir()).run().exit())
                .as("the mount point is dead")
                .isNotZero();
        mount.mount();
        assertThat(file).hasContent("text");
        long mounts = MountTable.entries().stream()
                .filter(entry -> entry.mountPoint().equals(mount.dir()))
                .count();
        assertThat(mounts).as("mounts at one point").isEqualTo(1);
    }

    @Test
    void a_home_that_another_process_owns_is_refused() throws IOException {
        Files.createDirectories(mount.home());
        try (FileChannel channel = FileChannel.open(
                        mount.home().resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.lock()) {
            assertThat(lock.isValid()).isTrue();
            assertRefused(
                    mount.mountCommand().run(),
                    ErrorKind.IN_USE.exitCode(),
                    mount.home().toString());
        }
        assertThat(MountTable.isMounted(mount.dir())).isFalse();
        mount.mount();
    }

    @Test
    void a_wrong_passphrase_and_none_are_refused_and_the_right_one_opens() throws IOException {
        Path right = Files.writeString(scratch.path("right"), "correct horse battery staple\n");
        Path wrong = Files.writeString(scratch.path("wrong"), "incorrect horse\n");
        mount.command()
                .of("volume", "create", "safe", "--passphrase-file", right)
                .ok();
        assertRefused(
                mount.command()
                        .of("mount", "safe", mount.dir(), "-d", "--passphrase-file", wrong)
                        .run(),
                ErrorKind.WRONG_KEY.exitCode(),
                "passphrase");
        assertRefused(
                mount.command().of("mount", "safe", mount.dir(), "-d").run(),
                ErrorKind.WRONG_KEY.exitCode(),
                "passphrase");
        assertThat(MountTable.isMounted(mount.dir())).isFalse();
        mount.command()
                .of("mount", "safe", mount.dir(), "-d", "--passphrase-file", right)
                .ok();
        Files.writeString(mount.dir().resolve("file"), "text");
        mount.umount();
        mount.command()
                .of("mount", "safe", mount.dir(), "-d", "--passphrase-file", right)
                .ok();
        assertThat(mount.dir().resolve("file")).hasContent("text");
    }

    @Test
    void a_wrong_key_file_is_refused() throws IOException {
        Path right = Files.write(scratch.path("right"), key(1));
        Path wrong = Files.write(scratch.path("wrong"), key(2));
        mount.command().of("volume", "create", "safe", "--key-file", right).ok();
        assertRefused(
                mount.command()
                        .of("mount", "safe", mount.dir(), "-d", "--key-file", wrong)
                        .run(),
                ErrorKind.WRONG_KEY.exitCode());
        mount.command()
                .of("mount", "safe", mount.dir(), "-d", "--key-file", right)
                .ok();
    }

    private static byte[] key(long seed) {
        byte[] key = new byte[64];
        new java.util.Random(seed).nextBytes(key);
        return key;
    }

    @Test
    void a_volume_that_does_not_exist_is_refused() {
        assertRefused(
                mount.command().of("mount", "nowhere", mount.dir(), "-d").run(),
                ErrorKind.NOT_FOUND.exitCode(),
                "nowhere");
    }

    @Test
    void a_configuration_that_is_not_readable_is_refused() throws IOException {
        Files.createDirectories(mount.home());
        Path config = mount.home().resolve("config.toml");
        for (String text : new String[] {"this is [not toml", "log.level = \"loudest\"", "nobody-knows-this = 1"}) {
            Files.writeString(config, text);
            assertRefused(mount.mountCommand().run(), ErrorKind.CONFIG.exitCode(), config.toString());
        }
        Files.write(config, new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
        assertRefused(mount.mountCommand().run(), ErrorKind.CONFIG.exitCode(), config.toString());
        Files.delete(config);
        Files.createDirectory(config);
        assertRefused(mount.mountCommand().run(), ErrorKind.CONFIG.exitCode(), config.toString());
        Files.delete(config);
        mount.mount();
    }

    @Test
    void a_journal_that_lost_its_tail_mounts_with_what_came_before() throws IOException {
        Path journal = journalAfterCrash();
        truncate(journal, usedLength(journal) - 20);
        mount.mount();
        assertThat(mount.dir().resolve("first")).hasContent("first");
        mount.assertClean();
    }

    @Test
    void a_journal_damaged_in_the_middle_is_refused_and_nothing_is_changed() throws IOException {
        Path journal = journalAfterCrash();
        byte[] before = Files.readAllBytes(journal);
        flip(journal, usedLength(journal) / 3);
        assertRefused(mount.mountCommand().run(), ErrorKind.CORRUPT.exitCode(), "journal");
        assertThat(MountTable.isMounted(mount.dir())).isFalse();
        flip(journal, usedLength(journal) / 3);
        assertThat(Files.readAllBytes(journal))
                .as("the damaged journal, repaired by hand")
                .isEqualTo(before);
        mount.mount();
        assertThat(mount.dir().resolve("last")).hasContent("last");
    }

    /** @return the journal of a killed node, with operations in it that no checkpoint has */
    private Path journalAfterCrash() throws IOException {
        mount.mount();
        Files.writeString(mount.dir().resolve("first"), "first");
        Fsync.of(mount.dir().resolve("first"));
        for (int i = 0; i < 50; i++) {
            Files.writeString(mount.dir().resolve("file" + i), "content " + i);
            Fsync.of(mount.dir().resolve("file" + i));
        }
        Files.writeString(mount.dir().resolve("last"), "last");
        Fsync.of(mount.dir().resolve("last"));
        mount.kill9();
        Command.of("umount", "-l", mount.dir()).ok();
        return new NodeHome(mount.home())
                .journals().stream()
                        .max(Comparator.comparingLong(RefusalsTest::usedLength))
                        .orElseThrow();
    }

    /** Without a tail of zeros that was only reserved. */
    private static long usedLength(Path file) {
        try {
            byte[] bytes = Files.readAllBytes(file);
            int end = bytes.length;
            while (end > 0 && bytes[end - 1] == 0) {
                end--;
            }
            return end;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void truncate(Path file, long length) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.setLength(length);
        }
    }

    private static void flip(Path file, long offset) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.seek(offset);
            int old = bytes.read();
            bytes.seek(offset);
            bytes.write(old ^ 0x10);
        }
    }
}
