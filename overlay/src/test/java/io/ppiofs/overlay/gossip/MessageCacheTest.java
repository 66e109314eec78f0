package io.ppiofs.overlay.gossip;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is remembered of messages, and for how long. */
class MessageCacheTest {
    private static final PeerId PEER = IdentityKey.generate(new SecureRandom()).peerId();

    @Test
    void a_message_is_told_of_for_three_heartbeats_and_kept_for_five() {
        MessageCache cache = new MessageCache(5, 3, 1_000);
        cache.put(id(1), message("a", 10));
        cache.put(id(2), message("b", 10));
        for (int heartbeat = 1; heartbeat <= 5; heartbeat++) {
            assertThat(cache.recent("a")).hasSize(heartbeat <= 3 ? 1 : 0);
            assertThat(cache.get(id(1))).isNotNull();
            cache.shift();
        }
        assertThat(cache.get(id(1))).isNull();
        assertThat(cache.bytes()).isZero();
    }

    @Test
    void sendings_are_counted_per_peer() {
        MessageCache cache = new MessageCache(5, 3, 1_000);
        cache.put(id(1), message("a", 10));
        assertThat(cache.countSending(id(1), PEER)).isEqualTo(1);
        assertThat(cache.countSending(id(1), PEER)).isEqualTo(2);
        assertThat(cache.countSending(id(9), PEER)).isZero();
    }

    @Test
    void a_flood_takes_no_more_than_the_bound() {
        MessageCache cache = new MessageCache(5, 3, 1_000);
        for (int i = 0; i < 100; i++) {
            cache.put(id(i), message("a", 50));
            assertThat(cache.bytes()).isLessThanOrEqualTo(1_000);
            if (i % 30 == 29) {
                cache.shift();
            }
        }
        assertThat(cache.get(id(99))).isNotNull();
        assertThat(cache.get(id(0))).isNull();
    }

    @Test
    void seen_ids_outlive_their_time_while_there_is_room() {
        long lifetime = Duration.ofMinutes(2).toNanos();
        SeenMessages seen = new SeenMessages(lifetime);
        assertThat(seen.add(id(1), 0)).isTrue();
        assertThat(seen.add(id(1), 2 * lifetime)).isFalse();
        for (int i = 2; i < SeenMessages.ROOM + 2; i++) {
            seen.add(id(i), 2 * lifetime);
        }
        assertThat(seen.contains(id(1))).isFalse();
        for (int i = SeenMessages.ROOM + 2; i < 2 * SeenMessages.ROOM; i++) {
            seen.add(id(i), 2 * lifetime + 1);
        }
        assertThat(seen.contains(id(2)))
                .as("young ones stay though there is no room")
                .isTrue();
    }

    @Test
    void a_promise_is_kept_by_the_message_from_whomever_or_broken_in_time() {
        Promises promises = new Promises();
        promises.add(id(1), "a", PEER, 100);
        promises.add(id(2), "a", PEER, 100);
        promises.add(id(3), "b", PEER, 200);
        promises.kept(id(1));
        assertThat(promises.broken(99)).isEmpty();
        assertThat(promises.broken(100)).isEqualTo(Map.of(PEER, 1));
        assertThat(promises.broken(150)).isEmpty();
        promises.keptUnderAnotherName(id(7), "a", PEER);
        promises.keptUnderAnotherName(id(7), "b", PEER);
        assertThat(promises.broken(1_000)).isEmpty();
    }

    private static MessageId id(int i) {
        return MessageId.of(new byte[] {(byte) (i >>> 16), (byte) (i >>> 8), (byte) i});
    }

    private static Message message(String topic, int length) {
        return new Message(null, new byte[length], null, topic, null, null);
    }
}
