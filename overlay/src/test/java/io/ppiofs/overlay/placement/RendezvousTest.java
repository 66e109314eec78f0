package io.ppiofs.overlay.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Nodes with virtual disks: numbers only. */
@Tag("quick")
class RendezvousTest {
    private static final long MIB = 1 << 20;

    private final Random random = new Random(20_261_120);
    private final Rendezvous rendezvous = new Rendezvous(bytes(16));

    private byte[] bytes(int n) {
        byte[] bytes = new byte[n];
        random.nextBytes(bytes);
        return bytes;
    }

    private PeerId peer() {
        return IdentityKey.ofSeed(bytes(32)).peerId();
    }

    private Candidate node(long capacity) {
        return node(capacity, "", Set.of(), Reachability.PUBLIC, 1);
    }

    private Candidate node(
            long capacity, String domain, Set<NetworkPrefix> prefixes, Reachability reachability, double score) {
        return new Candidate(peer(), capacity, capacity, domain, prefixes, reachability, score);
    }

    private GroupId group() {
        return GroupId.of(bytes(GroupId.LENGTH));
    }

    private List<Candidate> nodes(int count) {
        List<Candidate> nodes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            nodes.add(node((500 + random.nextInt(1_500)) * 1024 * MIB));
        }
        return nodes;
    }

    /** Places groups one after the other; bytes by peer. */
    private Map<PeerId, Long> place(
            List<Candidate> nodes, List<GroupId> groups, long bytes, Map<GroupId, Proposal> into) {
        Map<PeerId, Long> disks = new HashMap<>();
        for (GroupId group : groups) {
            Proposal proposal = rendezvous.propose(group, 3, bytes, nodes, peer -> disks.getOrDefault(peer, 0L));
            assertThat(new HashSet<>(proposal.holders())).hasSize(3);
            proposal.holders().forEach(peer -> disks.merge(peer, bytes, Long::sum));
            into.put(group, proposal);
        }
        return disks;
    }

    private static double maxToMean(List<Candidate> nodes, Map<PeerId, Long> disks) {
        double max = 0;
        double bytes = 0;
        double capacity = 0;
        for (Candidate node : nodes) {
            long used = disks.getOrDefault(node.peer(), 0L);
            max = Math.max(max, (double) used / node.capacity());
            bytes += used;
            capacity += node.capacity();
        }
        return max / (bytes / capacity);
    }

    private List<GroupId> groups(int count) {
        List<GroupId> groups = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            groups.add(group());
        }
        return groups;
    }

    @Test
    void a_hundred_disks_fill_evenly_with_a_hundred_thousand_blocks() {
        List<Candidate> nodes = nodes(100);
        double inGroups = maxToMean(nodes, place(nodes, groups(100_000 / 256), 256 * MIB, new HashMap<>()));
        double small = maxToMean(nodes, place(nodes, groups(100_000 / 16), 16 * MIB, new HashMap<>()));
        System.out.printf("placement: max/mean of fill %.3f in groups of 256 MiB, %.3f of 16 MiB%n", inGroups, small);
        assertThat(inGroups).isLessThanOrEqualTo(1.3);
        assertThat(small).isLessThanOrEqualTo(1.3);
    }

    @Test
    void one_more_node_moves_its_fair_share_and_nothing_between_others() {
        List<Candidate> nodes = nodes(100);
        List<GroupId> groups = groups(20_000);
        Map<GroupId, Proposal> placed = new HashMap<>();
        place(nodes, groups, MIB, placed);
        Map<PeerId, Candidate> byPeer = new HashMap<>();
        nodes.forEach(n -> byPeer.put(n.peer(), n));
        Candidate newcomer = node(1_250 * 1024 * MIB);
        int moved = 0;
        for (GroupId group : groups) {
            List<@Nullable Candidate> holders = new ArrayList<>();
            placed.get(group).holders().forEach(peer -> holders.add(byPeer.get(peer)));
            moved += rendezvous.yields(group, holders, newcomer) >= 0 ? 1 : 0;
        }
        double capacity = nodes.stream().mapToDouble(Candidate::capacity).sum() + newcomer.capacity();
        double fair = 3.0 * groups.size() * newcomer.capacity() / capacity;
        System.out.printf("placement: a new node takes %.3f of its fair share%n", moved / fair);
        assertThat(moved / fair).isBetween(0.6, 1.5);
    }

    @Test
    void a_node_that_grinds_its_id_gains_nothing_without_the_salt() {
        List<Candidate> nodes = nodes(50);
        List<GroupId> groups = groups(3_000);
        Rendezvous guess = new Rendezvous(bytes(16));
        long capacity = 1_000 * 1024 * MIB;
        Candidate best = node(capacity);
        long bestWins = -1;
        for (int i = 0; i < 200; i++) {
            Candidate tried = node(capacity);
            long wins = groups.subList(0, 300).stream()
                    .filter(g -> nodes.stream().limit(10).allMatch(n -> guess.rank(g, n) < guess.rank(g, tried)))
                    .count();
            if (wins > bestWins) {
                bestWins = wins;
                best = tried;
            }
        }
        List<Candidate> all = new ArrayList<>(nodes);
        all.add(best);
        PeerId grinder = best.peer();
        long won = groups.stream()
                .filter(g ->
                        rendezvous.propose(g, 3, MIB, all, peer -> 0).holders().contains(grinder))
                .count();
        double fair = 3.0
                * groups.size()
                * capacity
                / all.stream().mapToDouble(Candidate::capacity).sum();
        assertThat(won / fair).isBetween(0.7, 1.3);
    }

    @Test
    void slots_lie_in_different_domains_and_prefixes_while_there_is_a_choice() {
        List<Candidate> nodes = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            Set<NetworkPrefix> prefix = Set.of(new NetworkPrefix("10.0." + i % 10 + ".0/24"));
            nodes.add(node(1000 * MIB, "room" + i % 4, prefix, Reachability.PUBLIC, 1));
        }
        Map<PeerId, Candidate> byPeer = new HashMap<>();
        nodes.forEach(n -> byPeer.put(n.peer(), n));
        for (int i = 0; i < 200; i++) {
            List<PeerId> three =
                    rendezvous.propose(group(), 3, MIB, nodes, p -> 0).holders();
            assertThat(three.stream().map(p -> byPeer.get(p).domain())).doesNotHaveDuplicates();
            assertThat(three.stream().map(p -> byPeer.get(p).prefixes())).doesNotHaveDuplicates();
            List<PeerId> six =
                    rendezvous.propose(group(), 6, MIB, nodes, p -> 0).holders();
            assertThat(six).doesNotHaveDuplicates();
            assertThat(six.stream().map(p -> byPeer.get(p).domain()).distinct()).hasSize(4);
        }
    }

    @Test
    void fewer_peers_than_slots_hold_several_and_the_tolerance_is_what_it_is() {
        List<Candidate> two = nodes(2);
        Scheme three = Scheme.copies(3);
        Proposal copies = rendezvous.propose(group(), 3, MIB, two, p -> 0);
        assertThat(copies.holders()).hasSize(3);
        assertThat(copies.tolerates(three)).isEqualTo(1);
        Proposal alone = rendezvous.propose(group(), 3, MIB, two.subList(0, 1), p -> 0);
        assertThat(alone.tolerates(three)).isZero();
        assertThat(rendezvous.propose(group(), 3, MIB, List.of(), p -> 0).holders())
                .isEmpty();
        Scheme code = new Scheme(4, 2);
        assertThat(rendezvous.propose(group(), 6, MIB, nodes(6), p -> 0).tolerates(code))
                .isEqualTo(2);
        assertThat(rendezvous.propose(group(), 6, MIB, nodes(3), p -> 0).tolerates(code))
                .isEqualTo(1);
        assertThat(rendezvous.propose(group(), 6, MIB, two, p -> 0).tolerates(code))
                .isZero();
        assertThat(Proposal.tolerates(code, copies.holders())).isEqualTo(-1);
    }

    @Test
    void repair_fills_what_is_empty_and_minds_those_that_stay() {
        List<Candidate> nodes = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            nodes.add(node(1000 * MIB, "room" + i / 2, Set.of(), Reachability.PUBLIC, 1));
        }
        for (int i = 0; i < 50; i++) {
            List<PeerId> filled = rendezvous
                    .fill(
                            group(),
                            new ArrayList<>(Arrays.asList(
                                    nodes.get(0).peer(), null, nodes.get(2).peer())),
                            MIB,
                            nodes,
                            p -> 0)
                    .holders();
            assertThat(filled.get(0)).isEqualTo(nodes.get(0).peer());
            assertThat(filled.get(2)).isEqualTo(nodes.get(2).peer());
            assertThat(nodes.subList(4, 8).stream().map(Candidate::peer)).contains(filled.get(1));
        }
    }

    @Test
    void two_slots_can_be_dialled_if_two_peers_can_be() {
        List<Candidate> nodes = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            nodes.add(node(1000 * MIB, "", Set.of(), i < 2 ? Reachability.PUBLIC : Reachability.PRIVATE, 1));
        }
        Set<PeerId> diallable = Set.of(nodes.get(0).peer(), nodes.get(1).peer());
        for (int i = 0; i < 50; i++) {
            List<PeerId> holders =
                    rendezvous.propose(group(), 3, MIB, nodes, p -> 0).holders();
            assertThat(holders).doesNotHaveDuplicates().containsAll(diallable);
        }
    }

    @Test
    void who_has_no_room_or_serves_badly_is_passed_over() {
        List<Candidate> nodes = nodes(4);
        nodes.add(new Candidate(peer(), 1L << 50, 100, "", Set.of(), Reachability.PUBLIC, 1));
        nodes.add(node(1L << 50, "", Set.of(), Reachability.PUBLIC, 0.1));
        List<PeerId> bad = List.of(nodes.get(4).peer(), nodes.get(5).peer());
        for (int i = 0; i < 50; i++) {
            assertThat(rendezvous.propose(group(), 3, MIB, nodes, p -> 0).holders())
                    .doesNotContainAnyElementsOf(bad);
        }
    }
}
