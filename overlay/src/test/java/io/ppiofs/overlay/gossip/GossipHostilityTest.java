package io.ppiofs.overlay.gossip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.sim.SimHost;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One honest node, and a peer that writes frames by hand. */
class GossipHostilityTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final String TOPIC = GossipWorld.TOPIC;

    private final GossipWorld world = new GossipWorld(66);
    private final GossipWorld.Node victim = world.add();
    private final GossipWorld.Node friend = world.add();
    private final SimHost enemy = world.net.addHost();
    private final Signatures enemySigns = new Signatures(SignaturePolicy.STRICT_SIGN, enemy.key());
    private final List<Rpc> heard = new ArrayList<>();
    private final List<Stream> streams = new ArrayList<>();
    private MessageChannel channel = connect(victim, GossipProtocol.MESHSUB_1_1);

    @BeforeEach
    void start() {
        victim.subscribe();
        friend.subscribe();
        world.connect(victim, friend);
        Rpc hello = new Rpc();
        hello.topics.add(new Rpc.Topic(true, TOPIC));
        send(hello);
        world.run(Duration.ofSeconds(3));
    }

    // --- messages

    @Test
    void a_message_with_a_wrong_signature_goes_nowhere_and_costs_score() {
        Message good = enemySigns.make(TOPIC, new byte[] {1}, 1);
        byte[] signature = Objects.requireNonNull(good.signature()).clone();
        signature[5] ^= 1;
        say(good.withSignature(signature));
        world.run(SECOND);
        assertThat(victim.got).isEmpty();
        assertThat(friend.got).isEmpty();
        assertThat(victim.gossip.metrics().rejected()).isEqualTo(1);
        assertThat(scoreOfEnemy()).isNegative();
        say(good); // the right one is not taken for a copy of the wrong one
        world.run(SECOND);
        assertThat(victim.got).hasSize(1);
    }

    @Test
    void nobody_speaks_in_another_ones_name() {
        IdentityKey other = friend.host.key();
        Message mine = enemySigns.make(TOPIC, new byte[] {1}, 1);
        say(new Message(other.peerId().toBytes(), mine.data(), mine.sequence(), TOPIC, mine.signature(), mine.key()));
        say(new Message(
                other.peerId().toBytes(),
                mine.data(),
                mine.sequence(),
                TOPIC,
                mine.signature(),
                enemy.key().publicKey().toBytes()));
        world.run(SECOND);
        assertThat(victim.got).isEmpty();
        assertThat(victim.gossip.metrics().rejected()).isEqualTo(2);
    }

    @Test
    void messages_that_lack_what_the_policy_wants_are_refused() {
        Message good = enemySigns.make(TOPIC, new byte[] {1}, 1);
        say(new Message(null, good.data(), good.sequence(), TOPIC, good.signature(), null));
        say(new Message(good.from(), good.data(), null, TOPIC, good.signature(), null));
        say(new Message(good.from(), good.data(), new byte[7], TOPIC, good.signature(), null));
        world.run(SECOND);
        assertThat(victim.got).isEmpty();
        assertThat(victim.gossip.metrics().rejected()).isEqualTo(3);
    }

    @Test
    void who_sends_invalid_messages_is_graylisted_and_no_longer_heard() {
        victim.gossip.validate(
                TOPIC,
                message -> CompletableFuture.completedFuture(
                        message.data()[0] == 0 ? Validator.Verdict.REJECT : Validator.Verdict.ACCEPT));
        for (int i = 0; i < 4; i++) {
            say(enemySigns.make(TOPIC, new byte[] {0}, i));
        }
        world.run(SECOND);
        assertThat(scoreOfEnemy()).isLessThan(ScoreOptions.DEFAULT.graylistThreshold());
        say(enemySigns.make(TOPIC, new byte[] {1}, 9));
        world.run(SECOND);
        assertThat(victim.got).isEmpty();
        assertThat(victim.gossip.metrics().graylisted()).isPositive();
        assertThat(victim.inMesh(friend)).isTrue();
        assertThat(victim.meshSize()).isEqualTo(1);
        assertThat(victim.score(friend)).isGreaterThanOrEqualTo(0);
    }

    @Test
    void a_bad_score_outlives_the_connection() {
        for (int i = 0; i < 4; i++) {
            say(enemySigns.make(TOPIC, new byte[] {0}, i).withSignature(new byte[64]));
        }
        world.run(SECOND);
        double before = scoreOfEnemy();
        enemy.disconnect(victim.host.id());
        world.run(Duration.ofMinutes(10));
        channel = connect(victim, GossipProtocol.MESHSUB_1_1);
        world.run(SECOND);
        assertThat(before).isLessThan(-80);
        assertThat(scoreOfEnemy()).isLessThan(before * 0.9);
    }

    @Test
    void what_the_validator_ignores_costs_nothing() {
        victim.gossip.validate(TOPIC, message -> CompletableFuture.completedFuture(Validator.Verdict.IGNORE));
        say(enemySigns.make(TOPIC, new byte[] {0}, 1));
        world.run(SECOND);
        assertThat(victim.got).isEmpty();
        assertThat(friend.got).isEmpty();
        assertThat(victim.gossip.metrics().ignored()).isEqualTo(1);
        assertThat(scoreOfEnemy()).isGreaterThanOrEqualTo(0);
    }

    @Test
    void a_validator_may_take_its_time() {
        CompletableFuture<Validator.Verdict> verdict = new CompletableFuture<>();
        victim.gossip.validate(TOPIC, message -> verdict);
        Message message = enemySigns.make(TOPIC, new byte[] {5}, 1);
        say(message);
        world.run(SECOND);
        say(message);
        world.run(SECOND);
        assertThat(victim.got).isEmpty();
        assertThat(friend.got).isEmpty();
        verdict.complete(Validator.Verdict.ACCEPT);
        world.run(SECOND);
        assertThat(victim.got).hasSize(1);
        assertThat(friend.got).hasSize(1);
    }

    @Test
    void a_validator_that_fails_has_ignored_the_message() {
        victim.gossip.validate(TOPIC, message -> {
            throw new IllegalStateException("on purpose");
        });
        say(enemySigns.make(TOPIC, new byte[] {0}, 1));
        world.run(SECOND);
        assertThat(victim.got).isEmpty();
        assertThat(victim.gossip.metrics().ignored()).isEqualTo(1);
    }

    @Test
    void a_replayed_message_is_not_new_even_after_its_time() {
        Message message = enemySigns.make(TOPIC, new byte[] {5}, 1);
        say(message);
        world.run(SECOND);
        say(message);
        world.run(Duration.ofMinutes(5));
        say(message);
        world.run(SECOND);
        assertThat(victim.got).hasSize(1);
        assertThat(friend.got).hasSize(1);
        assertThat(victim.gossip.metrics().duplicates()).isEqualTo(2);
    }

    @Test
    void our_own_message_is_not_given_back_to_us() {
        Signatures ours = new Signatures(SignaturePolicy.STRICT_SIGN, victim.host.key());
        say(ours.make(TOPIC, new byte[] {1}, 77)); // as from before a restart
        world.run(SECOND);
        assertThat(victim.got).isEmpty();
        assertThat(scoreOfEnemy()).isGreaterThanOrEqualTo(0);
    }

    // --- sizes

    @Test
    void too_large_a_message_is_neither_sent_nor_taken() {
        assertThatThrownBy(() -> world.net.await(
                        victim.gossip.publish(TOPIC, new byte[GossipOptions.DEFAULT.maxMessage()]), SECOND))
                .isInstanceOf(CompletionException.class)
                .cause()
                .extracting(e -> ((PpiofsException) e).kind())
                .isEqualTo(ErrorKind.TOO_BIG);
        say(enemySigns.make(TOPIC, new byte[GossipOptions.DEFAULT.maxMessage() + 1], 1));
        world.run(SECOND);
        assertThat(victim.got).isEmpty();
        assertThat(victim.gossip.metrics().rejected()).isEqualTo(1);
    }

    @Test
    void too_large_a_frame_ends_the_stream_before_it_is_read() {
        channel.stream().write(Unpooled.wrappedBuffer(new byte[] {-1, -1, -1, -1, 7}));
        world.run(SECOND);
        assertThat(victim.gossip.metrics().malformed()).isEqualTo(1);
        say(enemySigns.make(TOPIC, new byte[] {1}, 1));
        world.run(SECOND);
        assertThat(victim.got).isEmpty();
    }

    @Test
    void garbage_ends_the_stream() {
        Random random = new Random(1);
        byte[] garbage = new byte[500];
        random.nextBytes(garbage);
        garbage[0] = 7; // a field with a wire type that is none
        channel.send(garbage);
        world.run(SECOND);
        assertThat(victim.gossip.metrics().malformed()).isEqualTo(1);
        assertThat(victim.gossip.metrics().peers()).isEqualTo(2);
    }

    // --- control

    @Test
    void a_message_is_sent_three_times_at_most_however_often_it_is_asked_for() {
        byte[] id = published();
        heard.clear();
        for (int i = 0; i < 200; i++) {
            Rpc rpc = new Rpc();
            for (int j = 0; j < 20; j++) {
                rpc.want.add(id);
            }
            send(rpc);
        }
        world.run(Duration.ofMillis(500));
        assertThat(heard.stream().mapToInt(rpc -> rpc.messages.size()).sum()).isEqualTo(3);
    }

    @Test
    void ids_beyond_the_allowance_of_a_heartbeat_are_not_asked_for() {
        Random random = new Random(2);
        heard.clear();
        for (int i = 0; i < 20; i++) {
            Rpc rpc = new Rpc();
            List<byte[]> ids = new ArrayList<>();
            for (int j = 0; j < 1_000; j++) {
                byte[] id = new byte[46];
                random.nextBytes(id);
                ids.add(id);
            }
            rpc.have.add(new Rpc.Have(TOPIC, ids));
            send(rpc);
        }
        world.run(Duration.ofMillis(300));
        assertThat(heard.stream().mapToInt(rpc -> rpc.want.size()).sum())
                .isBetween(1, 2 * GossipOptions.DEFAULT.maxWantPerHeartbeat());
        assertThat(victim.gossip.metrics().excess()).isPositive();
        world.run(Duration.ofSeconds(5));
        assertThat(victim.gossip.metrics().brokenPromises()).isPositive();
        assertThat(scoreOfEnemy()).isNegative();
    }

    @Test
    void who_is_told_of_a_message_and_gets_it_under_another_name_breaks_no_promise() {
        Rpc rpc = new Rpc();
        rpc.have.add(new Rpc.Have(TOPIC, List.of(new byte[] {1, 2, 3})));
        heard.clear();
        send(rpc);
        world.run(Duration.ofMillis(300));
        assertThat(heard.stream().mapToInt(r -> r.want.size()).sum()).isEqualTo(1);
        say(enemySigns.make(TOPIC, new byte[] {1}, 1));
        world.run(Duration.ofSeconds(5));
        assertThat(victim.gossip.metrics().brokenPromises()).isZero();
        assertThat(victim.got).hasSize(1);
    }

    @Test
    void a_message_is_known_by_the_name_that_javascript_gives_it() {
        Message message = enemySigns.make(TOPIC, new byte[] {1}, 1);
        say(message);
        world.run(SECOND);
        byte[] spec = enemySigns.id(message).wire(false);
        byte[] javascript = Arrays.copyOfRange(spec, 2, spec.length);
        Rpc rpc = new Rpc();
        rpc.have.add(new Rpc.Have(TOPIC, List.of(javascript)));
        heard.clear();
        send(rpc);
        world.run(Duration.ofMillis(300));
        assertThat(heard.stream().mapToInt(r -> r.want.size()).sum()).isZero();
        rpc.have.clear();
        rpc.want.add(javascript);
        send(rpc);
        world.run(Duration.ofMillis(300));
        assertThat(heard.stream().mapToInt(r -> r.messages.size()).sum()).isEqualTo(1);
    }

    @Test
    void grafting_again_and_again_during_the_back_off_is_punished() {
        graft();
        world.run(SECOND);
        assertThat(heard.stream().anyMatch(rpc -> !rpc.graft.isEmpty()) || victim.meshSize() == 2)
                .isTrue();
        Rpc leave = new Rpc();
        leave.prune.add(new Rpc.Prune(TOPIC, List.of(), 60));
        send(leave);
        world.run(SECOND);
        heard.clear();
        for (int i = 0; i < 20; i++) {
            graft();
        }
        world.run(SECOND);
        assertThat(victim.meshSize()).isEqualTo(1);
        assertThat(heard.stream().flatMap(rpc -> rpc.prune.stream()).toList())
                .isNotEmpty()
                .allMatch(prune -> prune.backoffSeconds() == 60 && prune.peers().isEmpty());
        assertThat(scoreOfEnemy()).isLessThan(ScoreOptions.DEFAULT.graylistThreshold());
    }

    @Test
    void grafts_for_topics_that_we_have_not_get_no_answer() {
        heard.clear();
        Rpc rpc = new Rpc();
        for (int i = 0; i < 1_000; i++) {
            rpc.graft.add("topic " + i);
        }
        send(rpc);
        world.run(Duration.ofMillis(500));
        assertThat(heard).allMatch(answer -> answer.prune.isEmpty());
    }

    @Test
    void subscriptions_of_one_peer_are_bounded() {
        Rpc rpc = new Rpc();
        for (int i = 0; i < 4_000; i++) {
            rpc.topics.add(new Rpc.Topic(true, "topic " + i));
        }
        send(rpc);
        world.run(SECOND);
        assertThat(victim.gossip.metrics().excess()).isEqualTo(4_000 - 511);
        assertThat(world.net.await(victim.gossip.subscribers("topic 3999"), SECOND))
                .isEmpty();
    }

    @Test
    void referrals_to_nobody_are_passed_over() {
        Rpc rpc = new Rpc();
        List<Rpc.Referral> referrals = new ArrayList<>();
        referrals.add(new Rpc.Referral(new byte[] {1, 2}, new byte[0]));
        referrals.add(new Rpc.Referral(friend.host.id().toBytes(), new byte[] {9}));
        IdentityKey unknown = IdentityKey.generate(new SecureRandom());
        referrals.add(new Rpc.Referral(unknown.peerId().toBytes(), new byte[] {9}));
        rpc.prune.add(new Rpc.Prune(TOPIC, referrals, Long.MAX_VALUE));
        send(rpc);
        world.run(SECOND);
        assertThat(victim.host.connectedPeers()).hasSize(2);
        assertThat(victim.gossip.metrics().excess()).isEqualTo(2);
    }

    // --- kinds of peers

    @Test
    void a_floodsub_peer_gets_messages_and_no_control() {
        SimHost old = world.net.addHost();
        List<Rpc> received = new ArrayList<>();
        old.handle(GossipProtocol.FLOODSUB.id(), stream -> listen(stream, received));
        MessageChannel to = open(old, GossipProtocol.FLOODSUB);
        Rpc hello = new Rpc();
        hello.topics.add(new Rpc.Topic(true, TOPIC));
        to.send(RpcCodec.encode(hello));
        world.run(Duration.ofSeconds(3));
        friend.gossip.publish(TOPIC, new byte[] {4});
        world.run(Duration.ofSeconds(5));
        assertThat(received.stream().mapToInt(rpc -> rpc.messages.size()).sum()).isEqualTo(1);
        assertThat(received).noneMatch(Rpc::hasControl);
    }

    @Test
    void a_stream_that_the_peer_resets_is_opened_again_and_begins_with_the_topics() {
        heard.clear();
        streams.get(0).reset();
        world.run(Duration.ofSeconds(5));
        assertThat(streams).hasSize(2);
        assertThat(heard.get(0).topics).containsExactly(new Rpc.Topic(true, TOPIC));
        friend.gossip.publish(TOPIC, new byte[] {6});
        world.run(Duration.ofSeconds(5));
        assertThat(heard.stream()
                        .mapToInt(rpc -> rpc.messages.size() + rpc.have.size())
                        .sum())
                .isPositive();
    }

    @Test
    void a_peer_that_does_not_read_loses_messages_and_then_its_stream() {
        channel.stream().reset();
        SimHost slow = world.net.addHost();
        slow.handle(GossipProtocol.MESHSUB_1_1.id(), stream -> {}); // no reader: nothing is ever read
        MessageChannel to = open(slow, GossipProtocol.MESHSUB_1_1);
        Rpc hello = new Rpc();
        hello.topics.add(new Rpc.Topic(true, TOPIC));
        to.send(RpcCodec.encode(hello));
        world.run(Duration.ofSeconds(3));
        for (int i = 0; i < 60; i++) {
            friend.gossip.publish(TOPIC, new byte[500_000]);
            world.run(Duration.ofMillis(300));
        }
        assertThat(victim.got).hasSize(60);
        assertThat(victim.gossip.metrics().droppedForwards()).isPositive();
        for (int i = 0; i < 40; i++) {
            victim.gossip.publish(TOPIC, new byte[500_000]);
            world.run(Duration.ofMillis(300));
        }
        assertThat(victim.gossip.metrics().slowPeers()).isPositive();
        assertThat(friend.got).hasSize(40);
    }

    @Test
    void without_signatures_equal_messages_are_one_message() {
        GossipWorld plain = new GossipWorld(67);
        GossipOptions options = GossipOptions.DEFAULT.withSignatures(SignaturePolicy.STRICT_NO_SIGN);
        plain.populate(10, 4, options);
        plain.publish(plain.nodes.get(0), new byte[] {1});
        plain.run(SECOND);
        plain.publish(plain.nodes.get(1), new byte[] {1});
        plain.publish(plain.nodes.get(1), new byte[] {2});
        plain.run(SECOND);
        assertThat(plain.nodes.get(5).got).hasSize(2).allMatch(message -> message.author() == null);
    }

    @Test
    void a_direct_peer_gets_everything_outside_the_mesh() {
        GossipWorld pair = new GossipWorld(68);
        SimHost host = pair.net.addHost();
        GossipWorld.Node a = pair.add(GossipOptions.DEFAULT.withDirectPeers(Set.of(host.id())));
        GossipWorld.Node b = pair.new Node(host, GossipOptions.DEFAULT.withDirectPeers(Set.of(a.host.id())));
        a.subscribe();
        b.subscribe();
        a.host.knows(host);
        pair.run(Duration.ofMinutes(6)); // found at the periodic check
        pair.publish(a, new byte[] {1});
        pair.run(SECOND);
        assertThat(b.got).hasSize(1);
        assertThat(a.meshSize()).isZero();
        assertThat(b.meshSize()).isZero();
    }

    // --- the enemy's hands

    private MessageChannel connect(GossipWorld.Node to, GossipProtocol protocol) {
        enemy.handle(protocol.id(), stream -> {
            streams.add(stream);
            listen(stream, heard);
        });
        enemy.knows(to.host);
        return open(enemy, protocol);
    }

    private MessageChannel open(SimHost from, GossipProtocol protocol) {
        from.knows(victim.host);
        Stream stream = world.net.await(
                from.open(victim.host.id(), List.of(protocol.id()), OpenOptions.DEFAULT), Duration.ofSeconds(5));
        return new MessageChannel(stream, 16 << 20);
    }

    private static void listen(Stream stream, List<Rpc> into) {
        new MessageChannel(stream, 16 << 20).receive(new MessageChannel.Receiver() {
            @Override
            public void onMessage(byte[] message) {
                try {
                    into.add(RpcCodec.decode(message));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }

            @Override
            public void onEnd(boolean complete) {}

            @Override
            public void onReset(Throwable cause) {}
        });
    }

    private byte[] published() {
        friend.gossip.publish(TOPIC, new byte[] {8});
        world.run(Duration.ofMillis(200));
        assertThat(victim.got).hasSize(1);
        return victim.got.get(0).id().toBytes();
    }

    private void graft() {
        Rpc rpc = new Rpc();
        rpc.graft.add(TOPIC);
        send(rpc);
    }

    private void say(Message message) {
        Rpc rpc = new Rpc();
        rpc.messages.add(message);
        send(rpc);
    }

    private void send(Rpc rpc) {
        channel.send(RpcCodec.encode(rpc));
    }

    private double scoreOfEnemy() {
        return world.net.await(victim.gossip.score(enemy.id()), SECOND);
    }
}
