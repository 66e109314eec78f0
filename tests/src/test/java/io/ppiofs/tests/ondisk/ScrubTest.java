package io.ppiofs.tests.ondisk;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.KernelCaches;
import io.ppiofs.tests.harness.Manifest;
import io.ppiofs.tests.harness.NodeHome;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Scratch;
import io.ppiofs.tests.harness.Tools;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ScrubTest {
    private static final int EXIT_CORRUPT = 65;
    private static final int FILE_BYTES = 6 << 20;

    private Scratch scratch;
    private PpiofsMount mount;
    private Path original;

    @BeforeEach
    void writeOneFile() throws IOException {
        Tools.requireRoot();
        scratch = Scratch.open("scrub");
        original = scratch.directory("original").resolve("photo");
        byte[] bytes = new byte[FILE_BYTES];
        new Random(11).nextBytes(bytes);
        Files.write(original, bytes);
        mount = PpiofsMount.fresh(scratch);
        mount.mount();
        Files.createDirectory(mount.dir().resolve("album"));
        copyBack();
        mount.umount();
    }

    @AfterEach
    void leaveNothingBehind() {
        scratch.close();
    }

    private Path photo() {
        return mount.dir().resolve("album/photo");
    }

    private void copyBack() {
        Command.of("cp", original, photo()).ok();
        Command.of("sync", photo()).ok();
    }

    /** In the middle of the file's blocks, which were the first that were stored. */
    private void flipABit() throws IOException {
        Path segment = new NodeHome(mount.home()).segments().get(0);
        try (RandomAccessFile file = new RandomAccessFile(segment.toFile(), "rw")) {
            file.seek(FILE_BYTES / 2);
            int old = file.read();
            file.seek(FILE_BYTES / 2);
            file.write(old ^ 16);
        }
    }

    @Test
    void a_flipped_bit_is_named_by_its_block_and_fsck_names_the_file() throws IOException {
        assertThat(mount.command().of("scrub", "--rate", "0").ok().out()).contains(" blocks, 6.", "sound");
        flipABit();
        Command.Result scrub = mount.command().of("scrub").run();
        assertThat(scrub.exit()).as("%s", scrub).isEqualTo(EXIT_CORRUPT);
        assertThat(scrub.out()).contains("1 problems");
        assertThat(scrub.err()).contains("ppiofs fsck");
        Matcher cid = Pattern.compile("^block (bafkrei[a-z2-7]+): ", Pattern.MULTILINE)
                .matcher(scrub.out());
        assertThat(cid.find()).as("%s", scrub).isTrue();
        Command.Result fsck = mount.command().of("fsck").run();
        assertThat(fsck.exit()).isEqualTo(EXIT_CORRUPT);
        assertThat(fsck.out()).contains("/album/photo: ").contains(cid.group(1));
    }

    @Test
    void a_scrub_of_a_mounted_volume_lets_a_copy_from_a_backup_mend_the_file() throws IOException {
        flipABit();
        mount.mount();
        Command.Result scrub = mount.command().of("scrub", "--json").run();
        assertThat(scrub.exit()).as("%s", scrub).isEqualTo(EXIT_CORRUPT);
        assertThat(scrub.out()).contains("\"sound\" : false").contains("\"subject\" : \"block bafkrei");
        assertThat(Command.of("cat", photo()).run().exit())
                .as("reading the damaged file")
                .isNotZero();
        copyBack();
        KernelCaches.drop();
        assertThat(Manifest.sha256(photo())).isEqualTo(Manifest.sha256(original));
        mount.remount();
        KernelCaches.drop();
        assertThat(Manifest.sha256(photo())).isEqualTo(Manifest.sha256(original));
        mount.command().of("scrub").ok();
        mount.assertClean();
    }
}
