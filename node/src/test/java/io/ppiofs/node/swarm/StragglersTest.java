package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.node.swarm.Stragglers.Why;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.security.SecureRandom;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** On a clock that the test turns; times are those of a real volume. */
@Tag("quick")
class StragglersTest {
    private static final int MIB = 1 << 20;

    private long now = -7; // nanoTime may be anything
    private final DrainOptions options = DrainOptions.of(Scheme.copies(3));
    private final Stragglers stragglers = new Stragglers(options, () -> now);
    private final PeerId peer = IdentityKey.generate(new SecureRandom()).peerId();

    private void pass(Duration time) {
        now += time.toNanos();
    }

    private void passReplaceAfter() {
        pass(options.replaceAfter());
    }

    @Test
    void who_takes_nothing_loses_what_it_lacks_and_only_when_the_time_is_up() {
        assertThat(stragglers.leftBehind(peer, Why.SLOW)).isTrue();
        assertThat(stragglers.isBehind(peer)).isTrue();
        assertThat(stragglers.avoided()).containsExactly(peer);
        pass(options.replaceAfter().minusNanos(1));
        assertThat(stragglers.leftBehind(peer, Why.NO_SPACE)).isFalse();
        assertThat(stragglers.why(peer)).isEqualTo(Why.NO_SPACE);
        assertThat(stragglers.isOverdue(peer)).isFalse();
        pass(Duration.ofNanos(1));
        assertThat(stragglers.isOverdue(peer)).isTrue();
        assertThat(stragglers.lost()).containsExactly(peer);
        assertThat(stragglers.isUseless(peer)).as("it serves what it has").isFalse();
    }

    @Test
    void a_line_of_one_megabyte_a_second_is_not_waited_for_and_never_loses_anything() {
        stragglers.leftBehind(peer, Why.SLOW);
        for (int i = 0; i < 1_000; i++) {
            pass(Duration.ofSeconds(30));
            stragglers.took(peer, MIB, Duration.ofMillis(1_050));
            stragglers.hadTurn(peer, true, true);
            assertThat(stragglers.isOverdue(peer)).isFalse();
            boolean triedAgain = i >= 119; // an hour after it was left behind
            assertThat(stragglers.isBehind(peer)).as("%d", i).isEqualTo(!triedAgain);
            assertThat(stragglers.isItsTurn(peer)).as("%d", i).isEqualTo(triedAgain);
        }
    }

    @Test
    void one_that_trickles_blocks_loses_them() {
        stragglers.leftBehind(peer, Why.SLOW);
        for (int i = 0; i < 90; i++) {
            pass(Duration.ofSeconds(10));
            stragglers.took(peer, 9_000, Duration.ofSeconds(10));
        }
        assertThat(stragglers.isOverdue(peer)).isTrue();
    }

    @Test
    void who_is_as_quick_as_others_again_is_waited_for_again() {
        stragglers.leftBehind(peer, Why.STALLS);
        stragglers.took(peer, MIB, Duration.ofMillis(600));
        assertThat(stragglers.isBehind(peer)).isFalse();
        assertThat(stragglers.avoided()).isEmpty();
    }

    @Test
    void one_refusal_means_nothing_and_five_in_a_row_do() {
        for (int i = 0; i < 4; i++) {
            assertThat(stragglers.refused(peer)).isFalse();
        }
        stragglers.took(peer, 1_000, Duration.ofSeconds(1));
        for (int i = 0; i < 4; i++) {
            assertThat(stragglers.refused(peer)).isFalse();
        }
        assertThat(stragglers.refused(peer)).isTrue();
        assertThat(stragglers.why(peer)).isEqualTo(Why.REFUSES);
    }

    @Test
    void slow_serving_is_found_out_by_three_checks_in_a_row_and_by_every_other_one_in_the_end() {
        assertThat(stragglers.served(peer, false)).isFalse();
        assertThat(stragglers.served(peer, false)).isFalse();
        assertThat(stragglers.served(peer, false)).isTrue();
        assertThat(stragglers.avoided()).containsExactly(peer);
        assertThat(stragglers.isBehind(peer)).as("it takes blocks like others").isFalse();
        assertThat(stragglers.mayBeChecked(peer)).isFalse();
        passReplaceAfter();
        assertThat(stragglers.isUseless(peer)).isTrue();

        PeerId other = IdentityKey.generate(new SecureRandom()).peerId();
        int checks = 0;
        while (stragglers.why(other) == null && checks < 100) {
            stragglers.served(other, checks++ % 2 == 1);
        }
        assertThat(checks).isLessThan(20);
    }

    @Test
    void a_slow_answer_now_and_then_is_forgiven() {
        for (int i = 0; i < 1_000; i++) {
            stragglers.served(peer, i % 3 != 0);
            assertThat(stragglers.why(peer)).isNull();
        }
    }

    @Test
    void who_serves_promptly_again_is_checked_six_times_before_it_counts() {
        for (int i = 0; i < 3; i++) {
            stragglers.served(peer, false);
        }
        for (int i = 0; i < 5; i++) {
            stragglers.served(peer, true);
            assertThat(stragglers.why(peer)).isEqualTo(Why.SERVES_SLOWLY);
        }
        stragglers.served(peer, true);
        assertThat(stragglers.why(peer)).isNull();
    }

    @Test
    void who_gives_no_more_cause_is_tried_again_and_later_each_time() {
        for (int offence = 0; offence < 3; offence++) {
            stragglers.leftBehind(peer, Why.NO_SPACE);
            pass(options.replaceAfter().multipliedBy(4L << offence).minusNanos(1));
            assertThat(stragglers.avoided()).containsExactly(peer);
            pass(Duration.ofNanos(1));
            assertThat(stragglers.avoided()).isEmpty();
            assertThat(stragglers.isItsTurn(peer)).isTrue();
        }
    }

    @Test
    void pauses_grow_for_the_one_that_fails_and_for_no_other() {
        PeerId other = IdentityKey.generate(new SecureRandom()).peerId();
        stragglers.leftBehind(peer, Why.SLOW);
        stragglers.leftBehind(other, Why.SLOW);
        for (int seconds : new int[] {10, 20, 40, 60, 60}) {
            stragglers.hadTurn(peer, false, true);
            assertThat(stragglers.isItsTurn(other)).isTrue();
            pass(Duration.ofSeconds(seconds).minusNanos(1));
            assertThat(stragglers.isItsTurn(peer)).isFalse();
            pass(Duration.ofNanos(1));
            assertThat(stragglers.isItsTurn(peer)).isTrue();
        }
    }
}
