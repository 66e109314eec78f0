package io.ppiofs.proofs.work;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkersTest {
    private static final Path SUBJECT = Path.of("subject");

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void every_number_is_in_one_range(int threads) {
        AtomicIntegerArray seen = new AtomicIntegerArray(1000);
        try (Workers workers = new Workers(threads)) {
            workers.forRanges(1000, 7, "test", SUBJECT, (from, to) -> {
                assertThat(to - from).isBetween(1L, 7L);
                for (long i = from; i < to; i++) {
                    seen.incrementAndGet((int) i);
                }
            });
        }
        for (int i = 0; i < 1000; i++) {
            assertThat(seen.get(i)).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void a_failure_reaches_the_caller(int threads) {
        try (Workers workers = new Workers(threads)) {
            assertThatThrownBy(() -> workers.forRanges(100, 1, "test", SUBJECT, (from, to) -> {
                        if (from == 50) {
                            throw new IOException("No space left on device");
                        }
                    }))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NO_SPACE));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void an_interrupted_caller_stops(int threads) {
        try (Workers workers = new Workers(threads)) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> workers.forRanges(100, 1, "test", SUBJECT, (from, to) -> {}))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INTERRUPTED));
            assertThat(Thread.interrupted()).isTrue();
        }
    }
}
