package io.ppiofs.overlay.gossip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Each part of the score alone. */
class PeerScoresTest {
    private static final Offset<Double> EXACT = within(1e-9);
    private static final long SECOND = Duration.ofSeconds(1).toNanos();
    private static final String TOPIC = "t";
    private static final PeerId A = peer(1);
    private static final PeerId B = peer(2);

    @Test
    void time_in_mesh_is_worth_something_up_to_a_cap() {
        PeerScores scores = scores(topic());
        scores.connected(A, null);
        scores.grafted(A, TOPIC, 0);
        scores.decay(30 * SECOND);
        assertThat(scores.score(A)).isCloseTo(30 * 10.0 / 3_600, EXACT);
        scores.decay(100_000 * SECOND);
        assertThat(scores.score(A)).isCloseTo(10, EXACT);
        scores.pruned(A, TOPIC);
        assertThat(scores.score(A)).isZero();
    }

    @Test
    void who_brings_messages_first_gains_and_slowly_loses_it_again() {
        PeerScores scores = scores(topic());
        scores.connected(A, null);
        for (int i = 0; i < 30; i++) {
            MessageId id = id(i);
            scores.received(id, TOPIC, A, 0);
            scores.accepted(id, A, 0);
        }
        assertThat(scores.score(A)).isCloseTo(10, EXACT); // capped at 20
        scores.decay(SECOND);
        assertThat(scores.score(A)).isCloseTo(9.8, EXACT);
    }

    @Test
    void who_is_in_the_mesh_and_brings_too_little_loses_the_square_of_it() {
        TopicScoreOptions demanding = topic().withMeshDeliveries(-1, 1, 100, 4, Duration.ofSeconds(5), -1);
        PeerScores scores = scores(demanding);
        scores.connected(A, null);
        scores.connected(B, null);
        scores.grafted(A, TOPIC, 0);
        scores.grafted(B, TOPIC, 0);
        scores.decay(4 * SECOND);
        assertThat(scores.score(A)).isPositive(); // not yet
        for (int i = 0; i < 4; i++) {
            scores.received(id(i), TOPIC, A, 4 * SECOND);
            scores.accepted(id(i), A, 4 * SECOND);
        }
        // a copy within the window counts as nearly first, a later one does not
        scores.duplicate(id(0), B, 4 * SECOND + demanding.meshDeliveriesWindow().toNanos());
        scores.duplicate(id(1), B, 5 * SECOND);
        scores.decay(6 * SECOND);
        double mesh = 6 * 10.0 / 3_600;
        assertThat(scores.score(A)).isCloseTo(mesh + 0.5 * 4 * 0.98, EXACT);
        assertThat(scores.score(B)).isCloseTo(mesh - 9, EXACT);
        scores.pruned(B, TOPIC);
        assertThat(scores.score(B)).as("the deficit sticks").isCloseTo(-9, EXACT);
    }

    @Test
    void invalid_messages_cost_their_square_and_everybody_who_brought_them() {
        PeerScores scores = scores(topic());
        scores.connected(A, null);
        scores.connected(B, null);
        scores.received(id(1), TOPIC, A, 0);
        scores.duplicate(id(1), B, 0); // while it is judged
        scores.rejected(id(1));
        scores.received(id(2), TOPIC, A, 0);
        scores.rejected(id(2));
        scores.duplicate(id(2), B, SECOND); // after it
        assertThat(scores.score(A)).isCloseTo(-40, EXACT);
        assertThat(scores.score(B)).isCloseTo(-40, EXACT);
        scores.received(id(3), TOPIC, A, 0);
        scores.ignored(id(3));
        assertThat(scores.score(A)).isCloseTo(-40, EXACT);
    }

    @Test
    void the_application_has_a_say() {
        PeerScores scores =
                new PeerScores(ScoreOptions.DEFAULT.withApplication(peer -> peer.equals(A) ? 7 : -7), SECOND);
        scores.connected(A, null);
        scores.connected(B, null);
        assertThat(scores.score(A)).isCloseTo(7, EXACT);
        assertThat(scores.score(B)).isCloseTo(-7, EXACT);
    }

    @Test
    void many_peers_of_one_address_cost_the_square_of_the_surplus() {
        PeerScores scores = scores(topic());
        for (int i = 0; i < 13; i++) {
            scores.connected(peer(i), "c0000207");
        }
        scores.connected(peer(50), null);
        assertThat(scores.score(peer(0))).isCloseTo(-45, EXACT);
        assertThat(scores.score(peer(50))).isZero();
        for (int i = 3; i < 13; i++) {
            scores.disconnected(peer(i), 0);
        }
        assertThat(scores.score(peer(0))).isZero();
    }

    @Test
    void broken_rules_cost_the_square_beyond_a_tolerance_and_fade() {
        PeerScores scores = scores(topic());
        scores.connected(A, null);
        scores.misbehaved(A, 2);
        assertThat(scores.score(A)).isZero();
        scores.misbehaved(A, 2);
        assertThat(scores.score(A)).isCloseTo(-40, EXACT);
        for (int i = 0; i < 14; i++) {
            scores.decay(i * SECOND);
        }
        assertThat(scores.score(A)).isZero();
    }

    @Test
    void a_bad_score_is_remembered_while_the_peer_is_away_and_a_good_one_is_not() {
        PeerScores scores = scores(topic());
        scores.connected(A, null);
        scores.connected(B, null);
        scores.invalid(A, TOPIC);
        scores.received(id(1), TOPIC, B, 0);
        scores.accepted(id(1), B, 0);
        assertThat(scores.score(B)).isPositive();
        scores.disconnected(A, 0);
        scores.disconnected(B, 0);
        scores.decay(60 * SECOND);
        assertThat(scores.score(A)).isCloseTo(-10, EXACT);
        assertThat(scores.score(B)).isZero();
        scores.decay(ScoreOptions.DEFAULT.retain().toNanos());
        assertThat(scores.score(A)).isZero();
    }

    @Test
    void the_sum_of_all_topics_is_capped() {
        PeerScores scores = scores(topic());
        scores.connected(A, null);
        for (int i = 0; i < 20 * 20; i++) {
            scores.received(id(i), "t" + i % 20, A, 0);
            scores.accepted(id(i), A, 0);
        }
        assertThat(scores.score(A)).isCloseTo(50, EXACT);
    }

    private static TopicScoreOptions topic() {
        return TopicScoreOptions.DEFAULT;
    }

    private static PeerScores scores(TopicScoreOptions topic) {
        return new PeerScores(
                ScoreOptions.DEFAULT.withTopics(Map.of(TOPIC, topic), TopicScoreOptions.DEFAULT),
                Duration.ofMinutes(2).toNanos());
    }

    private static MessageId id(int i) {
        return MessageId.of(new byte[] {1, (byte) (i >>> 8), (byte) i});
    }

    private static PeerId peer(int i) {
        byte[] seed = new byte[32];
        seed[0] = (byte) i;
        return IdentityKey.ofSeed(seed).peerId();
    }
}
