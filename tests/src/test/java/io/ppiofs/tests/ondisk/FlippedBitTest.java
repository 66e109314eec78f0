package io.ppiofs.tests.ondisk;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.KernelCaches;
import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.Manifest;
import io.ppiofs.tests.harness.NodeHome;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Scratch;
import io.ppiofs.tests.harness.Seeds;
import io.ppiofs.tests.harness.Tools;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FlippedBitTest {
    private static final int EXIT_CORRUPT = 65;
    private static final int ROUNDS = Integer.getInteger("flip.rounds", 4);
    private static final int FLIPS = 6;

    private Scratch scratch;
    private PpiofsMount mount;
    private Map<String, String> digests;

    @BeforeEach
    void fillAVolume() throws IOException {
        Tools.requireRoot();
        scratch = Scratch.open("flip");
        mount = PpiofsMount.fresh(scratch);
        mount.mount();
        Random random = new Random(5);
        for (int i = 0; i < 60; i++) {
            byte[] bytes = new byte[i < 4 ? 6_000_000 : 4_000 + random.nextInt(200_000)];
            random.nextBytes(bytes);
            Path folder = Files.createDirectories(mount.dir().resolve("folder" + i % 5));
            Files.write(folder.resolve("file" + i), bytes);
        }
        digests = Manifest.of(mount.dir(), Manifest.Scope.WITH_TIMES).digests();
        mount.umount();
    }

    @AfterEach
    void leaveNothingBehind() {
        scratch.close();
    }

    /** A bit of a file, flipped. */
    private record Flip(Path file, long offset, int bit) {
        void toggle() throws IOException {
            try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
                bytes.seek(offset);
                int old = bytes.read();
                bytes.seek(offset);
                bytes.write(old ^ 1 << bit);
            }
        }
    }

    @Test
    void one_flipped_bit_in_each_of_many_places_is_an_error_and_never_data() throws IOException {
        // everywhere at once: each block of the big files is hit
        Random random = new Random(Seeds.next("flipped bits, many"));
        List<Flip> flips = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            flips.add(somewhere(random));
        }
        TreeSet<String> broken = readDamaged(flips);
        assertThat(broken).as("files that cannot be read").isNotEmpty();
    }

    @Test
    void a_flipped_bit_in_a_segment_is_EIO_on_read_and_fsck_names_the_path() throws IOException {
        Random random = new Random(Seeds.next("flipped bits"));
        int seen = 0;
        for (int round = 0; round < ROUNDS; round++) {
            List<Flip> flips = new ArrayList<>();
            for (int i = 0; i < FLIPS; i++) {
                flips.add(somewhere(random));
            }
            seen += readDamaged(flips).size();
        }
        assertThat(seen).as("reads that the flips made fail").isPositive();
        mount.mount();
        assertUnchanged();
        mount.assertClean();
    }

    private Flip somewhere(Random random) {
        List<Path> segments = new NodeHome(mount.home()).segments();
        Path segment = segments.get(random.nextInt(segments.size()));
        long length = segment.toFile().length();
        return new Flip(segment, (long) (random.nextDouble() * length), random.nextInt(8));
    }

    /** Flips, looks, and flips back. @return the files that could not be read */
    private TreeSet<String> readDamaged(List<Flip> flips) throws IOException {
        for (Flip flip : flips) {
            flip.toggle();
        }
        KernelCaches.drop();
        try {
            Command.Result mounting = mount.mountCommand().run();
            if (mounting.exit() != 0) {
                // the damage hit what every file needs: then the sentence says so
                io.ppiofs.tests.harness.PpiofsCommand.assertRefused(mounting, EXIT_CORRUPT);
                return new TreeSet<>(digests.keySet());
            }
            TreeSet<String> broken = readAll();
            assertFsckNames(broken);
            mount.umount();
            return broken;
        } finally {
            mount.close();
            for (Flip flip : flips) {
                flip.toggle();
            }
        }
    }

    private TreeSet<String> readAll() throws IOException {
        TreeSet<String> broken = new TreeSet<>();
        for (Map.Entry<String, String> expected : digests.entrySet()) {
            Path file = mount.dir().resolve(expected.getKey());
            try {
                assertThat(Manifest.sha256(file))
                        .as("bytes of %s: right, or an error", expected.getKey())
                        .isEqualTo(expected.getValue());
            } catch (FileSystemException e) {
                assertThat(e).hasMessageContaining("Input/output error");
                broken.add(expected.getKey());
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("Input/output error");
                broken.add(expected.getKey());
            }
        }
        return broken;
    }

    private void assertFsckNames(TreeSet<String> broken) {
        Command.Result fsck =
                mount.command().of("fsck").within(Duration.ofMinutes(5)).run();
        if (!broken.isEmpty()) {
            assertThat(fsck.exit()).as("fsck of a damaged volume: %s", fsck).isEqualTo(EXIT_CORRUPT);
        }
        // a damaged node of the namespace holds the names themselves: fsck then names the node and cannot name paths
        boolean namesLost = fsck.out().contains("namespace node");
        for (String path : namesLost ? new TreeSet<String>() : broken) {
            assertThat(fsck.out()).as("fsck names what cannot be read").contains(path);
        }
        Log.say(broken.size() + " files damaged, fsck exit code " + fsck.exit());
    }

    private void assertUnchanged() throws IOException {
        assertThat(Manifest.of(mount.dir(), Manifest.Scope.WITH_TIMES).digests())
                .as("with all bits flipped back")
                .isEqualTo(digests);
        try (Stream<Path> files = Files.list(mount.dir())) {
            assertThat(files.count()).isEqualTo(5);
        }
    }
}
