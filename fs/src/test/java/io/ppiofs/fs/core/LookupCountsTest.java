package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LookupCountsTest {
    @Test
    void countsLikeAMap() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        LookupCounts counts = new LookupCounts();
        Map<Long, Long> model = new HashMap<>();
        for (int i = 0; i < 200_000; i++) {
            long ino = 1 + random.nextInt(5_000) * (random.nextBoolean() ? 1L : 1L << 36);
            long now = model.getOrDefault(ino, 0L);
            long change = now > 0 && random.nextInt(100) < 55 ? -(1 + random.nextLong(now)) : 1 + random.nextInt(3);
            if (change < 0) {
                assertThat(counts.decrement(ino, -change)).isEqualTo(now + change);
            } else {
                for (long n = 0; n < change; n++) {
                    counts.increment(ino);
                }
            }
            if (now + change == 0) {
                model.remove(ino);
            } else {
                model.put(ino, now + change);
            }
        }
        assertThat(counts.size()).isEqualTo(model.size());
        model.forEach((ino, count) -> assertThat(counts.get(ino)).isEqualTo(count));
        Map<Long, Long> left = new HashMap<>();
        counts.drain((ino, count) -> assertThat(left.put(ino, count)).isNull());
        assertThat(left).as("seed %d", seed).isEqualTo(model);
        counts.drain((ino, count) -> assertThat(count).as("drained twice").isNegative());
    }

    @Test
    void ignoresWhatItNeverCounted() {
        LookupCounts counts = new LookupCounts();
        assertThat(counts.decrement(1, 1)).isZero();
        counts.increment(7);
        counts.increment(7);
        assertThat(counts.decrement(7, 2)).isZero();
        Map<Long, Long> left = new HashMap<>();
        counts.drain(left::put);
        assertThat(left).isEmpty();
    }
}
