package io.ppiofs.fs.journal;

import static io.ppiofs.fs.journal.JournalFixture.append;
import static io.ppiofs.fs.journal.JournalFixture.commit;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class JournalTest {
    @TempDir
    private Path temp;

    private JournalFixture fixture;

    @BeforeEach
    void fixture() {
        fixture = new JournalFixture(temp.resolve("journal"));
    }

    @Test
    void anEmptyJournalReplaysNothingAndLeavesNoFile() throws Exception {
        try (Journal journal = fixture.open(0)) {
            assertThat(journal.replayReport()).isEqualTo(new ReplayReport(0, 0, 0, 0));
            assertThat(journal.lastLsn()).isZero();
            assertThat(journal.durableLsn()).isZero();
            assertThat(journal.bytes()).isZero();
            journal.commit(0);
        }
        assertThat(fixture.files()).isEmpty();
    }

    @Test
    void whatWasCommittedIsReplayedInOrderOverManyRuns() throws Exception {
        List<String> expected = new ArrayList<>();
        for (int run = 0; run < 5; run++) {
            try (Journal journal = fixture.open(0)) {
                assertThat(fixture.replayed).isEqualTo(expected);
                assertThat(fixture.lsns)
                        .isEqualTo(IntStream.rangeClosed(1, expected.size())
                                .mapToObj(Long::valueOf)
                                .toList());
                for (int i = 0; i < 20; i++) {
                    String record = "run " + run + " record " + i;
                    assertThat(append(journal, record)).isEqualTo(expected.size() + 1);
                    expected.add(record);
                    if (i % 7 == 0) {
                        journal.commit(journal.lastLsn());
                        assertThat(journal.durableLsn()).isEqualTo(journal.lastLsn());
                    }
                }
            }
        }
        assertThat(fixture.files()).hasSize(5);
    }

    @Test
    void recordsUpToTheCheckpointAreNotReplayed() {
        try (Journal journal = fixture.open(0)) {
            IntStream.rangeClosed(1, 10).forEach(i -> append(journal, "r" + i));
        }
        try (Journal journal = fixture.open(7)) {
            assertThat(fixture.replayed).containsExactly("r8", "r9", "r10");
            assertThat(journal.replayReport()).isEqualTo(new ReplayReport(3, 10, 0, 0));
        }
    }

    @Test
    void appendedButNotCommittedMayBeLostAndIsThenWrittenOverCleanly() {
        Journal journal = fixture.open(0);
        commit(journal, "a");
        append(journal, "lost");
        journal.abandon();
        try (Journal again = fixture.open(0)) {
            assertThat(fixture.replayed).containsExactly("a");
            assertThat(commit(again, "b")).isEqualTo(2);
        }
        fixture.open(0).close();
        assertThat(fixture.replayed).containsExactly("a", "b");
    }

    @Test
    void aRecordMayBeGatheredEmptyAndLarge() {
        byte[] large = new byte[Journal.MAX_RECORD_BYTES];
        Arrays.fill(large, (byte) 'x');
        try (Journal journal = fixture.open(0)) {
            journal.append();
            journal.append(
                    ByteBuffer.wrap("ab".getBytes(StandardCharsets.UTF_8)),
                    ByteBuffer.allocateDirect(3).put(new byte[] {'c', 'd', 'e'}).flip());
            journal.append(large, 0, large.length);
            journal.append("-tail-".getBytes(StandardCharsets.UTF_8), 1, 4);
            assertThatThrownBy(() -> journal.append(ByteBuffer.wrap(large), ByteBuffer.allocate(1)))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> journal.append(large, 1, large.length))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
        fixture.open(0).close();
        assertThat(fixture.replayed.get(0)).isEmpty();
        assertThat(fixture.replayed.get(1)).isEqualTo("abcde");
        assertThat(fixture.replayed.get(2)).hasSize(Journal.MAX_RECORD_BYTES);
        assertThat(fixture.replayed.get(3)).isEqualTo("tail");
    }

    @Test
    void aNewDirectoryIsMadeDurableInItsParent() {
        FaultyDisk disk = new FaultyDisk();
        disk.fail(FaultyDisk.Call.SYNC_DIRECTORY, 1, "Input/output error");
        assertThatThrownBy(() -> fixture.open(0, disk))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.IO));
    }

    @Test
    void aHundredSmallRecordsCostOneWriteAndOneSync() {
        FaultyDisk disk = new FaultyDisk();
        try (Journal journal = fixture.open(0, disk)) {
            commit(journal, "opens the file");
            long writes = disk.writes.get();
            long forces = disk.forces.get();
            for (int i = 0; i < 100; i++) {
                append(journal, "small " + i);
            }
            journal.commit(journal.lastLsn());
            assertThat(disk.writes.get() - writes).isEqualTo(1);
            assertThat(disk.forces.get() - forces).isEqualTo(1);
            journal.commit(journal.lastLsn());
            assertThat(disk.forces.get() - forces).isEqualTo(1);
        }
    }

    @Test
    void concurrentCommitsShareFlushesAndKeepTheOrder() throws Exception {
        FaultyDisk disk = new FaultyDisk();
        int threads = 8;
        int each = 100;
        List<Throwable> failures = new CopyOnWriteArrayList<>();
        String[] byLsn = new String[threads * each + 1];
        try (Journal journal = fixture.open(0, disk)) {
            List<Thread> all = new ArrayList<>();
            CountDownLatch start = new CountDownLatch(1);
            for (int t = 0; t < threads; t++) {
                int id = t;
                Thread thread = new Thread(() -> {
                    await().until(() -> start.getCount() == 0);
                    for (int i = 0; i < each; i++) {
                        String record = "thread " + id + " record " + i;
                        long lsn = append(journal, record);
                        byLsn[(int) lsn] = record;
                        journal.commit(lsn);
                        assertThat(journal.durableLsn()).isGreaterThanOrEqualTo(lsn);
                    }
                });
                thread.setUncaughtExceptionHandler((x, e) -> failures.add(e));
                thread.start();
                all.add(thread);
            }
            start.countDown();
            for (Thread thread : all) {
                thread.join();
            }
            assertThat(failures).isEmpty();
            assertThat(disk.forces.get()).isLessThan(threads * each);
            journal.abandon();
        }
        fixture.open(0).close();
        assertThat(fixture.replayed).containsExactly(Arrays.copyOfRange(byLsn, 1, byLsn.length));
    }

    @Test
    void theBarrierRunsAfterTheRecordsWereTakenAndBeforeTheyAreWritten() {
        AtomicLong written = new AtomicLong(-1);
        FaultyDisk disk = new FaultyDisk();
        Barrier barrier = () -> written.set(disk.writes.get());
        try (Journal journal = fixture.open(0, disk, barrier, JournalOptions.defaults())) {
            commit(journal, "a");
            assertThat(written.get()).isZero();
            assertThat(disk.writes.get()).isEqualTo(2); // header, frame
            commit(journal, "b");
            assertThat(written.get()).isEqualTo(2);
        }
    }

    @Test
    void aFailingBarrierFailsTheCommitAndWritesNothing() {
        AtomicInteger failing = new AtomicInteger(1);
        FaultyDisk disk = new FaultyDisk();
        Barrier barrier = () -> {
            if (failing.getAndDecrement() > 0) {
                throw new PpiofsException(ErrorKind.NO_SPACE, "sync", "blocks", "full");
            }
        };
        try (Journal journal = fixture.open(0, disk, barrier, JournalOptions.defaults())) {
            long lsn = append(journal, "a");
            assertThatThrownBy(() -> journal.commit(lsn))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NO_SPACE))
                    .hasMessage("sync blocks: full");
            assertThat(disk.writes.get()).isZero();
            assertThat(journal.durableLsn()).isZero();
            journal.commit(lsn);
            assertThat(journal.durableLsn()).isEqualTo(lsn);
        }
        fixture.open(0).close();
        assertThat(fixture.replayed).containsExactly("a");
    }

    @Test
    void anAppenderWaitsWhileTooMuchIsBuffered() throws Exception {
        CountDownLatch inBarrier = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        Barrier barrier = () -> {
            inBarrier.countDown();
            com.google.common.util.concurrent.Uninterruptibles.awaitUninterruptibly(release);
        };
        try (Journal journal = fixture.open(0, JournalDisk.real(), barrier, new JournalOptions(1000))) {
            journal.append(new byte[900], 0, 900);
            Thread appender = new Thread(() -> journal.append(new byte[900], 0, 900));
            appender.start();
            inBarrier.await();
            await().until(() -> appender.getState() == Thread.State.WAITING);
            assertThat(journal.lastLsn()).isEqualTo(1);
            assertThat(journal.bytes()).isLessThan(1000);
            release.countDown();
            appender.join();
            assertThat(journal.lastLsn()).isEqualTo(2);
        }
    }

    @Test
    void anInterruptedCommitterNeitherFailsNorLosesItsInterrupt() {
        try (Journal journal = fixture.open(0)) {
            Thread.currentThread().interrupt();
            commit(journal, "a");
            assertThat(Thread.interrupted()).isTrue();
            Thread.currentThread().interrupt();
            journal.roll();
            journal.trim(journal.lastLsn());
            assertThat(Thread.interrupted()).isTrue();
            assertThat(journal.bytes()).isZero();
        }
    }

    @Test
    void rollAndTrimDeleteWhatTheCheckpointCovers() throws Exception {
        try (Journal journal = fixture.open(0)) {
            commit(journal, "a1");
            append(journal, "a2"); // still buffered: belongs before the roll
            assertThat(journal.roll()).isEqualTo(2);
            assertThat(journal.roll()).isEqualTo(2);
            append(journal, "b1");
            journal.commit(3);
            assertThat(fixture.files()).hasSize(2);
            journal.trim(1);
            assertThat(fixture.files()).hasSize(2);
            long before = journal.bytes();
            journal.trim(2);
            assertThat(fixture.files()).hasSize(1);
            assertThat(journal.bytes()).isLessThan(before).isEqualTo(Files.size(fixture.onlyFile()));
            journal.trim(3); // the file that takes new records stays
            assertThat(fixture.files()).hasSize(1);
            assertThat(journal.roll()).isEqualTo(3);
            journal.trim(3);
            assertThat(fixture.files()).isEmpty();
            assertThat(journal.bytes()).isZero();
            commit(journal, "c1");
        }
        fixture.open(3).close();
        assertThat(fixture.replayed).containsExactly("c1");
    }

    @Test
    void oneFlushMayFillTwoFiles() throws Exception {
        try (Journal journal = fixture.open(0)) {
            append(journal, "a");
            journal.roll();
            append(journal, "b");
            journal.roll();
            append(journal, "c");
            journal.commit(3);
            assertThat(fixture.files()).hasSize(3);
            journal.trim(2);
            assertThat(fixture.files()).hasSize(1);
        }
        fixture.open(2).close();
        assertThat(fixture.replayed).containsExactly("c");
    }

    @Test
    void aFileWithUnwrittenRecordsOfItsGenerationIsNotTrimmed() throws Exception {
        try (Journal journal = fixture.open(0)) {
            commit(journal, "a1");
            append(journal, "a2");
            journal.roll();
            journal.trim(1);
            assertThat(fixture.files()).hasSize(1);
        }
        fixture.open(0).close();
        assertThat(fixture.replayed).containsExactly("a1", "a2");
    }

    @Test
    void aJournalThatIsOlderThanTheCheckpointIsReplaced() throws Exception {
        try (Journal journal = fixture.open(0)) {
            commit(journal, "old");
        }
        try (Journal journal = fixture.open(100)) {
            assertThat(fixture.replayed).isEmpty();
            assertThat(fixture.files()).isEmpty();
            assertThat(commit(journal, "new")).isEqualTo(101);
        }
        fixture.open(100).close();
        assertThat(fixture.replayed).containsExactly("new");
    }

    @Test
    void aClosedJournalRefusesAndClosesTwice() {
        Journal journal = fixture.open(0);
        commit(journal, "a");
        journal.close();
        journal.close();
        journal.abandon();
        journal.commit(1);
        assertThatThrownBy(() -> append(journal, "b")).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> journal.trim(1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(journal::roll).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void refusesACommitOfWhatWasNeverAppended() {
        try (Journal journal = fixture.open(0)) {
            assertThatThrownBy(() -> journal.commit(1)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void noPlaintextIsInTheFile() throws Exception {
        try (Journal journal = fixture.open(0)) {
            commit(journal, "a very secret file name");
        }
        String file = new String(Files.readAllBytes(fixture.onlyFile()), StandardCharsets.ISO_8859_1);
        assertThat(file).doesNotContain("secret");
    }
}
