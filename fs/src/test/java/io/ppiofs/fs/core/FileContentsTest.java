package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore.AllocateMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileContentsTest {
    @TempDir
    Path directory;

    private CoreFixture core;

    @BeforeEach
    void open() {
        core = new CoreFixture(directory);
    }

    @AfterEach
    void close() {
        core.fs.close();
    }

    private static byte[] random(long seed, int n) {
        byte[] b = new byte[n];
        new Random(seed).nextBytes(b);
        return b;
    }

    @Test
    void aSmallFileSurvivesACleanRemount() {
        OpenFile f = core.create("a");
        core.write(f, 0, random(1, 1000));
        core.fs.release(f);
        core.reopen();
        assertThat(core.readAll("a")).isEqualTo(random(1, 1000));
        assertThat(core.blocks.writes()).as("one tree node, no data block").isLessThan(4);
    }

    @Test
    void aLargeFileSurvivesACleanRemount() {
        OpenFile f = core.create("a");
        byte[] bytes = random(2, 5 << 20);
        for (int at = 0; at < bytes.length; at += 131072) {
            core.write(f, at, Arrays.copyOfRange(bytes, at, at + 131072));
        }
        assertThat(core.read(f, 0, bytes.length)).isEqualTo(bytes);
        core.fs.release(f);
        core.reopen();
        assertThat(core.readAll("a")).isEqualTo(bytes);
    }

    /** The end of the last block-sized window is beyond the largest number. */
    @Test
    @Timeout(60)
    void theLastByteThatAFileCanHaveIsFlushedPunchedCopiedAndCutOff() {
        long last = Long.MAX_VALUE - 1;
        OpenFile f = core.create("a");
        core.write(f, 0, random(1, 5000));
        core.write(f, last - 99, random(2, 100));
        OpenFile to = core.create("b");
        assertThat(core.fs.copyRange(f, 0, to, last - 4999, 5000)).isEqualTo(5000);
        core.fs.release(f);
        core.fs.release(to);
        core.reopen();
        OpenFile again = core.open("a");
        assertThat(core.lookup("a").size()).isEqualTo(Long.MAX_VALUE);
        assertThat(core.read(again, last - 99, 200)).isEqualTo(random(2, 100));
        assertThat(core.read(core.open("b"), last - 4999, 5000)).isEqualTo(random(1, 5000));

        core.fs.fallocate(again, AllocateMode.PUNCH_HOLE, last - 49, 50);
        core.fs.fsync(again, false);
        byte[] punched = Arrays.copyOf(Arrays.copyOf(random(2, 100), 50), 100);
        assertThat(core.read(again, last - 99, 100)).isEqualTo(punched);

        core.fs.setattr(Caller.ROOT, again.ino(), new SetAttr(null, null, null, 5000L, null, null));
        core.fs.release(again);
        core.reopen();
        assertThat(core.readAll("a")).isEqualTo(random(1, 5000));
    }

    @Test
    void whatIsOverwrittenTakesItsRoomOnce() {
        OpenFile f = core.create("a");
        core.write(f, 0, random(1, 1 << 18));
        core.fs.release(f);
        core.reopen();
        OpenFile again = core.open("a");
        core.write(again, 0, random(2, 1 << 18));
        assertThat(core.lookup("a").blocks()).isEqualTo((1 << 18) / 512);
    }

    @Test
    void whatIsReadBackToBecomeOneBlockTakesItsRoomOnce() {
        OpenFile f = core.create("a");
        core.write(f, 0, random(1, 1 << 18));
        core.fs.setattr(Caller.ROOT, f.ino(), new SetAttr(null, null, null, 5L << 20, null, null));
        assertThat(core.fs.seek(f, 0, FileSystemCore.Seek.HOLE)).isEqualTo(1 << 18);
        for (int i = 0; i < 30; i++) {
            core.write(f, i * 8000L, random(i, 4000));
        }
        for (int i = 0; i < 3; i++) {
            assertThat(core.fs.seek(f, 0, FileSystemCore.Seek.HOLE)).isEqualTo(1 << 18);
            assertThat(core.lookup("a").blocks()).isEqualTo((1 << 18) / 512);
        }
    }

    @Test
    void whatWasFsyncedSurvivesAPowerCut() {
        OpenFile f = core.create("a");
        core.write(f, 0, random(3, 10_000));
        core.fs.fsync(f, false);
        core.powerCut();
        assertThat(core.readAll("a")).isEqualTo(random(3, 10_000));
        core.powerCut();
        assertThat(core.readAll("a")).isEqualTo(random(3, 10_000));
    }

    @Test
    void fsyncOfLittleDirtWritesNoBlock() {
        OpenFile f = core.create("a");
        core.write(f, 0, random(4, 100_000));
        core.fs.fsync(f, false);
        long before = core.blocks.writes();
        for (int i = 0; i < 20; i++) {
            core.write(f, i * 4096L, random(i, 4096));
            core.fs.fsync(f, false);
        }
        assertThat(core.blocks.writes()).isEqualTo(before);
        core.powerCut();
        byte[] all = core.readAll("a");
        for (int i = 0; i < 20; i++) {
            assertThat(Arrays.copyOfRange(all, i * 4096, (i + 1) * 4096)).isEqualTo(random(i, 4096));
        }
    }

    @Test
    void aTruncatedRewriteNeverLeavesZeros() {
        OpenFile f = core.create("a");
        core.write(f, 0, random(5, 50_000));
        core.fs.fsync(f, false);
        core.fs.setattr(Caller.ROOT, f.ino(), new SetAttr(null, null, null, 0L, null, null));
        core.write(f, 0, random(6, 60_000));
        OpenFile other = core.create("b");
        core.fs.fsync(other, false);
        core.powerCut();
        byte[] left = core.readAll("a");
        assertThat(Arrays.equals(left, random(5, 50_000)) || Arrays.equals(left, random(6, 60_000)))
                .isTrue();
    }

    /** What the clock flushes between the truncation of a rewrite and its first byte would be durable without that byte. */
    @Test
    void aTruncationWaitsForWhatIsWrittenNext() {
        OpenFile f = core.create("a");
        core.write(f, 0, random(5, 50_000));
        core.fs.syncfs();
        core.fs.setattr(Caller.ROOT, f.ino(), new SetAttr(null, null, null, 0L, null, null));
        FileContents contents = core.fs.engine().contents();
        assertThat(contents.flushAllButRewritten()).isTrue();
        assertThat(contents.flushNext()).as("under pressure").isFalse();
        core.write(f, 0, random(6, 60_000));
        core.fs.fsync(core.create("b"), false);
        core.powerCut();
        assertThat(core.readAll("a")).isEqualTo(random(5, 50_000));
    }

    @Test
    void whatTheClockFlushedWaitsNoMore() {
        OpenFile f = core.create("a");
        core.write(f, 0, random(5, 50_000));
        core.fs.setattr(Caller.ROOT, f.ino(), new SetAttr(null, null, null, 0L, null, null));
        core.fs.fsync(f, false);
        core.write(core.create("b"), 0, random(6, 50_000));
        FileContents contents = core.fs.engine().contents();
        assertThat(contents.flushAllButRewritten()).as("a is as on disk").isFalse();
        assertThat(contents.anythingDirty()).isFalse();
    }

    @Test
    void aTruncationAloneIsDurableWhenItsFileOrAllIsSynced() {
        for (boolean all : new boolean[] {false, true}) {
            OpenFile f = core.create("a" + all);
            core.write(f, 0, random(5, 50_000));
            core.fs.syncfs();
            core.fs.setattr(Caller.ROOT, f.ino(), new SetAttr(null, null, null, 0L, null, null));
            if (all) {
                core.fs.syncfs();
            } else {
                core.fs.fsync(f, false);
            }
            core.powerCut();
            assertThat(core.readAll("a" + all)).isEmpty();
        }
    }

    @Test
    void aRenameOverMakesTheNewDataDurableWithTheName() {
        OpenFile old = core.create("a");
        core.write(old, 0, random(7, 9000));
        core.fs.fsync(old, false);
        OpenFile fresh = core.create("a.new");
        core.write(fresh, 0, random(8, 9000));
        core.fs.rename(Caller.ROOT, Ino.ROOT, FileName.of("a.new"), Ino.ROOT, FileName.of("a"), RenameMode.REPLACE);
        OpenFile other = core.create("b");
        core.fs.fsync(other, false);
        core.powerCut();
        assertThat(core.readAll("a")).isEqualTo(random(8, 9000));
    }

    @Test
    void aHoleReadsAsZerosAndHoldsNoBlocks() {
        OpenFile f = core.create("a");
        core.write(f, 100L << 20, random(9, 10));
        core.fs.fsync(f, false);
        core.fs.syncfs();
        assertThat(core.read(f, 5000, 100_000)).containsOnly(0).hasSize(100_000);
        assertThat(core.fs.getattr(f.ino()).blocks()).isLessThan(100);
        assertThat(core.fs.seek(f, 0, FileSystemCore.Seek.DATA)).isEqualTo(100L << 20);
        assertThat(core.fs.seek(f, 0, FileSystemCore.Seek.HOLE)).isZero();
    }

    @Test
    void aFullDiskIsAnAnswerAndNothingIsLost() {
        OpenFile f = core.create("a");
        core.write(f, 0, random(10, 100_000));
        core.fs.fsync(f, false);
        long room = core.space.available.getAndSet(1000);
        assertThatThrownBy(() -> core.write(f, 100_000, random(11, 50_000)))
                .isInstanceOf(PpiofsException.class)
                .hasMessageContaining("NO_SPACE");
        assertThat(core.readAll("a")).isEqualTo(random(10, 100_000));
        core.space.available.addAndGet(room - 1000);
        core.write(f, 100_000, random(11, 50_000));
        assertThat(core.fs.getattr(f.ino()).size()).isEqualTo(150_000);
    }

    @Test
    void aRewriteWithTheSameBytesKeepsThem() {
        OpenFile f = core.create("a");
        byte[] bytes = random(20, 10_000);
        core.write(f, 0, bytes);
        core.fs.syncfs();
        core.fs.setattr(Caller.ROOT, f.ino(), new SetAttr(null, null, null, 0L, null, null));
        core.write(f, 0, bytes);
        core.fs.syncfs();
        assertThat(Arrays.mismatch(core.readAll("a"), bytes)).isEqualTo(-1);
        core.fs.setattr(Caller.ROOT, f.ino(), new SetAttr(null, null, null, 5000L, null, null));
        core.write(f, 5000, Arrays.copyOfRange(bytes, 5000, 10_000));
        core.fs.fsync(f, false);
        core.powerCut();
        assertThat(Arrays.mismatch(core.readAll("a"), bytes)).isEqualTo(-1);
    }

    @Test
    void contentThatCouldNotBeStoredAndIsRemovedLeavesNoReservation() {
        long room = core.space.available.get();
        OpenFile f = core.create("a");
        core.write(f, 0, random(21, 3 << 20));
        core.blocks.failWrites(new PpiofsException(ErrorKind.NO_SPACE, "write", "block", "the disk is full"));
        core.write(f, 0, random(22, 3 << 20));
        assertThatThrownBy(() -> core.fs.fsync(f, false)).hasMessageContaining("full");
        core.fs.setattr(Caller.ROOT, f.ino(), new SetAttr(null, null, null, 0L, null, null));
        core.blocks.failWrites(null);
        core.fs.syncfs();
        core.fs.checkpoint();
        assertThat(core.fs.stats().dirtyBytes()).isZero();
        assertThat(core.space.available.get()).isEqualTo(room);
    }

    @Test
    void aFailedChangeReservesNothing() {
        core.fs.release(core.create("a"));
        long room = core.space.available.get();
        for (int i = 0; i < 100; i++) {
            assertThatThrownBy(() -> core.create("a")).isInstanceOf(PpiofsException.class);
        }
        assertThat(core.space.available.get()).isEqualTo(room);
    }

    @Test
    void aTimeSetExplicitlyAfterAnFsyncSurvivesACrash() {
        OpenFile f = core.create("a");
        core.write(f, 0, random(23, 10_000));
        core.fs.syncfs();
        core.write(f, 0, random(24, 100));
        core.fs.fsync(f, false);
        Timestamp then = new Timestamp(1_000_000, 5);
        core.fs.setattr(Caller.ROOT, f.ino(), new SetAttr(null, null, null, null, then, then));
        core.fs.fsyncdir(core.fs.opendir(Ino.ROOT));
        core.powerCut();
        core.fs.syncfs();
        assertThat(core.lookup("a").mtime()).isEqualTo(then);
        assertThat(core.lookup("a").atime()).isEqualTo(then);
    }

    /** Each read moves it, and yet no clock brings it to disk; the next checkpoint at the end does. */
    @Test
    void readingUnderStrictatimeAloneMakesNoCheckpoint() throws InterruptedException {
        CoreFixture clocked = new CoreFixture(
                directory.resolve("clocked"),
                CoreOptions.defaults().withIntervals(Duration.ofMillis(50), Duration.ofMillis(100)));
        clocked.fs.release(clocked.create("a"));
        clocked.fs.checkpoint();
        long before = clocked.fs.stats().checkpoints();
        Timestamp created = clocked.lookup("a").atime();
        OpenFile f = clocked.fs.open(
                Caller.ROOT, clocked.lookup("a").ino(), OpenFlags.ofLinux(0).by(AccessTimes.ALWAYS));
        // the clock looks five times a second: one that had anything to do would have done it
        for (int i = 0; i < 10; i++) {
            clocked.read(f, 0, 1);
            Thread.sleep(100);
        }
        clocked.fs.release(f);
        assertThat(clocked.fs.stats().checkpoints()).isEqualTo(before);
        Timestamp last = clocked.lookup("a").atime();
        assertThat(last).isGreaterThan(created);
        clocked.reopen();
        assertThat(clocked.lookup("a").atime()).isEqualTo(last);
        clocked.fs.close();
    }

    @Test
    @Timeout(60)
    void aReaderNeverSeesAHoleWhereAFlushIsUnderWay() throws Exception {
        OpenFile f = core.create("a");
        byte[] ones = new byte[1 << 20];
        Arrays.fill(ones, (byte) 1);
        core.write(f, 0, ones);
        core.fs.syncfs();
        AtomicBoolean stop = new AtomicBoolean();
        AtomicInteger flushes = new AtomicInteger();
        Thread writer = new Thread(() -> {
            Random random = new Random(25);
            while (!stop.get()) {
                core.write(f, random.nextInt(ones.length - 9000), Arrays.copyOf(ones, 1 + random.nextInt(8000)));
                core.fs.syncfs();
                flushes.incrementAndGet();
            }
        });
        writer.start();
        try {
            while (flushes.get() < 2000) {
                byte[] got = core.read(f, 0, ones.length);
                assertThat(Arrays.mismatch(got, ones)).isEqualTo(-1);
            }
        } finally {
            stop.set(true);
            writer.join();
        }
    }

    @Test
    void aCopySharesWhatIsStoredAndEachGoesItsOwnWay() {
        byte[] bytes = random(30, 3_000_000);
        OpenFile a = core.create("a");
        core.write(a, 0, bytes);
        core.fs.syncfs();
        OpenFile b = core.create("b");
        long before = core.blocks.writes();
        assertThat(core.fs.copyRange(a, 0, b, 0, Long.MAX_VALUE / 2)).isEqualTo(bytes.length);
        assertThat(core.blocks.writes()).as("blocks of data").isEqualTo(before);
        core.write(a, 1000, random(31, 50_000));
        core.fs.setattr(Caller.ROOT, a.ino(), new SetAttr(null, null, null, 2_000_000L, null, null));
        core.fs.fsync(b, false);
        core.fs.syncfs();
        core.powerCut();
        assertThat(Arrays.mismatch(core.readAll("b"), bytes)).isEqualTo(-1);
        core.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of("a"));
        core.reopen();
        assertThat(Arrays.mismatch(core.readAll("b"), bytes)).isEqualTo(-1);
    }

    @Test
    void aCopyAtAnOddPlaceBringsItsHoles() {
        byte[] bytes = random(32, 200_000);
        OpenFile a = core.create("a");
        core.write(a, 1_500_000, bytes);
        core.fs.setattr(Caller.ROOT, a.ino(), new SetAttr(null, null, null, 3_000_000L, null, null));
        OpenFile b = core.create("b");
        byte[] ones = new byte[3_500_000];
        Arrays.fill(ones, (byte) 1);
        core.write(b, 0, ones);
        assertThat(core.fs.copyRange(a, 0, b, 12_345, 3_000_000)).isEqualTo(3_000_000);
        byte[] expected = ones.clone();
        Arrays.fill(expected, 12_345, 3_012_345, (byte) 0);
        System.arraycopy(bytes, 0, expected, 1_512_345, bytes.length);
        assertThat(Arrays.mismatch(core.read(b, 0, 4_000_000), expected)).isEqualTo(-1);
        core.fs.release(a);
        core.fs.release(b);
        core.reopen();
        assertThat(Arrays.mismatch(core.readAll("b"), expected)).isEqualTo(-1);
    }

    /** Marks visit files, memtables and tree in this order, and a copy takes a ref the other way. */
    @Test
    void aMarkNamesWhatWasCopiedWhileItWentOn() {
        byte[] bytes = random(33, 2_000_000);
        OpenFile a = core.create("a");
        OpenFile b = core.create("b");
        core.write(a, 0, bytes);
        core.fs.checkpoint();
        java.util.Set<io.ppiofs.blockstore.BlockRef> needed = new java.util.HashSet<>();
        core.fs.contentBlocks(a.ino());
        core.fs.engine().mark(needed::add);
        java.util.Set<io.ppiofs.blockstore.BlockRef> marked = new java.util.HashSet<>();
        core.fs.engine().quiesced(() -> {});
        boolean[] copied = {false};
        core.fs.engine().mark(ref -> {
            marked.add(ref);
            if (!copied[0]) {
                copied[0] = true;
                core.fs.copyRange(a, 0, b, 0, bytes.length);
                core.fs.setattr(Caller.ROOT, a.ino(), new SetAttr(null, null, null, 0L, null, null));
                core.fs.syncfs();
                core.fs.checkpoint();
            }
        });
        core.fs.engine().quiesced(() -> {});
        java.util.Set<io.ppiofs.blockstore.BlockRef> after = new java.util.HashSet<>();
        core.fs.engine().mark(after::add);
        after.retainAll(needed);
        assertThat(marked).as("old blocks that the copy needs").containsAll(after);
        assertThat(Arrays.mismatch(core.readAll("b"), bytes)).isEqualTo(-1);
    }

    @Test
    void writingTakesFileCapabilitiesAway() {
        FileName capability = FileName.of("security.capability");
        OpenFile f = core.create("a");
        for (int round = 0; round < 2; round++) {
            core.fs.setxattr(Caller.ROOT, f.ino(), capability, new byte[20], FileSystemCore.XattrMode.SET);
            assertThat(core.fs.listxattr(f.ino())).contains(capability);
            core.write(f, 0, new byte[] {1});
            assertThat(core.fs.listxattr(f.ino())).doesNotContain(capability);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void randomOperationsMatchAnArray(long seed) {
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        int max = seed % 3 == 0 ? 9000 : seed % 3 == 1 ? 300_000 : 3 << 20;
        byte[] model = new byte[max + 1];
        int size = 0;
        OpenFile f = core.create("a");
        java.util.ArrayDeque<String> trail = new java.util.ArrayDeque<>();
        for (int step = 0; step < 600; step++) {
            int what = random.nextInt(100);
            trail.addLast(step + ":" + what + "(" + size + ")");
            if (trail.size() > 15) {
                trail.removeFirst();
            }
            int offset = random.nextInt(max);
            int n = 1 + random.nextInt(random.nextInt(4) == 0 ? Math.min(max, 400_000) : Math.min(max, 6000));
            n = Math.min(n, max - offset);
            if (what < 45 && n > 0) {
                byte[] bytes = random(random.nextLong(), n);
                core.write(f, offset, bytes);
                System.arraycopy(bytes, 0, model, offset, n);
                size = Math.max(size, offset + n);
            } else if (what < 60) {
                byte[] got = core.read(f, offset, n);
                int want = Math.max(0, Math.min(n, size - offset));
                assertThat(Arrays.mismatch(got, Arrays.copyOfRange(model, offset, offset + want)))
                        .as(trail + " first difference behind " + offset)
                        .isEqualTo(-1);
            } else if (what < 68) {
                core.fs.setattr(Caller.ROOT, f.ino(), new SetAttr(null, null, null, (long) offset, null, null));
                if (offset < size) {
                    Arrays.fill(model, offset, size, (byte) 0);
                }
                size = offset;
            } else if (what < 74 && n > 0) {
                core.fs.fallocate(f, AllocateMode.PUNCH_HOLE, offset, n);
                Arrays.fill(model, offset, Math.min(max, offset + n), (byte) 0);
            } else if (what < 78 && n > 0) {
                core.fs.fallocate(f, AllocateMode.ZERO_RANGE, offset, n);
                Arrays.fill(model, offset, offset + n, (byte) 0);
                size = Math.max(size, offset + n);
            } else if (what < 84) {
                core.fs.fsync(f, false);
            } else if (what < 88) {
                core.fs.syncfs();
            } else if (what < 91) {
                core.fs.checkpoint();
            } else if (what < 94) {
                core.fs.fsync(f, false);
                core.powerCut();
                f = core.open("a");
            } else if (what < 96) {
                core.fs.release(f);
                core.reopen();
                f = core.open("a");
            } else {
                int to = random.nextInt(max);
                int m = Math.min(Math.min(random.nextInt(max), Math.abs(to - offset)), max - Math.max(to, offset));
                int copied = Math.max(0, Math.min(m, size - offset));
                assertThat(core.fs.copyRange(f, offset, f, to, m))
                        .as(trail.toString())
                        .isEqualTo(copied);
                System.arraycopy(model, offset, model, to, copied);
                size = copied == 0 ? size : Math.max(size, to + copied);
            }
            assertThat(core.fs.getattr(f.ino()).size()).as(trail.toString()).isEqualTo(size);
        }
        assertThat(Arrays.mismatch(core.read(f, 0, max), Arrays.copyOf(model, size)))
                .isEqualTo(-1);
    }
}
