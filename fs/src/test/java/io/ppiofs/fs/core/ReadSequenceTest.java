package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ReadSequenceTest {
    private static final int BLOCK = 1 << 20;
    private static final int WINDOW = 8 << 20;
    private static final long SIZE = 100L * BLOCK + 5;

    private final ReadSequence sequence = new ReadSequence();

    private ReadSequence.Ahead read(long offset, int n) {
        return sequence.read(offset, Math.min(SIZE, offset + n), WINDOW, SIZE, BLOCK);
    }

    @Test
    void a_look_at_the_head_expects_little() {
        assertThat(read(0, 128 << 10)).isNull();
        assertThat(read(128 << 10, 4096)).isNull();
        assertThat(read(132 << 10, 256 << 10)).isEqualTo(new ReadSequence.Ahead(BLOCK, 2 * BLOCK, false));
    }

    @Test
    void what_is_expected_grows_to_the_window_and_nothing_is_told_twice() {
        long told = 0;
        for (long at = 0; at < 40L * BLOCK; at += BLOCK / 2) {
            ReadSequence.Ahead ahead = read(at, BLOCK / 2);
            if (ahead != null) {
                assertThat(ahead.from()).isGreaterThanOrEqualTo(told);
                assertThat(ahead.from() % BLOCK).isZero();
                assertThat(ahead.to()).isLessThanOrEqualTo(at + BLOCK / 2 + WINDOW + BLOCK);
                assertThat(ahead.anew()).isFalse();
                assertThat(told == 0 || told == ahead.from()).isTrue();
                told = ahead.to();
            }
        }
        assertThat(told).isEqualTo(48L * BLOCK);
    }

    @Test
    void requests_that_overtake_each_other_are_in_order() {
        assertThat(read(BLOCK, BLOCK)).isNull();
        ReadSequence.Ahead ahead = read(0, BLOCK);
        assertThat(ahead).isNotNull();
        assertThat(ahead.anew()).isFalse();
        assertThat(ahead.to()).isEqualTo(6L * BLOCK);
    }

    @Test
    void a_seek_makes_what_was_expected_void_and_begins_small() {
        for (int i = 0; i < 10; i++) {
            read((long) i * BLOCK, BLOCK);
        }
        assertThat(read(60L * BLOCK, 4096)).isNull();
        ReadSequence.Ahead ahead = read(60L * BLOCK + 4096, BLOCK - 4096);
        assertThat(ahead).isEqualTo(new ReadSequence.Ahead(61L * BLOCK, 63L * BLOCK, true));
    }

    @Test
    void the_end_of_the_file_is_expected_too() {
        assertThat(read(97L * BLOCK, BLOCK)).isNull();
        assertThat(read(98L * BLOCK, BLOCK)).isEqualTo(new ReadSequence.Ahead(99L * BLOCK, SIZE, true));
        assertThat(read(99L * BLOCK, BLOCK)).isNull();
    }
}
