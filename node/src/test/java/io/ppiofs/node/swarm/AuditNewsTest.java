package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.fs.volume.Capability;
import io.ppiofs.fs.volume.Secret;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.audit.AuditOutcome;
import io.ppiofs.node.audit.FailureListener;
import io.ppiofs.node.audit.VerifierClaim;
import io.ppiofs.node.audit.VerifierDraw;
import io.ppiofs.overlay.audit.AuditAnswer;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotTable;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A topic on which everybody hears everybody, himself included, at once. */
@Tag("quick")
class AuditNewsTest {
    private static final NetworkId NETWORK = NetworkId.LOCAL;
    private static final byte[] KEY = new byte[48];
    private static final byte[] SECRET = new byte[32];

    private final Capability.Verify capability = new Capability.ReadWrite(Secret.of(new byte[Secret.LENGTH]))
            .readOnly(0)
            .verify();
    private final List<AuditTopics.Listener> listeners = new ArrayList<>();
    private int told;
    private long now = 1_700_000_000_000L;

    private final AuditTopics.Topic topic = new AuditTopics.Topic() {
        @Override
        public void tell(byte[] record) {
            told++;
            List.copyOf(listeners).forEach(one -> AuditTopics.read(record, NETWORK, one));
        }

        @Override
        public Gossip.Subscription listen(AuditTopics.Listener listener) {
            listeners.add(listener);
            return new Gossip.Subscription() {
                @Override
                public String topic() {
                    return "audit";
                }

                @Override
                public void close() {
                    listeners.remove(listener);
                }
            };
        }
    };

    private static IdentityKey node(int number) {
        byte[] seed = new byte[32];
        seed[0] = (byte) number;
        return IdentityKey.ofSeed(seed);
    }

    /** What was heard. */
    private static final class Heard implements FailureListener {
        private final List<AuditAsk> questions = new ArrayList<>();
        private final List<Integer> slots = new ArrayList<>();

        @Override
        public void hear(AuditAsk question, AuditAnswer answer) {
            questions.add(question);
        }

        @Override
        public void hear(GroupId group, int slot) {
            slots.add(slot);
        }
    }

    private AuditNews news(int number, Capability.Verify of, FailureListener listener) {
        AuditNews news = new AuditNews(of, node(number).peerId(), topic, NETWORK, () -> now);
        news.start(listener);
        return news;
    }

    private AuditNews verifier(int number) {
        AuditNews news = news(number, capability, new Heard());
        news.claims(KEY, SECRET);
        return news;
    }

    private void pass(Duration time, List<AuditNews> all) {
        for (long passed = 0; passed < time.toMillis(); passed += 1_000) {
            now += 1_000;
            all.forEach(AuditNews::step);
        }
    }

    @Test
    void verifiers_and_the_writer_know_each_other_soon_and_forget_who_is_gone() {
        AuditNews writer = news(0, capability, new Heard());
        AuditNews first = verifier(1);
        List<AuditNews> all = new ArrayList<>(List.of(writer, first));
        pass(Duration.ofSeconds(5), all);
        assertThat(writer.others()).containsExactly(node(1).peerId());
        assertThat(first.others()).as("the writer is none").isEmpty();

        AuditNews second = verifier(2);
        all.add(second);
        pass(Duration.ofSeconds(5), all);
        assertThat(first.others()).containsExactly(node(2).peerId());
        assertThat(second.others()).as("told anew because of it").containsExactly(node(1).peerId());
        assertThat(writer.others()).hasSize(2);
        int before = told;
        pass(Duration.ofMinutes(10), all);
        assertThat(told - before).as("two every two minutes").isBetween(9, 11);

        second.close();
        all.remove(second);
        pass(Duration.ofMinutes(11), all);
        assertThat(writer.others()).containsExactly(node(1).peerId());
        assertThat(first.others()).isEmpty();
    }

    @Test
    void who_has_another_volumes_capability_or_an_old_claim_is_not_heard() {
        AuditNews writer = news(0, capability, new Heard());
        Capability.Verify other = new Capability.ReadWrite(Secret.of(filled((byte) 7)))
                .readOnly(0)
                .verify();
        AuditNews stranger = news(1, other, new Heard());
        stranger.claims(KEY, SECRET);
        stranger.step();
        assertThat(told).isEqualTo(1);
        IdentityKey verifiers = IdentityKey.ofSeed(capability.verifiersSeed().bytes());
        long hour = Duration.ofHours(1).toMillis();
        for (long when : new long[] {now - hour, now + hour}) {
            topic.tell(VerifierClaim.sign(node(2).peerId(), KEY, when, verifiers, NETWORK));
        }
        assertThat(writer.others()).isEmpty();
        topic.tell(VerifierClaim.sign(node(2).peerId(), KEY, now, verifiers, NETWORK));
        assertThat(writer.others()).containsExactly(node(2).peerId());
        for (int i = 3; i < 120; i++) {
            topic.tell(VerifierClaim.sign(node(i).peerId(), KEY, now, verifiers, NETWORK));
        }
        assertThat(writer.others()).hasSize(16);
    }

    /** Somebody who has the capability claims as many names as are counted. */
    @Test
    void names_that_somebody_made_up_do_not_keep_a_verifier_from_a_slot_for_long() {
        AuditNews honest = verifier(1);
        SlotTable table = new SlotTable(
                node(90).peerId(),
                GroupId.of(new byte[GroupId.LENGTH]),
                1,
                Scheme.copies(2),
                SlotTable.State.CLOSED,
                List.of(node(91).peerId(), node(92).peerId()),
                Cid.of(ByteBuffer.allocate(3)));
        IdentityKey verifiers = IdentityKey.ofSeed(capability.verifiersSeed().bytes());
        for (int i = 2; i < 80; i++) {
            topic.tell(VerifierClaim.sign(node(i).peerId(), KEY, now, verifiers, NETWORK));
        }
        assertThat(honest.others()).hasSize(16);
        int drawn = 0;
        for (long window = 0; window < 40; window++) {
            long first = window * VerifierDraw.WINDOW;
            List<Long> audited = LongStream.range(first, first + VerifierDraw.WINDOW)
                    .filter(epoch -> honest.isDrawn(table, 0, epoch))
                    .boxed()
                    .toList();
            assertThat(audited).as("window %d", window).isNotEmpty();
            drawn += audited.size();
        }
        assertThat(drawn).as("about one in eight, and two in 17 by the draw").isLessThan(40 * VerifierDraw.WINDOW / 2);
    }

    private static byte[] filled(byte value) {
        byte[] bytes = new byte[Secret.LENGTH];
        Arrays.fill(bytes, value);
        return bytes;
    }

    private static AuditOutcome failure(boolean answered) {
        AuditAsk question = new AuditAsk(
                node(9).peerId(),
                GroupId.of(new byte[GroupId.LENGTH]),
                4,
                Cid.of(ByteBuffer.allocate(3)),
                1_700_000_000L,
                460,
                1,
                KEY,
                new byte[96],
                new byte[0]);
        @Nullable AuditAnswer answer = answered ? AuditAnswer.sign(question, new byte[80], node(8), NETWORK) : null;
        PeerId holder = node(8).peerId();
        return new AuditOutcome(
                AuditOutcome.Result.FAIL,
                holder,
                question,
                460,
                Duration.ZERO,
                Duration.ofSeconds(9),
                "why",
                answer,
                new byte[0]);
    }

    @Test
    void failures_are_heard_with_their_answer_or_as_hearsay_and_only_of_the_volumes_verifiers() {
        Heard heard = new Heard();
        AuditNews writer = news(0, capability, heard);
        AuditNews verifier = verifier(1);
        verifier.tell(failure(true));
        verifier.tell(failure(false));
        assertThat(heard.questions).hasSize(1);
        assertThat(heard.questions.get(0).slot()).isEqualTo(4);
        assertThat(heard.slots).containsExactly(4);
        Capability.Verify other = new Capability.ReadWrite(Secret.of(filled((byte) 7)))
                .readOnly(0)
                .verify();
        news(2, other, new Heard()).tell(failure(true));
        writer.close();
        verifier.tell(failure(true));
        assertThat(heard.questions).hasSize(1);
    }
}
