package io.ppiofs.overlay.dht;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RoutingTableTest {
    private static final int K = 4;
    private static final int PER_BUCKET = 2;
    private static final int PER_TABLE = 5;

    private static PeerId peer(Random random) {
        byte[] id = new byte[34];
        random.nextBytes(id);
        id[0] = 0x12;
        id[1] = 32;
        return PeerId.fromBytes(id);
    }

    /** The table said plainly: a list per bucket, and rules read off one by one. */
    private static final class Model {
        record Member(PeerId peer, long prefix, int failures) {}

        final DhtKey own;
        final Map<Integer, List<Member>> buckets = new HashMap<>();
        final Map<Integer, List<Member>> waiting = new HashMap<>();

        Model(DhtKey own) {
            this.own = own;
        }

        int bucketOf(PeerId peer) {
            return own.commonPrefix(DhtKey.of(peer));
        }

        List<Member> all() {
            return buckets.values().stream().flatMap(List::stream).toList();
        }

        boolean fits(int bucket, long prefix) {
            return prefix == 0
                    || (all().stream().filter(m -> m.prefix == prefix).count() < PER_TABLE
                            && buckets.get(bucket).stream()
                                            .filter(m -> m.prefix == prefix)
                                            .count()
                                    < PER_BUCKET);
        }

        RoutingTable.Outcome heard(PeerId peer, long prefix) {
            int b = bucketOf(peer);
            List<Member> members = buckets.computeIfAbsent(b, i -> new ArrayList<>());
            List<Member> queue = waiting.computeIfAbsent(b, i -> new ArrayList<>());
            for (Member member : members) {
                if (member.peer.equals(peer)) {
                    members.remove(member);
                    members.add(new Member(peer, member.prefix, 0));
                    return RoutingTable.Outcome.REFRESHED;
                }
            }
            if (members.size() < K) {
                if (!fits(b, prefix)) {
                    return RoutingTable.Outcome.TOO_SIMILAR;
                }
                queue.removeIf(m -> m.peer.equals(peer));
                members.add(new Member(peer, prefix, 0));
                return RoutingTable.Outcome.ADDED;
            }
            queue.removeIf(m -> m.peer.equals(peer));
            queue.add(new Member(peer, prefix, 0));
            if (queue.size() > K / 2) {
                queue.remove(0);
            }
            return RoutingTable.Outcome.WAITING;
        }

        void failed(PeerId peer) {
            int b = bucketOf(peer);
            List<Member> members = buckets.getOrDefault(b, new ArrayList<>());
            List<Member> queue = waiting.getOrDefault(b, new ArrayList<>());
            for (int i = 0; i < members.size(); i++) {
                Member member = members.get(i);
                if (member.peer.equals(peer)) {
                    if (member.failures == 1 || !queue.isEmpty()) {
                        drop(b, member);
                    } else {
                        members.set(i, new Member(peer, member.prefix, 1));
                    }
                    return;
                }
            }
            queue.removeIf(m -> m.peer.equals(peer));
        }

        void remove(PeerId peer) {
            int b = bucketOf(peer);
            waiting.getOrDefault(b, new ArrayList<>()).removeIf(m -> m.peer.equals(peer));
            for (Member member : List.copyOf(buckets.getOrDefault(b, List.of()))) {
                if (member.peer.equals(peer)) {
                    drop(b, member);
                }
            }
        }

        private void drop(int b, Member member) {
            buckets.get(b).remove(member);
            List<Member> queue = waiting.get(b);
            for (int i = queue.size() - 1; i >= 0; i--) {
                if (fits(b, queue.get(i).prefix)) {
                    buckets.get(b).add(queue.remove(i));
                    return;
                }
            }
        }

        List<PeerId> closest(DhtKey target, int n, boolean onlyAnswering) {
            return all().stream()
                    .filter(m -> !onlyAnswering || m.failures == 0)
                    .map(Member::peer)
                    .sorted(Comparator.comparing(p -> target.distance(DhtKey.of(p))))
                    .limit(n)
                    .toList();
        }
    }

    @Test
    void behavesAsTheModelDoes() {
        long seed = new Random().nextLong();
        System.out.println("routing table against a model, seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 20; round++) {
            DhtKey own = DhtKey.of(peer(random));
            RoutingTable table = new RoutingTable(own, K, PER_BUCKET, PER_TABLE);
            Model model = new Model(own);
            List<PeerId> peers = new ArrayList<>();
            for (int i = 0; i < 120; i++) {
                peers.add(peer(random));
            }
            for (int step = 0; step < 600; step++) {
                PeerId peer = peers.get(random.nextInt(peers.size()));
                DhtKey key = DhtKey.of(peer);
                switch (random.nextInt(10)) {
                    case 0, 1 -> {
                        table.failed(peer, key);
                        model.failed(peer);
                    }
                    case 2 -> {
                        table.remove(peer, key);
                        model.remove(peer);
                    }
                    default -> {
                        long prefix = peers.indexOf(peer) % 12; // 0 is free of the limit
                        assertThat(table.heard(peer, key, prefix, step)).isEqualTo(model.heard(peer, prefix));
                    }
                }
                same(table, model, random);
            }
        }
    }

    private static void same(RoutingTable table, Model model, Random random) {
        assertThat(table.size()).isEqualTo(model.all().size());
        DhtKey target = random.nextInt(8) == 0 ? model.own : DhtKey.of(peer(random));
        int n = 1 + random.nextInt(12);
        boolean onlyAnswering = random.nextBoolean();
        assertThat(table.closest(target, n, onlyAnswering).stream().map(entry -> entry.peer))
                .containsExactlyElementsOf(model.closest(target, n, onlyAnswering));
    }

    @Test
    void itDoesNotHoldItself() {
        PeerId self = peer(new Random(1));
        RoutingTable table = new RoutingTable(DhtKey.of(self), K, PER_BUCKET, PER_TABLE);
        assertThat(table.heard(self, DhtKey.of(self), 0, 0)).isEqualTo(RoutingTable.Outcome.OWN);
        assertThat(table.failed(self, DhtKey.of(self))).isFalse();
        assertThat(table.size()).isZero();
    }

    @Test
    void theLongestUnheardIsTheOneToPing() {
        Random random = new Random(2);
        DhtKey own = DhtKey.of(peer(random));
        RoutingTable table = new RoutingTable(own, K, PER_BUCKET, PER_TABLE);
        List<PeerId> far = new ArrayList<>();
        while (far.size() < 3) {
            PeerId peer = peer(random);
            if (own.commonPrefix(DhtKey.of(peer)) == 0) {
                table.heard(peer, DhtKey.of(peer), 0, 100 + far.size());
                far.add(peer);
            }
        }
        table.heard(far.get(0), DhtKey.of(far.get(0)), 0, 200);
        DhtKey inBucket = DhtKey.of(far.get(2));
        assertThat(table.stalest(inBucket, 150).peer).isEqualTo(far.get(1));
        assertThat(table.stalest(inBucket, 101)).isNull();
        assertThat(table.stale(150)).hasSize(2);
    }

    @Test
    void prefixesAreThoseOfTheSpecificationAndPrivateOnesAreFree() {
        assertThat(prefix("/ip4/203.0.113.7/tcp/1")).isEqualTo(prefix("/ip4/203.0.113.200/udp/9/quic-v1"));
        assertThat(prefix("/ip4/203.0.113.7/tcp/1")).isNotEqualTo(prefix("/ip4/203.0.114.7/tcp/1"));
        assertThat(prefix("/ip6/2001:db8:1:2::1/tcp/1")).isEqualTo(prefix("/ip6/2001:db8:1:3::1/tcp/1"));
        assertThat(prefix("/ip6/2001:db8:1::1/tcp/1")).isNotEqualTo(prefix("/ip6/2001:db8:2::1/tcp/1"));
        Set<Long> free = new HashSet<>();
        for (String address : List.of(
                "/ip4/127.0.0.1/tcp/1",
                "/ip4/10.1.2.3/tcp/1",
                "/ip4/192.168.1.1/tcp/1",
                "/ip4/169.254.1.1/tcp/1",
                "/ip6/::1/tcp/1",
                "/ip6/fd00::1/tcp/1",
                "/ip6/fe80::1/tcp/1",
                "/dns4/example.org/tcp/1")) {
            free.add(prefix(address));
        }
        assertThat(free).containsExactly(AddressPrefix.NONE);
        assertThat(AddressPrefix.of(Multiaddr.parse("/ip4/127.0.0.1/tcp/1"), false))
                .isNotEqualTo(AddressPrefix.NONE);
    }

    private static long prefix(String address) {
        return AddressPrefix.of(Multiaddr.parse(address), true);
    }

    @Test
    void aBucketIsFullSinceThePeerThatWasHeardOfLongestAgo() {
        Random random = new Random(11);
        DhtKey own = DhtKey.of(peer(random));
        RoutingTable table = new RoutingTable(own, K, PER_BUCKET, PER_TABLE);
        List<PeerId> members = new ArrayList<>();
        while (members.size() < K) {
            PeerId peer = peer(random);
            if (own.commonPrefix(DhtKey.of(peer)) == 1) {
                assertThat(table.isFullSince(1, 0)).isFalse();
                members.add(peer);
                table.heard(peer, DhtKey.of(peer), AddressPrefix.NONE, members.size() * 10L);
            }
        }
        assertThat(table.isFullSince(1, 10)).isTrue();
        assertThat(table.isFullSince(1, 11)).isFalse();
        table.heard(members.get(0), DhtKey.of(members.get(0)), AddressPrefix.NONE, 50);
        assertThat(table.isFullSince(1, 20)).isTrue();
        assertThat(table.isFullSince(1, 21)).isFalse();
        assertThat(table.isFullSince(2, 0)).isFalse();
    }

    @Test
    void bucketsBeyondALookupOfTheOwnKeyCountAsLookedUp() {
        Random random = new Random(12);
        DhtKey own = DhtKey.of(peer(random));
        RoutingTable table = new RoutingTable(own, K, PER_BUCKET, PER_TABLE);
        for (int i = 0; i < 200; i++) {
            PeerId peer = peer(random);
            table.heard(peer, DhtKey.of(peer), AddressPrefix.NONE, 1);
        }
        List<Integer> all = table.bucketsNotLookedUpSince(5);
        assertThat(all).contains(0, 1, 2, 3, 4);
        table.lookedUpBeyond(2, 5);
        assertThat(table.bucketsNotLookedUpSince(5)).containsExactly(0, 1, 2);
        assertThat(table.bucketsNotLookedUpSince(6)).isEqualTo(all);
    }
}
