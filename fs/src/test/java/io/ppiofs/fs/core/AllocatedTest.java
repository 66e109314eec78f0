package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.PpiofsException;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AllocatedTest {
    private static final int UNITS = 60;

    private static int up(int bytes) {
        return (bytes + Allocated.UNIT - 1) / Allocated.UNIT;
    }

    private static Allocated again(Allocated a) {
        RecordWriter w = new RecordWriter(16);
        a.encode(w);
        RecordReader r = new RecordReader(w.toBytes(), "test");
        Allocated decoded = Allocated.decode(r);
        r.end();
        return decoded;
    }

    @Test
    void isASetOfUnits() {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            BitSet expected = new BitSet();
            Allocated a = Allocated.NONE;
            for (int i = 0; i < 40; i++) {
                int from = random.nextInt(UNITS * Allocated.UNIT);
                int to = from + 1 + random.nextInt(10 * Allocated.UNIT);
                int first = up(from);
                switch (random.nextInt(5)) {
                    case 0, 1, 2 -> {
                        a = a.with(from, to);
                        expected.set(from / Allocated.UNIT, up(to));
                    }
                    case 3 -> {
                        a = a.without(from, to);
                        expected.clear(first, Math.max(first, to / Allocated.UNIT));
                    }
                    default -> {
                        if (random.nextInt(4) == 0) {
                            a = a.below(from);
                            expected.clear(first, Integer.MAX_VALUE);
                        }
                    }
                }
                assertThat(a.bytes())
                        .as("seed %d step %d", seed, i)
                        .isEqualTo((long) expected.cardinality() * Allocated.UNIT);
                assertThat(a.isEmpty()).isEqualTo(expected.isEmpty());
                if (!a.isEmpty()) {
                    assertThat(again(a)).isEqualTo(a);
                }
            }
        }
    }

    @Test
    void reachesToTheEndOfTheLongestFile() {
        Allocated a = Allocated.NONE.with(Long.MAX_VALUE - 1, Long.MAX_VALUE);
        assertThat(a.bytes()).isEqualTo(Allocated.UNIT);
        assertThat(again(a)).isEqualTo(a);
        assertThat(a.with(0, Long.MAX_VALUE).bytes()).isGreaterThan(Long.MAX_VALUE - Allocated.UNIT);
    }

    @Test
    void staysSmallAndCountsRatherTooMuch() {
        Allocated a = Allocated.NONE;
        for (long i = 0; i < 1000; i++) {
            a = a.with(i * 2 * Allocated.UNIT, (i * 2 + 1) * Allocated.UNIT);
        }
        assertThat(a.bytes()).isBetween(1000L * Allocated.UNIT, 2000L * Allocated.UNIT);
        RecordWriter w = new RecordWriter(16);
        a.encode(w);
        assertThat(w.toBytes()).hasSizeLessThan(300);
    }

    @Test
    void whatIsOutOfOrderIsRefused() {
        byte[][] wrong = {{0}, {33}, {1, 0, 0}, {1, 5}, {2, 1, 1, 0, 1}};
        for (byte[] bytes : wrong) {
            assertThatThrownBy(() -> Allocated.decode(new RecordReader(bytes, "test")))
                    .isInstanceOf(PpiofsException.class);
        }
    }
}
