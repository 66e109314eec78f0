package io.ppiofs.tests.ondisk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A search that finds nothing must be one that would. */
@Tag("quick")
class PlaintextSearchTest {
    @TempDir
    private Path folder;

    private final byte[] secret = new byte[10_000];
    private final byte[] haystack = new byte[300_000];

    PlaintextSearchTest() {
        new Random(1).nextBytes(secret);
        new Random(2).nextBytes(haystack);
    }

    private boolean found(int window, byte[] bytes) throws IOException {
        Path file = folder.resolve("file");
        Files.write(file, bytes);
        return new PlaintextSearch(window, List.of(secret)).findIn(file).isPresent();
    }

    @Test
    void it_finds_exactly_one_window_wherever_it_lies() throws IOException {
        assertThat(found(32, haystack)).isFalse();
        for (int at : new int[] {0, 1, 65_520, 131_071, haystack.length - 32}) {
            byte[] copy = haystack.clone();
            System.arraycopy(secret, 4711, copy, at, 32);
            assertThat(found(32, copy)).as("at %s", at).isTrue();
            copy[at + 31] ^= 1;
            assertThat(found(32, copy)).as("one byte less at %s", at).isFalse();
        }
    }

    @Test
    void it_takes_no_run_of_zeros_for_a_secret() throws IOException {
        Path file = folder.resolve("zeros");
        Files.write(file, new byte[1000]);
        PlaintextSearch search = new PlaintextSearch(32, List.of(new byte[500]));
        assertThat(search.windows()).isZero();
        assertThat(search.findIn(file)).isEmpty();
    }

    @Test
    void it_finds_names() throws IOException {
        Path file = folder.resolve("log");
        Files.writeString(file, "something about my-secret-file-name.txt went wrong");
        byte[] name = "my-secret-file-name.txt".getBytes(StandardCharsets.UTF_8);
        assertThat(new PlaintextSearch(12, List.of(name)).findIn(file)).isPresent();
        assertThat(new PlaintextSearch(12, List.of(Arrays.copyOf(name, 11))).findIn(file))
                .isEmpty();
    }
}
