package io.ppiofs.fs.journal;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.error.PpiofsException;
import java.io.BufferedReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
@Tag("long")
class JournalCrashTest {
    @TempDir
    private Path temp;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    /** The n-th record of every run has a content that follows from n and the run that wrote it. */
    private static byte[] record(long lsn, int run) {
        byte[] bytes = new byte[16 + (int) (lsn * 37 % 1500)];
        ByteBuffer.wrap(bytes).putLong(lsn).putLong(run);
        return bytes;
    }

    @Test
    void afterAPowerCutAtAnyCallEveryCommittedRecordIsThere() throws Exception {
        System.out.println("seed " + seed);
        for (int round = 0; round < 150; round++) {
            Path dir = Files.createDirectories(temp.resolve("round" + round));
            Model model = new Model();
            for (int run = 0; run < 6; run++) {
                PowerCutDisk disk = new PowerCutDisk(dir, 1 + random.nextInt(60));
                runUntilThePowerGoes(dir, disk, model, run, "seed " + seed + " round " + round + " run " + run);
                disk.cutInto(dir, random);
            }
        }
    }

    /** What the journal owes: the runs that wrote the records, up to which they are committed, the checkpoint. */
    private static final class Model {
        private final List<Integer> writers = new ArrayList<>();
        private int committed;
        private int checkpoint;

        void append(long lsn, int run) {
            while (writers.size() >= lsn) {
                writers.remove(writers.size() - 1);
            }
            writers.add(run);
        }
    }

    private void runUntilThePowerGoes(Path dir, PowerCutDisk disk, Model model, int run, String what) {
        long[] last = {model.checkpoint};
        Journal journal;
        try {
            journal = Journal.open(
                    dir,
                    JournalFixture.KEY,
                    model.checkpoint,
                    () -> {},
                    (lsn, payload) -> {
                        assertThat(lsn).as(what).isEqualTo(++last[0]);
                        byte[] bytes = new byte[payload.remaining()];
                        payload.get(bytes);
                        int writer = model.writers.get((int) lsn - 1);
                        assertThat(bytes).as(what).isEqualTo(record(lsn, writer));
                    },
                    new JournalOptions(20_000),
                    disk);
        } catch (PpiofsException e) {
            assertThat(e).as(what).hasMessageContaining("power is gone");
            return;
        }
        assertThat(journal.lastLsn()).as(what).isEqualTo(last[0]).isGreaterThanOrEqualTo(model.committed);
        model.committed = (int) last[0];
        try {
            while (true) {
                step(journal, model, run);
            }
        } catch (PpiofsException e) {
            assertThat(e).as(what).hasMessageContaining("power is gone");
        } finally {
            journal.abandon();
        }
    }

    private void step(Journal journal, Model model, int run) {
        long next = journal.lastLsn() + 1;
        model.append(next, run);
        byte[] record = record(next, run);
        assertThat(journal.append(record, 0, record.length)).isEqualTo(next);
        int dice = random.nextInt(10);
        if (dice < 5) {
            journal.commit(next);
            model.committed = (int) next;
        } else if (dice == 5) {
            journal.roll();
        } else if (dice == 6) {
            long rolled = journal.roll();
            journal.commit(rolled);
            model.committed = (int) rolled;
            model.checkpoint = (int) rolled;
            journal.trim(rolled);
        }
    }

    @Tag("long")
    @Test
    void afterKillMinusNineEveryRecordReportedDurableIsThere() throws Exception {
        System.out.println("seed " + seed);
        Path dir = temp.resolve("killed");
        long last = 0;
        for (int run = 0; run < 5; run++) {
            long reported = killOneWriter(dir, last);
            long[] seen = {0};
            Journal.open(
                            dir,
                            JournalFixture.KEY,
                            0,
                            () -> {},
                            (lsn, payload) -> {
                                assertThat(lsn).isEqualTo(++seen[0]);
                                byte[] bytes = new byte[payload.remaining()];
                                payload.get(bytes);
                                assertThat(bytes).isEqualTo(record(lsn, 0));
                            },
                            JournalOptions.defaults())
                    .abandon();
            assertThat(seen[0]).as("seed %d", seed).isGreaterThanOrEqualTo(reported);
            assertThat(reported).isGreaterThan(last);
            last = seen[0];
        }
    }

    /** Returns the last lsn that the process said to be durable before it was killed. */
    private long killOneWriter(Path dir, long from) throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Writer.class.getName(),
                        dir.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader out = process.inputReader(StandardCharsets.US_ASCII)) {
            long reported = from;
            long target = 1 + random.nextInt(400);
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                // the last line may be cut short
                reported = line.isEmpty() ? reported : Math.max(reported, Long.parseLong(line));
                if (reported >= from + target) {
                    process.toHandle().destroyForcibly(); // unlike Process, it leaves the pipe to be read out
                }
            }
            return reported;
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    /** Appends and commits from three threads until it is killed, and says what is durable. */
    static final class Writer {
        private Writer() {}

        public static void main(String[] args) {
            Journal journal = Journal.open(
                    Path.of(args[0]), JournalFixture.KEY, 0, () -> {}, (lsn, payload) -> {}, JournalOptions.defaults());
            Object order = new Object();
            for (int t = 0; t < 3; t++) {
                new Thread(() -> {
                            while (true) {
                                long lsn;
                                synchronized (order) {
                                    lsn = journal.lastLsn() + 1;
                                    byte[] record = record(lsn, 0);
                                    journal.append(record, 0, record.length);
                                    if (lsn % 50 == 0) {
                                        journal.roll();
                                    }
                                }
                                journal.commit(lsn);
                                System.out.println(journal.durableLsn());
                            }
                        })
                        .start();
            }
        }
    }
}
