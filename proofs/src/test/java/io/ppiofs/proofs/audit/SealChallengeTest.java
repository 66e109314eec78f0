package io.ppiofs.proofs.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.proofs.audit.SealStatement.Kind;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SealChallengeTest {
    private final VerifierKey key = VerifierKey.ofSecret(bytes(1));

    private static byte[] bytes(int value) {
        byte[] bytes = new byte[32];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void a_challenge_is_good_for_its_network_order_replica_kind_and_epoch_and_its_verifier() {
        SealStatement of = new SealStatement(bytes(2), bytes(3), bytes(4), Kind.WINDOW, 7);
        SealChallenge challenge = key.challenge(of);
        assertThat(challenge.isGenuine()).isTrue();
        assertThat(key.challenge(of).seed()).isEqualTo(challenge.seed());
        Set<String> seeds = new HashSet<>(Set.of(Arrays.toString(challenge.seed())));
        for (SealStatement other : List.of(
                new SealStatement(bytes(5), bytes(3), bytes(4), Kind.WINDOW, 7),
                new SealStatement(bytes(2), bytes(5), bytes(4), Kind.WINDOW, 7),
                new SealStatement(bytes(2), bytes(3), bytes(5), Kind.WINDOW, 7),
                new SealStatement(bytes(2), bytes(3), bytes(4), Kind.REPLICATION, 7),
                new SealStatement(bytes(2), bytes(3), bytes(4), Kind.WINDOW, 8))) {
            assertThat(new SealChallenge(other, key.publicKey(), challenge.signature()).isGenuine())
                    .isFalse();
            assertThat(seeds.add(Arrays.toString(key.challenge(other).seed()))).isTrue();
        }
        VerifierKey another = VerifierKey.ofSecret(bytes(6));
        assertThat(new SealChallenge(of, another.publicKey(), challenge.signature()).isGenuine())
                .isFalse();
        assertThat(new SealChallenge(of, key.publicKey(), new byte[96]).isGenuine())
                .isFalse();
    }

    @Test
    void parts_of_other_lengths_are_none() {
        assertThatThrownBy(() -> new SealStatement(bytes(2), bytes(3), new byte[31], Kind.WINDOW, 7))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new SealStatement(bytes(2), bytes(3), bytes(4), Kind.WINDOW, -1))
                .isInstanceOf(IllegalArgumentException.class);
        SealStatement of = new SealStatement(bytes(2), bytes(3), bytes(4), Kind.WINDOW, 7);
        assertThatThrownBy(() -> new SealChallenge(of, new byte[47], new byte[96]))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
