package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.journal.JournalCopy;
import io.ppiofs.fs.journal.JournalReplica;
import io.ppiofs.fs.journal.JournalRestore;
import io.ppiofs.fs.journal.ReplicaSeal;
import io.ppiofs.fs.testing.InMemoryBlocks;
import io.ppiofs.fs.tree.SipHash;
import io.ppiofs.fs.volume.Capability;
import io.ppiofs.fs.volume.HeadState;
import io.ppiofs.fs.volume.HybridLogicalClock;
import io.ppiofs.fs.volume.Protection;
import io.ppiofs.fs.volume.UnlockedVolume;
import io.ppiofs.fs.volume.VolumeDirectory;
import io.ppiofs.fs.volume.VolumeParameters;
import io.ppiofs.fs.volume.WriterIdentity;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A journal of which copies are kept elsewhere: who waits for them, and what they bring back. */
@Tag("quick")
class CopiedJournalTest {
    private static final Protection OPEN = new Protection.Unprotected();
    private static final byte[] STREAM = "0123456789abcdef".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    private static final CoreOptions BY_HAND =
            CoreOptions.defaults().withIntervals(Duration.ofHours(1), Duration.ofHours(1));

    @TempDir
    Path home;

    private final InMemoryBlocks blocks = new InMemoryBlocks();
    private final Copies copies = new Copies();
    private UnlockedVolume volume;
    private HeadCheckpoints heads;
    private VolumeFileSystem fs;
    private byte[] config;

    /** Confirms at once, when told to, or never. */
    private static final class Copies implements JournalReplica {
        private final List<byte[]> entries = new ArrayList<>();
        private final TreeMap<Long, CompletableFuture<Void>> waiting = new TreeMap<>();
        private CountDownLatch asked = new CountDownLatch(1);
        private boolean prompt = true;
        private PpiofsException failure;
        private long lastLsn;

        @Override
        public synchronized void append(Sealed records) {
            entries.add(records.bytes());
            lastLsn = Math.max(lastLsn, records.lastLsn());
            if (prompt) {
                release();
            }
        }

        @Override
        public synchronized CompletableFuture<Void> confirmed(long lsn) {
            asked.countDown();
            if (failure != null) {
                return CompletableFuture.failedFuture(failure);
            }
            CompletableFuture<Void> answer = waiting.computeIfAbsent(lsn, l -> new CompletableFuture<>());
            if (prompt) {
                release();
            }
            return answer;
        }

        synchronized List<byte[]> entries() {
            return new ArrayList<>(entries);
        }

        /** What was given away is confirmed. */
        synchronized void release() {
            waiting.headMap(lastLsn, true).values().forEach(w -> w.complete(null));
        }
    }

    @BeforeEach
    void begin() {
        volume = VolumeDirectory.create(home.resolve("lost"), VolumeParameters.defaults("v"), OPEN);
        config = VolumeDirectory.of(
                        home.resolve("lost").resolve(volume.config().id().toString()))
                .configEnvelope();
        fs = open(volume);
        heads.copiedIn(STREAM);
        fs.engine().copyTo(copies, seal());
        fs.checkpoint();
    }

    @AfterEach
    void end() {
        copies.failure = null;
        copies.prompt = true;
        fs.close();
    }

    private ReplicaSeal seal() {
        return new ReplicaSeal(
                ((Capability.ReadWrite) volume.capability()).journalCopies().bytes(), STREAM);
    }

    private VolumeFileSystem open(UnlockedVolume v) {
        WriterIdentity writer = v.writer();
        HybridLogicalClock clock = new HybridLogicalClock(InstantSource.system(), 0);
        heads = new HeadCheckpoints(v.heads(), clock, writer.slot());
        return VolumeFileSystem.open(
                new CoreVolume(
                        v.config().name(),
                        blocks,
                        new SipHash(v.keys().nameKey()),
                        new SipHash(v.keys().levelKey()),
                        v.journalDirectory(),
                        v.keys().journalKey(),
                        heads,
                        clock,
                        writer.slot(),
                        new CoreFixture.Space()),
                BY_HAND,
                Map.of());
    }

    private static byte[] bytes(int length, int seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static void put(VolumeFileSystem fs, String name, byte[] content) {
        FileSystemCore.Created c = fs.create(Caller.ROOT, Ino.ROOT, FileName.of(name), 0644, OpenFlags.ofLinux(2));
        try {
            fs.write(c.file(), 0, ByteBuffer.wrap(content));
            fs.fsync(c.file(), false);
        } finally {
            fs.release(c.file());
        }
    }

    private static byte[] content(FileSystemCore fs, String name, int length) {
        OpenFile f = fs.open(Caller.ROOT, fs.lookup(Ino.ROOT, FileName.of(name)).ino(), OpenFlags.ofLinux(0));
        try {
            ByteBuffer out = ByteBuffer.allocate(length + 1);
            int n = fs.read(f, 0, out);
            return java.util.Arrays.copyOf(out.array(), n);
        } finally {
            fs.release(f);
        }
    }

    @Test
    void fsync_waits_for_the_copies_and_those_who_wait_share_them() throws Exception {
        copies.prompt = false;
        copies.asked = new CountDownLatch(8);
        List<Thread> writers = new ArrayList<>();
        List<Throwable> failures = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            String name = "f" + i;
            Thread t = new Thread(() -> put(fs, name, bytes(1000, 1)));
            t.setUncaughtExceptionHandler((thread, failure) -> failures.add(failure));
            t.start();
            writers.add(t);
        }
        assertThat(copies.asked.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(writers).allMatch(Thread::isAlive);
        synchronized (copies) {
            copies.prompt = true;
            copies.release();
        }
        for (Thread t : writers) {
            t.join(60_000);
        }
        assertThat(writers).noneMatch(Thread::isAlive);
        assertThat(failures).isEmpty();
        assertThat(copies.lastLsn)
                .as("every record was given away")
                .isEqualTo(JournalCopy.open(seal(), copies.entries()).lastLsn());
    }

    @Test
    void copies_that_fail_are_EIO_the_data_stays_and_a_later_fsync_succeeds() {
        copies.failure = new PpiofsException(ErrorKind.NOT_CONNECTED, "sync", "journal", "nobody is there");
        assertThatThrownBy(() -> put(fs, "a", bytes(1000, 2)))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.IO))
                .hasMessageContaining("on this disk, but not on peers")
                .hasMessageContaining("nobody is there");
        assertThatThrownBy(() -> fs.syncfs()).hasMessageContaining("not on peers");
        fs.engine().commitJournal(); // what the clocks do does not depend on others
        fs.checkpoint();
        copies.failure = null;
        fs.syncfs();
        assertThat(content(fs, "a", 1000)).isEqualTo(bytes(1000, 2));
    }

    @Test
    void a_lost_home_comes_back_from_head_and_copies() throws IOException {
        put(fs, "small", bytes(2_000, 3));
        put(fs, "large", bytes(3_000_000, 4));
        for (int i = 0; i < 5; i++) {
            put(fs, "journalled" + i, bytes(120_000, 5 + i));
        }
        fs.rename(Caller.ROOT, Ino.ROOT, FileName.of("small"), Ino.ROOT, FileName.of("renamed"), RenameMode.REPLACE);
        fs.syncfs();
        HeadState state = volume.heads().read().state();
        assertThat(HeadCheckpoints.stream(state)).isEqualTo(STREAM);

        UnlockedVolume restored = VolumeDirectory.importVolume(
                home.resolve("found"),
                volume.capability(),
                config,
                volume.heads().read().envelope(),
                OPEN);
        JournalCopy copy = JournalCopy.open(seal(), copies.entries());
        assertThat(copy.continues(state.journalLsn())).isTrue();
        assertThat(copy.dropped()).isZero();
        Path journal = restored.journalDirectory();
        assertThat(JournalRestore.isUntouched(journal)).isTrue();
        // an attempt that a crash ended is thrown away
        JournalRestore.restore(journal, restored.keys().journalKey(), copy, state.journalLsn());
        Files.write(journal.resolve("restoring"), new byte[0]);
        assertThat(JournalRestore.isUntouched(journal)).isTrue();
        assertThat(JournalRestore.restore(journal, restored.keys().journalKey(), copy, state.journalLsn()))
                .isEqualTo(copy.lastLsn() - state.journalLsn());
        assertThat(JournalRestore.isUntouched(journal)).isFalse();

        VolumeFileSystem found = open(restored);
        try {
            assertThat(content(found, "renamed", 2_000)).isEqualTo(bytes(2_000, 3));
            assertThat(content(found, "large", 3_000_000)).isEqualTo(bytes(3_000_000, 4));
            for (int i = 0; i < 5; i++) {
                assertThat(content(found, "journalled" + i, 120_000)).isEqualTo(bytes(120_000, 5 + i));
            }
            put(found, "more", bytes(100, 9));
        } finally {
            found.close();
        }
        assertThat(HeadCheckpoints.stream(restored.heads().read().state()))
                .as("no journal of another run stands behind this head")
                .isNull();
    }

    @Test
    void what_follows_a_missing_torn_or_foreign_entry_is_left_out() {
        for (int i = 0; i < 6; i++) {
            put(fs, "f" + i, bytes(100, i));
        }
        List<byte[]> all = copies.entries();
        JournalCopy whole = JournalCopy.open(seal(), all);
        assertThat(whole.lastLsn()).isEqualTo(copies.lastLsn);

        List<byte[]> gap = new ArrayList<>(all);
        gap.remove(2);
        assertThat(JournalCopy.open(seal(), gap).used()).isEqualTo(2);
        List<byte[]> torn = new ArrayList<>(all);
        byte[] flipped = torn.get(3).clone();
        flipped[flipped.length - 20] ^= 1;
        torn.set(3, flipped);
        assertThat(JournalCopy.open(seal(), torn).used()).isEqualTo(3);
        ReplicaSeal other = new ReplicaSeal(new byte[32], STREAM);
        assertThat(JournalCopy.open(other, all).lastLsn()).isZero();
        JournalCopy rest = JournalCopy.open(seal(), all.subList(3, all.size()));
        assertThat(rest.lastLsn()).isEqualTo(whole.lastLsn());
        assertThat(rest.beginsBehind(0)).isTrue();
        assertThat(rest.continues(rest.firstLsn() - 1)).isTrue();
        assertThat(rest.continues(rest.lastLsn())).isFalse();
    }

    @Test
    void a_record_longer_than_an_entry_is_cut_and_a_cut_one_is_left_out() {
        for (int i = 0; i < 1_500; i++) {
            fs.setxattr(Caller.ROOT, Ino.ROOT, FileName.of("user." + i), bytes(400, i), FileSystemCore.XattrMode.SET);
        }
        fs.syncfs();
        List<byte[]> all = copies.entries();
        assertThat(all).allMatch(e -> e.length <= ReplicaSeal.MAX_ENTRY).anyMatch(e -> e.length > 250_000);
        long last = JournalCopy.open(seal(), all).lastLsn();
        assertThat(last).isEqualTo(copies.lastLsn);
        JournalCopy cut = JournalCopy.open(seal(), all.subList(0, all.size() - 1));
        assertThat(cut.lastLsn()).isLessThan(last);
    }
}
