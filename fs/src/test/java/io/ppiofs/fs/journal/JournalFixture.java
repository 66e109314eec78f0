package io.ppiofs.fs.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** A journal directory and what comes out of it. */
final class JournalFixture {
    static final byte[] KEY = "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    final Path dir;
    final List<String> replayed = new ArrayList<>();
    final List<Long> lsns = new ArrayList<>();

    JournalFixture(Path dir) {
        this.dir = dir;
    }

    Journal open(long fromLsn) {
        return open(fromLsn, JournalDisk.real());
    }

    Journal open(long fromLsn, JournalDisk disk) {
        return open(fromLsn, disk, () -> {}, JournalOptions.defaults());
    }

    Journal open(long fromLsn, JournalDisk disk, Barrier barrier, JournalOptions options) {
        replayed.clear();
        lsns.clear();
        return Journal.open(
                dir,
                KEY,
                fromLsn,
                barrier,
                (lsn, payload) -> {
                    byte[] bytes = new byte[payload.remaining()];
                    payload.get(bytes);
                    replayed.add(new String(bytes, StandardCharsets.UTF_8));
                    lsns.add(lsn);
                },
                options,
                disk);
    }

    static long append(Journal journal, String record) {
        return journal.append(ByteBuffer.wrap(record.getBytes(StandardCharsets.UTF_8)));
    }

    static long commit(Journal journal, String record) {
        long lsn = append(journal, record);
        journal.commit(lsn);
        return lsn;
    }

    List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(dir)) {
            return all.sorted().toList();
        }
    }

    Path onlyFile() throws IOException {
        List<Path> files = files();
        assertThat(files).hasSize(1);
        return files.get(0);
    }

    /** Offsets of the frames of a file, and its end. */
    static List<Integer> frames(byte[] file) {
        List<Integer> offsets = new ArrayList<>();
        int at = JournalFormat.FILE_HEADER_BYTES;
        offsets.add(at);
        while (at < file.length) {
            JournalFormat.FrameHeader header = JournalFormat.FrameHeader.parse(file, at);
            if (header == null) {
                throw new AssertionError("no frame at " + at);
            }
            at += header.frameBytes();
            offsets.add(at);
        }
        return offsets;
    }

    static byte[] without(byte[] file, int from, int to) {
        byte[] out = Arrays.copyOf(file, file.length - (to - from));
        System.arraycopy(file, to, out, from, file.length - to);
        return out;
    }
}
