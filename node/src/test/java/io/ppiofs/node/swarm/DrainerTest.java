package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.swarm.FakePeers.FakePeer;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The drainer against peers in memory that fail on command. */
@Tag("long")
class DrainerTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final SecureRandom RANDOM = new SecureRandom();

    @TempDir
    Path directory;

    private final NetworkId network = NetworkId.LOCAL;
    private final IdentityKey tenant = IdentityKey.generate(RANDOM);
    private final FakePeers peers = new FakePeers();
    private final HolderTrust trust = new HolderTrust();
    private final MemoryBlockStore local = new MemoryBlockStore();
    private BlockStore blocks = local;
    private Backlog backlog = new Backlog();
    private GroupBook book;
    private Drainer drainer;

    @BeforeEach
    void open() {
        book = GroupBook.open(directory.resolve("groups"), network);
    }

    @AfterEach
    void close() {
        if (drainer != null) {
            drainer.close();
        }
        book.close();
    }

    private void start(int copies, int groupBlocks) {
        DrainOptions options = DrainOptions.of(Scheme.copies(copies))
                .withGroups(1 << 20, groupBlocks)
                .withTimes(Duration.ofMillis(20), Duration.ofMillis(20), Duration.ofMillis(200))
                .withGrace(Duration.ofMillis(300));
        drainer = new Drainer("test", blocks, local, book, backlog, peers, trust, tenant, network, options);
        drainer.start(() -> {});
    }

    private void restart() {
        backlog = new Backlog();
        start(2, 1_000);
    }

    private FakePeer peer() {
        return peers.add();
    }

    private List<Cid> write(int count) {
        List<Cid> cids = RandomBlocks.put(local, count, i -> 1000 + i % 7);
        backlog.add(cids);
        return cids;
    }

    private void awaitEmpty() {
        await().atMost(SOON).untilAsserted(() -> assertThat(backlog.size()).isZero());
    }

    private static void assertHolds(FakePeer peer, List<Cid> cids) {
        await().atMost(SOON).untilAsserted(() -> assertThat(peer.blocks).containsKeys(cids.toArray(Cid[]::new)));
    }

    @Test
    void every_block_gets_its_copies_in_groups_that_close_when_full() {
        List<FakePeer> three = List.of(peer(), peer(), peer());
        start(3, 10);
        List<Cid> cids = write(35);
        awaitEmpty();
        for (FakePeer peer : three) {
            assertHolds(peer, cids);
        }
        assertThat(cids).allMatch(book::contains);
        List<Cid> more = write(1);
        awaitEmpty();
        long closed = book.groups().stream().filter(g -> !g.isOpen()).count();
        assertThat(closed).isGreaterThanOrEqualTo(1);
        for (Group group : book.groups()) {
            if (!group.isOpen()) {
                Cid inventory = group.table().inventory();
                assertThat(three.get(0).blocks).containsKey(inventory);
                byte[] bytes = new byte[three.get(0).blocks.get(inventory).remaining()];
                three.get(0).blocks.get(inventory).duplicate().get(bytes);
                assertThat(Inventory.decode(bytes).entries()).hasSize(group.blocks());
            }
        }
        assertHolds(three.get(2), more);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(drainer.facts().tolerates()).isEqualTo(2));
    }

    @Test
    void a_block_on_one_of_three_peers_is_placed_but_not_firm_until_a_second_one_has_it() {
        peer();
        FakePeer second = peer();
        FakePeer third = peer();
        backlog.countCopies();
        start(3, 100);
        write(3);
        await().atMost(SOON).until(() -> backlog.isFirmUpTo(backlog.position()));
        second.down = true;
        third.down = true;
        write(2);
        long position = backlog.position();
        awaitEmpty();
        assertThat(backlog.isDoneUpTo(position)).isTrue();
        assertThat(backlog.isFirmUpTo(position)).isFalse();
        assertThat(backlog.isFirmUpTo(position - 2)).isTrue();
        second.down = false;
        await().atMost(SOON).until(() -> backlog.isFirmUpTo(position));
    }

    @Test
    void one_peer_is_enough_to_begin_and_others_are_taken_when_they_come() {
        FakePeer first = peer();
        start(3, 100);
        List<Cid> cids = write(20);
        awaitEmpty();
        assertHolds(first, cids);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(drainer.facts().degraded()).isEqualTo(1));
        assertThat(drainer.facts().tolerates()).isZero();
        FakePeer second = peer();
        FakePeer third = peer();
        assertHolds(second, cids);
        assertHolds(third, cids);
        await().atMost(SOON).untilAsserted(() -> {
            assertThat(drainer.facts().degraded()).isZero();
            assertThat(drainer.facts().tolerates()).isEqualTo(2);
        });
    }

    @Test
    void without_a_peer_the_backlog_stays_and_says_why() {
        start(3, 100);
        List<Cid> cids = write(5);
        await().atMost(SOON).untilAsserted(() -> assertThat(drainer.trouble()).contains("no peer has room"));
        assertThat(backlog.size()).isEqualTo(5);
        FakePeer late = peer();
        awaitEmpty();
        assertHolds(late, cids);
    }

    @Test
    void a_block_that_is_damaged_here_is_refused_by_the_peers_and_named_here() {
        List<FakePeer> three = List.of(peer(), peer(), peer());
        Cid damaged = SwarmReader.asBlock(new byte[] {1, 2, 3}).cid();
        local.put(List.of(new StoredBlock(damaged, ByteBuffer.wrap(new byte[] {1, 2, 4}))));
        backlog.add(List.of(damaged));
        List<Cid> good = write(5);
        start(3, 100);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(drainer.trouble()).contains("its bytes do not have this name"));
        for (FakePeer peer : three) {
            assertThat(peer.blocks).containsOnlyKeys(good);
            assertThat(peer.corrupt).isEqualTo(1);
        }
        assertThat(backlog.size()).isEqualTo(1);
        assertThat(book.contains(damaged)).isFalse();
    }

    @Test
    void what_a_peer_missed_while_it_was_down_it_gets_when_it_is_back() {
        FakePeer a = peer();
        FakePeer b = peer();
        start(2, 1000);
        List<Cid> before = write(5);
        awaitEmpty();
        assertHolds(b, before);
        b.down = true;
        List<Cid> meanwhile = write(5);
        awaitEmpty();
        assertHolds(a, meanwhile);
        b.down = false;
        assertHolds(b, meanwhile);
    }

    @Test
    void a_peer_that_stays_away_is_replaced() {
        FakePeer a = peer();
        FakePeer b = peer();
        start(2, 1000);
        List<Cid> cids = write(12);
        awaitEmpty();
        assertHolds(b, cids);
        b.down = true;
        FakePeer c = peer();
        assertHolds(c, cids);
        await().atMost(SOON).untilAsserted(() -> {
            for (Group group : book.groups()) {
                assertThat(group.holders()).containsExactlyInAnyOrder(a.id(), c.id());
            }
        });
    }

    @Test
    void what_is_not_here_any_more_its_new_holder_fetches_itself() {
        replaceWithNothingHere(true);
    }

    @Test
    void a_new_holder_that_fetches_nothing_is_sent_what_has_to_be_fetched() {
        replaceWithNothingHere(false);
    }

    private void replaceWithNothingHere(boolean restores) {
        FakePeer a = peer();
        FakePeer b = peer();
        MemoryBlockStore swarm = new MemoryBlockStore();
        blocks = swarm;
        start(2, 1000);
        List<Cid> cids = write(12);
        awaitEmpty();
        assertHolds(a, cids);
        assertHolds(b, cids);
        swarm.put(cids.stream()
                .map(cid -> new StoredBlock(cid, a.blocks.get(cid).duplicate()))
                .toList());
        local.delete(cids);
        FakePeer c = peer();
        c.restores = restores;
        b.down = true;
        assertHolds(c, cids);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(drainer.facts().degraded()).isZero());
        assertThat(c.restored).isEqualTo(restores ? cids.size() : 0);
        for (Group group : book.groups()) {
            assertThat(group.holders()).containsExactlyInAnyOrder(a.id(), c.id());
        }
        // the inventory in any case
        assertThat(c.received).isEqualTo(restores ? 1 : 1 + cids.size());
    }

    @Test
    void what_a_leaving_peer_holds_is_closed_new_blocks_go_elsewhere_and_who_has_it_next_is_learnt() {
        FakePeer a = peer();
        FakePeer b = peer();
        start(2, 1000);
        List<Cid> cids = write(12);
        awaitEmpty();
        assertHolds(b, cids);
        b.leaving = true;
        Group group = book.groups().get(0);
        List<Cid> alone = write(3);
        awaitEmpty();
        assertThat(group.isOpen()).as("nobody else could have it").isTrue();
        FakePeer c = peer();
        await().atMost(SOON).until(() -> !group.isOpen());
        List<Cid> later = write(4);
        awaitEmpty();
        assertHolds(c, later);
        assertThat(b.blocks).doesNotContainKeys(later.toArray(Cid[]::new));
        assertThat(group.holders()).as("it gives its slots away itself").containsExactly(a.id(), b.id());

        assertHolds(b, alone);
        c.blocks.putAll(b.blocks);
        c.slots.putAll(b.slots);
        c.slots.put(new FakePeers.Place(group.id(), 1), c.blocks.keySet());
        SlotTable.Signed moved = group.table().moved(List.of(a.id(), c.id())).sign(b.key, network);
        List.of(a, b, c).forEach(peer -> peer.tables.put(group.id(), moved));
        await().atMost(SOON).untilAsserted(() -> assertThat(group.holders()).containsExactly(a.id(), c.id()));
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(drainer.facts().tolerates()).isEqualTo(1));
        await("it is the tenant's table again")
                .atMost(SOON)
                .until(() -> c.tables.get(group.id()).byTenant());
    }

    @Test
    void a_peer_that_lost_its_disk_is_noticed_and_filled_again() {
        peer();
        FakePeer b = peer();
        start(2, 1000);
        List<Cid> cids = write(12);
        awaitEmpty();
        assertHolds(b, cids);
        b.loseEverything();
        assertHolds(b, cids);
    }

    @Test
    void a_peer_that_refuses_is_passed_over() {
        FakePeer a = peer();
        a.refuses = true;
        FakePeer b = peer();
        start(2, 100);
        List<Cid> cids = write(4);
        awaitEmpty();
        assertHolds(b, cids);
        assertThat(a.blocks).isEmpty();
    }

    @Test
    void the_book_is_the_same_after_a_restart_and_a_torn_end_is_cut_off() throws Exception {
        peer();
        start(1, 7);
        List<Cid> cids = write(20);
        awaitEmpty();
        drainer.close();
        Map<GroupId, Integer> blocks = new HashMap<>();
        book.groups().forEach(g -> blocks.put(g.id(), g.blocks()));
        book.close();
        Group open = book.groups().stream()
                .filter(Group::isOpen)
                .findFirst()
                .orElse(book.groups().get(0));
        Path file = directory.resolve("groups").resolve(open.id() + ".blocks");
        java.nio.file.Files.write(file, new byte[] {1, 2, 3, 4, 5}, java.nio.file.StandardOpenOption.APPEND);
        book = GroupBook.open(directory.resolve("groups"), network);
        assertThat(cids).allMatch(book::contains);
        Map<GroupId, Integer> again = new HashMap<>();
        book.groups().forEach(g -> again.put(g.id(), g.blocks()));
        assertThat(again).isEqualTo(blocks);
        assertThat(new LinkedHashSet<>(book.entries(open))).hasSize(open.blocks());
    }

    @Test
    void who_has_not_what_it_says_it_has_is_replaced_and_gets_no_new_groups() {
        List<FakePeer> three = List.of(peer(), peer(), peer());
        start(3, 10);
        List<Cid> cids = write(25);
        awaitEmpty();
        FakePeer liar = three.get(1);
        liar.hollow = true;
        await().atMost(SOON).until(() -> trust.isDistrusted(liar.id()));
        await("it is not counted on").atMost(SOON).until(() -> drainer.facts().tolerates() == 1);
        FakePeer fourth = peer();
        assertHolds(fourth, cids);
        await("its slots are others'")
                .atMost(SOON)
                .until(() -> book.groups().stream()
                        .noneMatch(group -> group.holders().contains(liar.id())));
        await().atMost(SOON).until(() -> drainer.facts().tolerates() == 2);
        write(25);
        awaitEmpty();
        assertThat(book.groups()).noneMatch(group -> group.holders().contains(liar.id()));
    }

    @Test
    void where_there_is_nobody_else_one_that_was_caught_still_gets_copies() {
        FakePeer only = peer();
        only.hollow = true; // it proves nothing before the test has looked
        for (int i = 0; i < 3; i++) {
            trust.broke(only.id());
        }
        assertThat(trust.isDistrusted(only.id())).isTrue();
        start(1, 10);
        List<Cid> cids = write(5);
        awaitEmpty();
        assertHolds(only, cids);
        assertThat(drainer.facts().degraded()).isEqualTo(1);
        only.hollow = false;
        await("it has proven itself").atMost(SOON).until(() -> drainer.facts().degraded() == 0);
        assertThat(trust.isDistrusted(only.id())).isFalse();
    }

    @Test
    void nobody_waits_for_a_holder_that_takes_blocks_much_more_slowly_and_it_is_replaced() {
        List<FakePeer> three = List.of(peer(), peer(), peer());
        FakePeer slow = three.get(2);
        start(3, 1_000);
        write(5);
        awaitEmpty();
        slow.slow = true;
        List<Cid> cids = write(5);
        awaitEmpty();
        assertHolds(three.get(0), cids);
        int asked = slow.puts;
        for (int i = 0; i < 20; i++) {
            cids.addAll(write(1));
            awaitEmpty();
        }
        assertThat(slow.puts - asked)
                .as("puts to the slow one while others went on")
                .isLessThan(10);
        assertThat(drainer.facts().degraded()).isEqualTo(1);
        FakePeer fourth = peer();
        assertHolds(fourth, cids);
        await().atMost(SOON).until(() -> drainer.facts().tolerates() == 2);
    }

    @Test
    void one_that_consents_and_then_has_no_space_is_replaced_and_gets_no_new_groups() {
        FakePeer full = peer();
        full.full = true;
        List<FakePeer> two = List.of(peer(), peer());
        start(3, 10);
        List<Cid> cids = write(5);
        awaitEmpty();
        assertHolds(two.get(0), cids);
        FakePeer fourth = peer();
        assertHolds(fourth, cids);
        await().atMost(SOON).until(() -> drainer.facts().tolerates() == 2);
        cids.addAll(write(40));
        awaitEmpty();
        assertHolds(fourth, cids);
        assertThat(book.groups()).noneMatch(group -> group.holders().contains(full.id()));
    }

    @Test
    void a_slow_holder_that_is_quick_again_gets_what_it_lacks() {
        List<FakePeer> three = List.of(peer(), peer(), peer());
        FakePeer slow = three.get(2);
        start(3, 1_000);
        write(1);
        awaitEmpty();
        slow.slow = true;
        List<Cid> cids = write(5);
        awaitEmpty();
        slow.slow = false;
        assertHolds(slow, cids);
        await().atMost(SOON).until(() -> drainer.facts().degraded() == 0);
    }

    @Test
    void cheats_do_not_hand_a_slot_to_each_other_while_there_is_an_honest_peer() {
        FakePeer slow = peer();
        FakePeer good = peer();
        start(2, 1_000);
        write(1);
        awaitEmpty();
        slow.slow = true;
        FakePeer full = peer(); // is always proposed before the honest one that comes later
        full.full = true;
        List<Cid> cids = write(5);
        awaitEmpty();
        assertHolds(good, cids);
        await("the full one has had its turn").atMost(SOON).until(() -> full.puts > 0);
        FakePeer honest = peer();
        assertHolds(honest, cids);
        await().atMost(SOON).until(() -> drainer.facts().tolerates() == 1);
    }

    @Test
    void one_that_is_the_only_one_to_lack_something_and_takes_nothing_is_found_out_after_a_restart() {
        List<FakePeer> two = List.of(peer(), peer());
        start(2, 1_000);
        List<Cid> cids = write(5);
        awaitEmpty();
        two.forEach(peer -> assertHolds(peer, cids));
        drainer.close();
        // its disk was lost while the writer was away, and it dawdles: no race with others shows it
        two.get(0).loseEverything();
        two.get(0).slow = true;
        FakePeer third = peer();
        restart();
        assertHolds(third, cids);
        await().atMost(SOON).until(() -> drainer.facts().tolerates() == 1);
    }

    @Test
    void one_that_does_not_serve_what_it_took_loses_its_slots_although_it_answers() {
        List<FakePeer> two = List.of(peer(), peer());
        start(2, 1_000);
        List<Cid> cids = write(5);
        awaitEmpty();
        two.get(1).dawdles = true;
        FakePeer third = peer();
        assertHolds(third, cids);
        await().atMost(SOON)
                .until(() -> book.groups().stream()
                        .noneMatch(group -> group.holders().contains(two.get(1).id())));
    }

    @Test
    void a_full_holder_keeps_what_it_has_whole() {
        List<FakePeer> two = List.of(peer(), peer());
        start(2, 10);
        List<Cid> whole = write(10);
        awaitEmpty();
        two.forEach(peer -> assertHolds(peer, whole));
        two.get(1).full = true;
        List<Cid> more = write(5);
        awaitEmpty();
        FakePeer third = peer();
        assertHolds(third, more);
        await().atMost(SOON).until(() -> drainer.facts().tolerates() == 1);
        assertThat(third.blocks).doesNotContainKeys(whole.toArray(Cid[]::new));
    }

    @Test
    void a_peer_that_refuses_a_slot_does_not_keep_others_from_it() {
        FakePeer first = peer();
        start(2, 100);
        List<Cid> cids = write(5);
        awaitEmpty();
        assertHolds(first, cids);
        peer().refuses = true;
        FakePeer third = peer();
        assertHolds(third, cids);
    }
}
