package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.security.SecureRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class HolderTrustTest {
    private final HolderTrust trust = new HolderTrust();
    private final PeerId peer = IdentityKey.generate(new SecureRandom()).peerId();
    private final PeerId other = IdentityKey.generate(new SecureRandom()).peerId();

    private void kept(int times) {
        for (int i = 0; i < times; i++) {
            trust.kept(peer);
        }
    }

    @Test
    void three_of_the_last_sixteen_checks_make_a_holder_suspect_and_no_other() {
        trust.broke(peer);
        trust.broke(peer);
        kept(13);
        assertThat(trust.isDistrusted(peer)).isFalse();
        trust.broke(peer);
        assertThat(trust.isDistrusted(peer)).isTrue();
        assertThat(trust.distrusted()).containsExactly(peer);
        assertThat(trust.isDistrusted(other)).isFalse();
    }

    @Test
    void failures_that_are_far_apart_do_not() {
        for (int i = 0; i < 10; i++) {
            trust.broke(peer);
            kept(8);
            assertThat(trust.isDistrusted(peer)).isFalse();
        }
    }

    @Test
    void sixteen_in_a_row_bring_trust_back_and_fifteen_do_not() {
        for (int i = 0; i < 3; i++) {
            trust.broke(peer);
        }
        kept(15);
        assertThat(trust.isDistrusted(peer)).isTrue();
        kept(1);
        assertThat(trust.isDistrusted(peer)).isFalse();
        trust.broke(peer);
        assertThat(trust.isDistrusted(peer)).isFalse();
    }
}
