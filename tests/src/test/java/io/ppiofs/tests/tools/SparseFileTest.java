package io.ppiofs.tests.tools;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Manifest;
import io.ppiofs.tests.harness.OnMount;
import io.ppiofs.tests.harness.Seeds;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SparseFileTest extends OnMount {
    private static final long SIZE = 8L << 30;
    private static final int WRITES = Integer.getInteger("sparse.writes", 800);

    @Test
    void a_sparse_file_of_eight_gibibytes_keeps_random_writes_and_costs_only_what_was_written() throws IOException {
        long seed = Seeds.next("sparse file");
        Path file = directory("sparse").resolve("file");
        Path reference = scratch().path("sparse-reference");
        long written = write(file, seed);
        write(reference, seed);
        assertThat(Files.size(file)).isEqualTo(SIZE);
        assertRangesEqual(file, reference, seed);
        assertThat(allocated(file))
                .as("bytes allocated for %s bytes written", written)
                .isLessThan(written * 3);
        fs().remount();
        assertThat(Files.size(file)).isEqualTo(SIZE);
        assertThat(Manifest.sha256(file))
                .as("SHA-256 after a remount, against the same writes on another file system")
                .isEqualTo(Manifest.sha256(reference));
        Files.delete(file);
        Files.delete(reference);
    }

    private static long write(Path file, long seed) throws IOException {
        Random random = new Random(seed);
        long written = 0;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {1}), SIZE - 1);
            for (int i = 0; i < WRITES; i++) {
                byte[] bytes = new byte[1 + random.nextInt(random.nextBoolean() ? 4096 : 100_000)];
                random.nextBytes(bytes);
                ByteBuffer buffer = ByteBuffer.wrap(bytes);
                long offset = (long) (random.nextDouble() * (SIZE - bytes.length));
                while (buffer.hasRemaining()) {
                    offset += channel.write(buffer, offset);
                }
                written += bytes.length;
            }
        }
        return written;
    }

    /** What was written, and as much around it, without reading eight gibibytes. */
    private static void assertRangesEqual(Path file, Path reference, long seed) throws IOException {
        Random random = new Random(seed);
        try (FileChannel got = FileChannel.open(file);
                FileChannel wanted = FileChannel.open(reference)) {
            for (int i = 0; i < WRITES; i++) {
                int length = 1 + random.nextInt(random.nextBoolean() ? 4096 : 100_000);
                random.nextBytes(new byte[length]);
                long offset = (long) (random.nextDouble() * (SIZE - length));
                long start = Math.max(0, offset - 5000);
                assertThat(read(got, start, length + 10_000))
                        .as("bytes at %s", start)
                        .isEqualTo(read(wanted, start, length + 10_000));
            }
        }
    }

    private static ByteBuffer read(FileChannel channel, long offset, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining() && channel.read(buffer, offset + buffer.position()) >= 0) {
            continue;
        }
        return buffer.flip();
    }

    private static long allocated(Path file) {
        return Long.parseLong(Command.of("stat", "-c", "%b", file).ok().out().strip()) * 512;
    }
}
