package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.fs.volume.VolumeId;
import io.ppiofs.node.audit.VerifierClaim;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.gossip.GossipMessage;
import io.ppiofs.overlay.gossip.GossipOptions;
import io.ppiofs.overlay.gossip.Validator.Verdict;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.network.RecordType;
import io.ppiofs.overlay.storage.PinnedHead;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What becomes of messages of strangers, and of the topics of volumes that are kept no more; nothing is sent. */
@Tag("quick")
class AuditTopicsTest {
    private static final Network NETWORK = Network.PUBLIC;
    private static final byte[] CLAIM =
            VerifierClaim.sign(key(1).peerId(), new byte[48], 1_700_000_000_000L, key(1), NETWORK.id());

    private long nanos;
    private final Scheduler scheduler = stub(Scheduler.class);
    private final AuditTopics topics =
            new AuditTopics(new Gossip(stub(Host.class), GossipOptions.DEFAULT), NETWORK, scheduler);

    private <T> T stub(Class<T> type) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, args) -> {
            switch (method.getName()) {
                case "nanoTime":
                    return nanos;
                case "wallMillis":
                    return 1_700_000_000_000L;
                case "scheduler":
                    return scheduler == null ? stub(Scheduler.class) : scheduler;
                case "key":
                    return key(0);
                default:
                    return null; // tasks do not run
            }
        }));
    }

    private static IdentityKey key(int number) {
        byte[] seed = new byte[32];
        seed[0] = (byte) number;
        seed[1] = (byte) (number >> 8);
        return IdentityKey.ofSeed(seed);
    }

    private Verdict judge(PeerId author, PeerId from, byte[] data) {
        return topics.judge(new GossipMessage(null, "audit", author, data, from));
    }

    @Test
    void one_author_is_heard_at_a_rate_and_others_beside_him() {
        PeerId author = key(2).peerId();
        PeerId from = key(3).peerId();
        int accepted = 0;
        for (int i = 0; i < 200; i++) {
            Verdict verdict = judge(author, from, CLAIM);
            assertThat(verdict).isNotEqualTo(Verdict.REJECT);
            accepted += verdict == Verdict.ACCEPT ? 1 : 0;
        }
        assertThat(accepted).isEqualTo(64);
        assertThat(judge(key(4).peerId(), from, CLAIM)).isEqualTo(Verdict.ACCEPT);
        nanos += Duration.ofSeconds(2).toNanos();
        assertThat(judge(author, from, CLAIM)).isEqualTo(Verdict.ACCEPT);
        assertThat(judge(author, from, CLAIM)).isEqualTo(Verdict.IGNORE);
    }

    @Test
    void new_keys_do_not_help_him_who_brings_their_messages() {
        PeerId from = key(3).peerId();
        int accepted = 0;
        for (int i = 0; i < 600; i++) {
            accepted += judge(key(10 + i).peerId(), from, CLAIM) == Verdict.ACCEPT ? 1 : 0;
        }
        assertThat(accepted).isEqualTo(512);
        assertThat(judge(key(9).peerId(), key(8).peerId(), CLAIM)).isEqualTo(Verdict.ACCEPT);
    }

    @Test
    void a_later_version_is_nobodys_fault_and_nonsense_is() {
        PeerId peer = key(2).peerId();
        byte[] later = new RecordType("audit-verifier", 2).seal(key(1), NETWORK.id(), CborMap.builder());
        assertThat(judge(peer, peer, later)).isEqualTo(Verdict.IGNORE);
        byte[] laterReport = new RecordType("audit-failure", 2).seal(key(1), NETWORK.id(), CborMap.builder());
        assertThat(judge(peer, peer, laterReport)).isEqualTo(Verdict.IGNORE);
        assertThat(judge(peer, peer, new byte[9])).isEqualTo(Verdict.REJECT);
    }

    private static PinnedHead.Signed head(int volume) {
        byte[] id = new byte[PinnedHead.VOLUME];
        id[0] = (byte) volume;
        id[1] = (byte) (volume >> 8);
        return new PinnedHead.Signed(new PinnedHead(key(1).peerId(), id, 1, new byte[0]), new byte[0]);
    }

    private boolean relays(int volume) {
        return topics.relays(VolumeId.of(head(volume).pin().volume()));
    }

    @Test
    void a_volume_that_is_kept_no_more_makes_room() {
        for (int i = 0; i < 1_100; i++) {
            topics.relay(head(i));
        }
        assertThat(relays(1_023)).isTrue();
        assertThat(relays(1_024)).isFalse();
        topics.relayOnly(List.of(head(3), head(1_024)));
        assertThat(relays(3)).isTrue();
        assertThat(relays(4)).isFalse();
        topics.relay(head(1_024));
        assertThat(relays(1_024)).isTrue();
    }
}
