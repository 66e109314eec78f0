package io.ppiofs.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.cbor.MalformedException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ClockTest {
    private final AtomicLong wallMillis = new AtomicLong(Fixed.NOW.toEpochMilli());
    private final HybridLogicalClock clock = new HybridLogicalClock(() -> Instant.ofEpochMilli(wallMillis.get()), 0);

    @Test
    void followsTheWallClockAndCountsWithinAMillisecond() {
        assertThat(clock.next()).isEqualTo(Fixed.HLC);
        assertThat(clock.next()).isEqualTo(Fixed.HLC + 1);
        wallMillis.incrementAndGet();
        assertThat(clock.next()).isEqualTo(Fixed.HLC + (1 << 16));
        assertThat(HybridLogicalClock.instantOf(clock.last())).isEqualTo(Fixed.NOW.plusMillis(1));
    }

    @Test
    void keepsRisingWhenTheWallClockStepsBack() {
        long before = clock.next();
        wallMillis.addAndGet(-Duration.ofDays(365).toMillis());
        long after = clock.next();
        assertThat(after).isEqualTo(before + 1);
        wallMillis.set(-5);
        assertThat(clock.next()).isEqualTo(before + 2);
    }

    @Test
    void keepsRisingAcrossRestartsByTheHeadsClock() {
        long last = clock.next();
        wallMillis.addAndGet(-1000);
        HybridLogicalClock restarted = new HybridLogicalClock(() -> Instant.ofEpochMilli(wallMillis.get()), last);
        assertThat(restarted.next()).isGreaterThan(last);
        restarted.observe(last + 1_000_000);
        assertThat(restarted.next()).isEqualTo(last + 1_000_001);
        restarted.observe(5);
        assertThat(restarted.next()).isEqualTo(last + 1_000_002);
    }

    @Test
    void moreThanTheCounterHoldsBorrowsFromTheNextMillisecond() {
        long first = clock.next();
        long last = first;
        for (int i = 0; i < 70_000; i++) {
            last = clock.next();
        }
        assertThat(last).isEqualTo(first + 70_000);
    }

    @Test
    void noTwoThreadsGetTheSameTimeAndEachSeesItRise() throws Exception {
        int threads = 4;
        int each = 50_000;
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            List<Callable<long[]>> tasks = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int id = t;
                tasks.add(() -> {
                    Random random = new Random(id);
                    long[] times = new long[each];
                    for (int i = 0; i < each; i++) {
                        wallMillis.addAndGet(random.nextInt(7) - 3); // back and forth
                        times[i] = clock.next();
                    }
                    return times;
                });
            }
            long[] all = new long[threads * each];
            int at = 0;
            for (Future<long[]> f : pool.invokeAll(tasks)) {
                long[] times = f.get();
                for (int i = 1; i < each; i++) {
                    assertThat(times[i] > times[i - 1]).isTrue();
                }
                System.arraycopy(times, 0, all, at, each);
                at += each;
            }
            assertThat(Arrays.stream(all).distinct().count()).isEqualTo(all.length);
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void aHeadFromMoreThanFiveMinutesAheadIsQuarantined() {
        long limit = Fixed.NOW.plus(HybridLogicalClock.MAX_AHEAD).toEpochMilli() << 16;
        assertThat(clock.isQuarantined(limit)).isFalse();
        assertThat(clock.isQuarantined(limit + (1 << 16))).isTrue();
        Head ahead = Fixed.head(1, Fixed.state(limit + (1 << 16)));
        assertThat(HeadStore.isQuarantined(ahead, clock)).isTrue();
        assertThat(HeadStore.isQuarantined(Fixed.head(1, Fixed.state(limit)), clock))
                .isFalse();
    }

    @Test
    void dotsSortLikeTheirBytes() {
        long seed = new Random().nextLong();
        System.out.println("ClockTest seed " + seed);
        Random random = new Random(seed);
        List<Dot> dots = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            dots.add(new Dot(random.nextLong() >>> 1 >>> random.nextInt(60), random.nextInt(1 << 20)));
        }
        for (int i = 1; i < dots.size(); i++) {
            Dot a = dots.get(i - 1);
            Dot b = dots.get(i);
            assertThat(Integer.signum(Arrays.compareUnsigned(encoded(a), encoded(b))))
                    .as("seed %d", seed)
                    .isEqualTo(Integer.signum(a.compareTo(b)));
            assertThat(Dot.readFrom(ByteBuffer.wrap(encoded(a)))).isEqualTo(a);
        }
    }

    @Test
    void versionVectorsCoverAndMerge() throws MalformedException {
        VersionVector a = VersionVector.EMPTY.with(new Dot(10, 1)).with(new Dot(20, 2));
        VersionVector b = VersionVector.EMPTY.with(new Dot(15, 1)).with(new Dot(5, 3));
        VersionVector m = a.merge(b);
        assertThat(m).isEqualTo(b.merge(a)).isEqualTo(m.merge(a));
        assertThat(m.covers(a)).isTrue();
        assertThat(m.covers(b)).isTrue();
        assertThat(a.covers(b)).isFalse();
        assertThat(b.covers(a)).isFalse();
        assertThat(a.covers(VersionVector.EMPTY)).isTrue();
        assertThat(a.covers(new Dot(10, 1))).isTrue();
        assertThat(a.covers(new Dot(11, 1))).isFalse();
        assertThat(a.covers(new Dot(0, 9))).isFalse();
        assertThat(a.with(new Dot(3, 1))).isEqualTo(a);
        assertThat(m.latest()).isEqualTo(20);
        assertThat(VersionVector.ofCbor(m.toCbor())).isEqualTo(m);
    }

    private static byte[] encoded(Dot dot) {
        ByteBuffer out = ByteBuffer.allocate(Dot.ENCODED_LENGTH);
        dot.writeTo(out);
        return out.array();
    }
}
