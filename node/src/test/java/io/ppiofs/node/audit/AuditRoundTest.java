package io.ppiofs.node.audit;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class AuditRoundTest {
    private static final Duration LOOK = Duration.ofSeconds(5);
    private static final long BEGAN = 1_700_000_000_123L;

    /** Ms since the start. */
    private long now;

    private AuditRound<String> round(Duration every, boolean byEpochs) {
        return new AuditRound<>(every, byEpochs, LOOK, () -> BEGAN + now, () -> now * 1_000_000 - 7);
    }

    private void rest(AuditRound<String> round) {
        now += Math.max(1, round.pause().toMillis());
    }

    @Test
    void a_verifier_audits_in_every_epoch_and_soon_after_it_began() {
        for (Duration every : List.of(Duration.ofSeconds(2), Duration.ofSeconds(7), Duration.ofHours(1))) {
            now = 0;
            AuditRound<String> round = round(every, true);
            Map<Long, Integer> audited = new HashMap<>();
            long first = round.epoch();
            while (round.epoch() < first + 50) {
                if (round.isDue()) {
                    long epoch = round.epoch();
                    if (epoch != first) {
                        assertThat((BEGAN + now) % every.toMillis()).isLessThan(100);
                    }
                    round.begin(epoch, List.of("a" + epoch, "b" + epoch));
                }
                String next = round.next();
                if (next != null) {
                    long of = Long.parseLong(next.substring(1));
                    assertThat(of).isIn(first, round.epoch()); // it may have begun at the end of the first
                    audited.merge(of, 1, Integer::sum);
                    now += 30; // it takes a little
                }
                rest(round);
            }
            assertThat(audited).as("%s", every).hasSize(50);
            assertThat(audited.values()).as("%s", every).containsOnly(2);
        }
    }

    @Test
    void who_audits_alone_begins_an_interval_after_it_began_before() {
        AuditRound<String> round = round(Duration.ofSeconds(7), false);
        List<Long> begun = new ArrayList<>();
        while (begun.size() < 20) {
            if (round.isDue()) {
                begun.add(now);
                round.begin(round.epoch(), List.of("a", "b", "c"));
            }
            round.next();
            rest(round);
        }
        for (int i = 1; i < begun.size(); i++) {
            assertThat(begun.get(i) - begun.get(i - 1)).isBetween(7_000L, 12_001L);
        }
    }

    @Test
    void slots_are_spread_over_half_the_interval_and_no_rest_is_longer_than_a_look() {
        AuditRound<String> round = round(Duration.ofHours(1), false);
        round.begin(round.epoch(), List.of("a", "b"));
        assertThat(round.next()).isEqualTo("a");
        assertThat(round.next()).isNull();
        assertThat(round.pause()).isEqualTo(LOOK);
        now = Duration.ofMinutes(15).toMillis() - 1;
        assertThat(round.next()).isNull();
        now++;
        assertThat(round.next()).isEqualTo("b");
    }

    @Test
    void what_a_round_leaves_comes_first_in_the_next_and_once() {
        AuditRound<String> round = round(Duration.ofHours(1), true);
        round.begin(1, List.of("a", "b", "c"));
        assertThat(round.next()).isEqualTo("a");
        round.begin(2, List.of("a", "c"));
        List<String> order = new ArrayList<>();
        while (order.size() < 3) {
            String next = round.next();
            if (next != null) {
                order.add(next);
            }
            rest(round);
        }
        assertThat(order).containsExactly("b", "c", "a");
        assertThat(round.next()).isNull();
    }

    @Test
    void never_is_never() {
        AuditRound<String> round = round(Duration.ZERO, true);
        assertThat(round.isDue()).isFalse();
        assertThat(round.next()).isNull();
        assertThat(round.pause()).isEqualTo(LOOK);
    }
}
