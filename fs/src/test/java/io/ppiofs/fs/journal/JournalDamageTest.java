package io.ppiofs.fs.journal;

import static io.ppiofs.fs.journal.JournalFixture.append;
import static io.ppiofs.fs.journal.JournalFixture.commit;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
@Tag("long")
class JournalDamageTest {
    @TempDir
    private Path temp;

    private JournalFixture fixture;
    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    @BeforeEach
    void fixture() {
        fixture = new JournalFixture(temp.resolve("journal"));
    }

    /** One file with a frame for each record. */
    private Path written(String... records) throws IOException {
        try (Journal journal = fixture.open(0)) {
            for (String record : records) {
                commit(journal, record);
            }
        }
        return fixture.onlyFile();
    }

    @Tag("long")
    @Test
    void cutAtAnyByteOfTheLastFileAPrefixIsReplayedAndTheJournalGoesOn() throws Exception {
        Path path = written("one", "two", "three");
        byte[] whole = Files.readAllBytes(path);
        List<Integer> frames = JournalFixture.frames(whole);
        List<String> records = List.of("one", "two", "three");
        for (int length = 0; length < whole.length; length++) {
            Files.write(path, Arrays.copyOf(whole, length));
            int intact = 0;
            while (intact < 3 && frames.get(intact + 1) <= length) {
                intact++;
            }
            try (Journal journal = fixture.open(0)) {
                assertThat(fixture.replayed).as("cut at %d", length).isEqualTo(records.subList(0, intact));
                boolean clean = frames.contains(length);
                assertThat(journal.replayReport().tornTails())
                        .as("cut at %d", length)
                        .isEqualTo(clean ? 0 : 1);
                assertThat(commit(journal, "next")).isEqualTo(intact + 1);
            }
            fixture.open(0).close();
            assertThat(fixture.replayed).hasSize(intact + 1).endsWith("next");
            clear();
        }
    }

    @Test
    void garbageOrZerosBehindTheEndAreCutOff() throws Exception {
        System.out.println("seed " + seed);
        Path path = written("one", "two");
        byte[] whole = Files.readAllBytes(path);
        for (int i = 0; i < 20; i++) {
            byte[] tail = new byte[random.nextInt(5000)];
            if (i % 2 == 0) {
                random.nextBytes(tail);
            }
            byte[] longer = Arrays.copyOf(whole, whole.length + tail.length);
            System.arraycopy(tail, 0, longer, whole.length, tail.length);
            Files.write(path, longer);
            try (Journal journal = fixture.open(0)) {
                assertThat(fixture.replayed).as("seed %d", seed).containsExactly("one", "two");
                assertThat(journal.replayReport().tornBytes()).isEqualTo(tail.length);
            }
            assertThat(Files.size(path)).isEqualTo(whole.length);
        }
    }

    @Test
    void anyFlippedBitIsFoundAndOnlyAFlipInTheLastFrameCountsAsUnfinished() throws Exception {
        Path path = written("one", "two", "three");
        byte[] whole = Files.readAllBytes(path);
        int lastFrame = JournalFixture.frames(whole).get(2);
        for (int at = 0; at < whole.length; at++) {
            byte[] damaged = whole.clone();
            damaged[at] ^= (byte) (1 << (at % 8));
            Files.write(path, damaged);
            if (at >= lastFrame) {
                fixture.open(0).close();
                assertThat(fixture.replayed).as("flip at %d", at).containsExactly("one", "two");
            } else {
                assertCorrupt("flip at " + at);
                assertThat(Files.readAllBytes(path)).isEqualTo(damaged);
            }
        }
    }

    @Test
    void aFrameThatIsDroppedSwappedOrRepeatedIsFound() throws Exception {
        Path path = written("aaa", "bbb", "ccc", "ddd");
        byte[] whole = Files.readAllBytes(path);
        List<Integer> f = JournalFixture.frames(whole);
        for (int i = 0; i < 3; i++) {
            Files.write(path, JournalFixture.without(whole, f.get(i), f.get(i + 1)));
            assertCorrupt("frame " + i + " dropped");
        }
        int size = f.get(1) - f.get(0);
        byte[] swapped = whole.clone();
        System.arraycopy(whole, f.get(1), swapped, f.get(2), size);
        System.arraycopy(whole, f.get(2), swapped, f.get(1), size);
        Files.write(path, swapped);
        assertCorrupt("frames swapped");
        byte[] repeated = whole.clone();
        System.arraycopy(whole, f.get(0), repeated, f.get(1), size);
        Files.write(path, repeated);
        assertCorrupt("frame repeated");
    }

    @Test
    void aFrameOfAnotherFileDoesNotFit() throws Exception {
        Path path = written("aaa", "bbb");
        byte[] mine = Files.readAllBytes(path);
        clear();
        byte[] other = Files.readAllBytes(written("xxx", "yyy"));
        List<Integer> f = JournalFixture.frames(mine);
        System.arraycopy(other, f.get(0), mine, f.get(0), f.get(1) - f.get(0));
        Files.write(path, mine);
        assertCorrupt("foreign frame");
    }

    @Test
    void aMissingFileIsNamed() throws Exception {
        for (int run = 0; run < 3; run++) {
            try (Journal journal = fixture.open(0)) {
                append(journal, "run " + run + " a");
                append(journal, "run " + run + " b");
            }
        }
        List<Path> files = fixture.files();
        byte[] second = Files.readAllBytes(files.get(1));
        Files.delete(files.get(1));
        assertCorrupt("middle file missing");
        Files.write(files.get(1), second);
        byte[] first = Files.readAllBytes(files.get(0));
        Files.delete(files.get(0));
        assertCorrupt("first file missing");
        fixture.open(2).close(); // but a checkpoint may cover it
        assertThat(fixture.replayed).hasSize(4);
        Files.write(files.get(0), Arrays.copyOf(first, first.length - 1));
        assertCorrupt("first file shorter");
        fixture.open(2).close();
    }

    @Test
    void aRenamedFileIsFound() throws Exception {
        Path path = written("aaa");
        Files.move(path, path.resolveSibling(JournalFormat.fileName(7)));
        assertThatThrownBy(() -> fixture.open(6))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
    }

    @Test
    void twoFilesOfDifferentHistoriesDoNotJoin() throws Exception {
        written("aaa");
        try (Journal journal = fixture.open(0)) {
            commit(journal, "bbb");
        }
        byte[] second = Files.readAllBytes(fixture.files().get(1));
        clear();
        written("zzz");
        Files.write(fixture.dir.resolve(JournalFormat.fileName(2)), second);
        assertCorrupt("other history");
    }

    @Test
    void anotherKeyIsToldFromDamage() throws Exception {
        Path path = written("aaa");
        byte[] key = JournalFixture.KEY.clone();
        key[0] ^= 1;
        assertThatThrownBy(() ->
                        Journal.open(fixture.dir, key, 0, () -> {}, (lsn, payload) -> {}, JournalOptions.defaults()))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.WRONG_KEY))
                .hasMessageContaining(path.toString())
                .hasMessageContaining("check that this journal belongs to this volume");
    }

    @Test
    void aNewerFormatIsNotDamage() throws Exception {
        Path path = written("aaa");
        byte[] bytes = Files.readAllBytes(path);
        bytes[9] = 2;
        int crcAt = JournalFormat.FILE_HEADER_BYTES - JournalFormat.CRC_BYTES;
        java.nio.ByteBuffer.wrap(bytes).putInt(crcAt, JournalFormat.crc(bytes, 0, crcAt));
        Files.write(path, bytes);
        assertThatThrownBy(() -> fixture.open(0))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNSUPPORTED_FORMAT));
    }

    @Test
    void anEnormousLengthTakesNoMemory() throws Exception {
        Path path = written("aaa");
        byte[] bytes = Files.readAllBytes(path);
        int at = JournalFormat.FILE_HEADER_BYTES;
        java.nio.ByteBuffer.wrap(bytes).putInt(at + 4, Integer.MAX_VALUE);
        java.nio.ByteBuffer.wrap(bytes)
                .putInt(
                        at + JournalFormat.FRAME_HEADER_AAD,
                        JournalFormat.crc(bytes, at, JournalFormat.FRAME_HEADER_AAD));
        assertThat(JournalFormat.FrameHeader.parse(bytes, at)).isNull();
        Files.write(path, bytes);
        fixture.open(0).close();
        assertThat(fixture.replayed).isEmpty();
    }

    @Test
    void otherFilesInTheDirectoryAreLeftAlone() throws Exception {
        Path path = written("aaa");
        Path note = path.resolveSibling("note.txt");
        Files.writeString(note, "mine");
        fixture.open(0).close();
        assertThat(fixture.replayed).containsExactly("aaa");
        assertThat(note).hasContent("mine");
    }

    /** Writes and forces are cut at random points of a random run; what was committed must survive, in order. */
    @Tag("long")
    @Test
    void afterAFaultInAnyCallNothingCommittedIsLost() throws Exception {
        Files.createDirectories(fixture.dir);
        for (int failCall = 1; failCall <= 40; failCall++) {
            for (String reason : List.of("Input/output error", "No space left on device")) {
                FaultyDisk disk = new FaultyDisk();
                disk.failCall = failCall;
                Journal journal = fixture.open(0, disk);
                Map<Long, String> committed = new TreeMap<>();
                Map<Long, String> appended = new TreeMap<>();
                disk.fail(FaultyDisk.Call.WRITE, 0, reason);
                int failed = 0;
                for (int i = 0; i < 12; i++) {
                    String record = "record " + i;
                    appended.put(append(journal, record), record);
                    if (i % 5 == 4) {
                        journal.roll();
                    }
                    try {
                        journal.commit(journal.lastLsn());
                        committed.putAll(appended);
                    } catch (PpiofsException e) {
                        failed++;
                        assertThat(e.kind()).isEqualTo(reason.startsWith("No") ? ErrorKind.NO_SPACE : ErrorKind.IO);
                    }
                }
                assertThat(failed).isLessThanOrEqualTo(1);
                journal.abandon();
                fixture.open(0).close();
                List<String> survived = List.copyOf(fixture.replayed);
                assertThat(survived)
                        .as("call %d: %s", failCall, reason)
                        .startsWith(committed.values().toArray(String[]::new))
                        .isEqualTo(List.copyOf(appended.values()).subList(0, survived.size()));
                fixture.open(0).close();
                assertThat(fixture.replayed)
                        .as("call %d: %s, again", failCall, reason)
                        .isEqualTo(survived);
                clear();
            }
        }
    }

    @Test
    void aFullDiskFailsTheCommitAndLeavesTheFileAsItWas() throws Exception {
        FaultyDisk disk = new FaultyDisk();
        try (Journal journal = fixture.open(0, disk)) {
            commit(journal, "a");
            long size = Files.size(fixture.onlyFile());
            disk.fail(FaultyDisk.Call.WRITE, 2, "No space left on device");
            long lsn = append(journal, "b");
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> journal.commit(lsn))
                        .isInstanceOfSatisfying(
                                PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NO_SPACE))
                        .hasMessageContaining("free some space");
                assertThat(Files.size(fixture.onlyFile())).isEqualTo(size);
            }
            journal.commit(lsn);
        }
        fixture.open(0).close();
        assertThat(fixture.replayed).containsExactly("a", "b");
    }

    @Test
    void anAppenderThatFindsTheBufferFullHearsWhy() {
        FaultyDisk disk = new FaultyDisk();
        Journal journal = fixture.open(0, disk, () -> {}, new JournalOptions(100));
        disk.fail(FaultyDisk.Call.WRITE, 1000, "No space left on device");
        journal.append(new byte[90], 0, 90);
        assertThatThrownBy(() -> journal.append(new byte[90], 0, 90))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NO_SPACE));
        assertThat(journal.lastLsn()).isEqualTo(1);
        disk.fail(FaultyDisk.Call.WRITE, 0, "");
        journal.append(new byte[90], 0, 90);
        journal.close();
        fixture.open(0).close();
        assertThat(fixture.replayed).hasSize(2);
    }

    @Test
    void afterAFailedSyncTheRecordsAreWrittenAgainIntoANewFile() throws Exception {
        FaultyDisk disk = new FaultyDisk();
        try (Journal journal = fixture.open(0, disk)) {
            commit(journal, "a");
            disk.fail(FaultyDisk.Call.FORCE, 1, "Input/output error");
            long lsn = append(journal, "b");
            assertThatThrownBy(() -> journal.commit(lsn)).isInstanceOf(PpiofsException.class);
            assertThat(journal.durableLsn()).isEqualTo(1);
            commit(journal, "c");
            assertThat(fixture.files()).hasSize(2);
            commit(journal, "d");
        }
        // the abandoned file's second frame may be anything now
        Path abandoned = fixture.files().get(0);
        byte[] bytes = Files.readAllBytes(abandoned);
        bytes[bytes.length - 1] ^= 1;
        Files.write(abandoned, bytes);
        fixture.open(0).close();
        assertThat(fixture.replayed).containsExactly("a", "b", "c", "d");
    }

    @Test
    void whatWasAbandonedDoesNotComeBackWhenTheFileBehindItGoes() throws Exception {
        FaultyDisk disk = new FaultyDisk();
        Journal journal = fixture.open(0, disk);
        commit(journal, "a");
        disk.fail(FaultyDisk.Call.FORCE, 1, "Input/output error");
        long lsn = append(journal, "b");
        assertThatThrownBy(() -> journal.commit(lsn)).isInstanceOf(PpiofsException.class);
        journal.commit(lsn);
        journal.abandon();
        Path second = fixture.files().get(1);
        Files.write(second, Arrays.copyOf(Files.readAllBytes(second), JournalFormat.FILE_HEADER_BYTES + 10));
        fixture.open(0).abandon();
        assertThat(fixture.replayed).containsExactly("a");
        fixture.open(0).abandon();
        assertThat(fixture.replayed).containsExactly("a");
    }

    private void assertCorrupt(String what) {
        assertThatThrownBy(() -> fixture.open(0).abandon())
                .as(what)
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind()).as(what).isEqualTo(ErrorKind.CORRUPT))
                .hasMessageContaining(fixture.dir.toString())
                .hasMessageContaining("offset")
                .hasMessageContaining("restore the file from a backup");
    }

    private void clear() throws IOException {
        for (Path file : fixture.files()) {
            Files.delete(file);
        }
    }
}
