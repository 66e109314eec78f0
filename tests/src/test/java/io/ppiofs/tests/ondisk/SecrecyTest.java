package io.ppiofs.tests.ondisk;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Fsync;
import io.ppiofs.tests.harness.NodeHome;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Scratch;
import io.ppiofs.tests.harness.Tools;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SecrecyTest {
    private static final int NAME_WINDOW = 10;
    private static final int CONTENT_WINDOW = 32;

    private final Random random = new Random(20261120);
    private final List<byte[]> names = new ArrayList<>();
    private final List<byte[]> contents = new ArrayList<>();
    private Scratch scratch;
    private PpiofsMount mount;

    @BeforeEach
    void mountFresh() {
        Tools.requireRoot();
        scratch = Scratch.open("secrecy");
        mount = PpiofsMount.fresh(scratch);
        mount.mount();
    }

    @AfterEach
    void leaveNothingBehind() {
        scratch.close();
    }

    @Test
    void neither_a_name_nor_thirty_two_bytes_of_content_are_found_in_the_home() throws IOException {
        fill();
        assertNothingReadable("while it is mounted");
        Fsync.tree(mount.dir());
        assertNothingReadable("after a sync");
        mount.kill9();
        assertNothingReadable("after kill -9");
        mount.mount();
        mount.umount();
        assertNothingReadable("after an unmount");
    }

    private void fill() throws IOException {
        Path folder = mount.dir();
        for (int depth = 0; depth < 3; depth++) {
            folder = Files.createDirectory(folder.resolve(name("folder")));
            for (int i = 0; i < 20; i++) {
                Path file = folder.resolve(name("file"));
                Files.write(file, content(depth, i));
                byte[] value = text(200);
                contents.add(value);
                Files.setAttribute(file, "user:" + name("attribute"), java.nio.ByteBuffer.wrap(value));
            }
            Files.createSymbolicLink(folder.resolve(name("link")), Path.of(name("target")));
            // names that errors and logs might mention
            Path gone = folder.resolve(name("gone"));
            Files.write(gone, text(5000));
            Files.move(gone, folder.resolve(name("moved")));
        }
    }

    private byte[] content(int depth, int i) {
        int[] sizes = {40, 300, 2_900, 5_000, 70_000, 300_000};
        int size = depth == 0 && i == 0 ? 1_500_000 : sizes[i % sizes.length];
        byte[] bytes = i % 2 == 0 ? text(size) : new byte[size];
        if (i % 2 == 1) {
            random.nextBytes(bytes);
        }
        contents.add(bytes);
        return bytes;
    }

    /** Compressible, but different everywhere. */
    private byte[] text(int size) {
        StringBuilder text = new StringBuilder();
        while (text.length() < size) {
            text.append("the line with the number ")
                    .append(random.nextInt(1_000_000_000))
                    .append(" says nothing\n");
        }
        return text.substring(0, size).getBytes(StandardCharsets.US_ASCII);
    }

    private String name(String kind) {
        StringBuilder name = new StringBuilder();
        for (int i = 0; i < 24; i++) {
            name.append((char) ('a' + random.nextInt(26)));
        }
        names.add(name.toString().getBytes(StandardCharsets.US_ASCII));
        return kind + "-" + name;
    }

    private void assertNothingReadable(String when) throws IOException {
        PlaintextSearch forNames = new PlaintextSearch(NAME_WINDOW, names);
        PlaintextSearch forContents = new PlaintextSearch(CONTENT_WINDOW, contents);
        assertThat(forNames.windows()).isGreaterThan(1000);
        assertThat(forContents.windows()).isGreaterThan(1_000_000);
        List<Path> files = new NodeHome(mount.home()).files();
        assertThat(files).isNotEmpty();
        for (Path file : files) {
            assertThat(forNames.findIn(file)).as("a name %s", when).isEmpty();
            assertThat(forContents.findIn(file)).as("content %s", when).isEmpty();
        }
    }

    @Test
    void a_second_copy_of_a_file_adds_less_than_two_per_cent_of_its_size() throws IOException {
        byte[] bytes = new byte[64 << 20];
        random.nextBytes(bytes);
        Path original = mount.dir().resolve("original");
        Files.write(original, bytes);
        mount.remount();
        long before = new NodeHome(mount.home()).allocatedBytes();
        Command.of(
                        "cp",
                        "--reflink=never",
                        "--sparse=never",
                        original,
                        mount.dir().resolve("copy"))
                .ok();
        mount.umount();
        long added = new NodeHome(mount.home()).allocatedBytes() - before;
        assertThat(added).as("bytes added by a copy of %s", bytes.length).isLessThan(bytes.length / 50);
        mount.mount();
        assertThat(Files.mismatch(original, mount.dir().resolve("copy"))).isEqualTo(-1);
    }
}
