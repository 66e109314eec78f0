package io.ppiofs.node.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class EvasionsTest {
    private static final Duration HOUR = Duration.ofHours(1);
    private final AtomicLong nanos = new AtomicLong(-5);
    private final Evasions evasions = new Evasions(3, HOUR, nanos::get);
    private final PeerId holder = IdentityKey.generate(new SecureRandom()).peerId();

    private boolean later() {
        nanos.addAndGet(HOUR.toNanos());
        return evasions.evaded(holder);
    }

    @Test
    void however_many_slots_are_late_in_an_interval_they_are_one_evasion() {
        for (int slot = 0; slot < 11; slot++) {
            assertThat(evasions.evaded(holder)).isFalse();
        }
        assertThat(later()).isFalse();
        assertThat(later()).as("the third in a row").isTrue();
        assertThat(evasions.evaded(holder)).as("once in an interval").isFalse();
        assertThat(later()).as("each later one").isTrue();
    }

    @Test
    void an_answer_begins_anew_and_others_do_not_matter() {
        assertThat(later()).isFalse();
        assertThat(later()).isFalse();
        assertThat(evasions.evaded(IdentityKey.generate(new SecureRandom()).peerId()))
                .isFalse();
        evasions.answered(holder);
        assertThat(later()).isFalse();
    }
}
