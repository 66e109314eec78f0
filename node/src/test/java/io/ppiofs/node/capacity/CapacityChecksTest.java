package io.ppiofs.node.capacity;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.proofs.lpoc.SpaceChallenge;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class CapacityChecksTest {
    /** 2^22 labels, one after the other, on the fastest machine. */
    private static final Duration QUARTER_OF_A_LAYER_OF_512_MIB = Duration.ofNanos((1L << 22) * 512);

    @Test
    void a_peer_that_delays_some_answers_gains_nothing_and_one_that_delays_all_not_enough() {
        Deque<Duration> answers = new ArrayDeque<>(
                List.of(Duration.ofSeconds(5), Duration.ofSeconds(2), Duration.ofMillis(30), Duration.ofSeconds(9)));
        Duration least = CapacityChecks.leastOf(peer -> CompletableFuture.completedFuture(answers.remove()), "peer");
        assertThat(least).isEqualTo(Duration.ofMillis(30));
        assertThat(answers).isEmpty();

        Duration always =
                CapacityChecks.leastOf(peer -> CompletableFuture.completedFuture(Duration.ofSeconds(9)), "peer");
        assertThat(SpaceChallenge.deadline(SpaceChallenge.LEAVES, always))
                .isEqualTo(Duration.ofMillis(300 + 66 * 15 + 4 * 200))
                .isLessThan(QUARTER_OF_A_LAYER_OF_512_MIB);
        assertThat(SpaceChallenge.deadline(10, least)).isEqualTo(Duration.ofMillis(300 + 150 + 120));
    }
}
