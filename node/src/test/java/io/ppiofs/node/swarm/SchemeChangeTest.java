package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.erasure.ReedSolomon;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.swarm.FakePeers.FakePeer;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.Stripe;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Volumes whose closed groups are stripes, and whose scheme changes while they are written, against a map of blocks. */
@Tag("long")
class SchemeChangeTest {
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final SecureRandom SECRETS = new SecureRandom();
    private static final int GROUP = 20;

    @TempDir
    Path directory;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final IdentityKey tenant = IdentityKey.generate(SECRETS);
    private final FakePeers peers = new FakePeers();
    private final MemoryBlockStore local = new MemoryBlockStore();
    private final Map<Cid, ByteBuffer> model = new LinkedHashMap<>();
    private volatile boolean publishes = true;
    private Backlog backlog = new Backlog();
    private GroupBook book;
    private Drainer drainer;

    @BeforeEach
    void open() {
        book = GroupBook.open(directory.resolve("groups"), NetworkId.LOCAL);
    }

    @AfterEach
    void close() {
        if (drainer != null) {
            drainer.close();
        }
        book.close();
    }

    private void start(String scheme) {
        start(DrainOptions.of(Scheme.parse(scheme))
                .withGroups(1 << 20, GROUP)
                .withTimes(Duration.ofMillis(20), Duration.ofMillis(20), Duration.ofMinutes(10)));
    }

    private void start(DrainOptions options) {
        backlog = new Backlog();
        drainer = new Drainer(
                "test", local, local, book, backlog, peers, new HolderTrust(), tenant, NetworkId.LOCAL, options);
        Drainer started = drainer;
        drainer.start(() -> {
            if (publishes) {
                started.published(book.current());
            }
        });
    }

    private void restart(String scheme) {
        drainer.close();
        book.close();
        book = GroupBook.open(directory.resolve("groups"), NetworkId.LOCAL);
        start(scheme);
    }

    private void peers(int count) {
        for (int i = 0; i < count; i++) {
            peers.add();
        }
    }

    /** Writes as many full groups, and the beginning of one more. */
    private void writeGroups(int count) {
        for (int i = 0; i < count; i++) {
            write(GROUP);
            awaitPlaced();
        }
        write(3);
        awaitPlaced();
    }

    private void awaitPlaced() {
        await().atMost(SOON).until(() -> backlog.size() == 0);
    }

    private void write(int count) {
        List<Cid> cids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] bytes = new byte[1 + random.nextInt(5000)];
            random.nextBytes(bytes);
            StoredBlock block = SwarmReader.asBlock(bytes);
            local.put(List.of(block));
            model.put(block.cid(), ByteBuffer.wrap(bytes));
            cids.add(block.cid());
        }
        backlog.add(cids);
    }

    /** @param others groups that are allowed to be open, and copies */
    private boolean isKeptAs(Scheme scheme, int others) {
        List<Group> groups = book.groups();
        return backlog.size() == 0
                && groups.stream().allMatch(Group::isCurrent)
                && groups.stream()
                                .filter(g -> g.isOpen() || !g.scheme().equals(scheme))
                                .count()
                        <= others;
    }

    private void awaitKeptAs(String scheme) {
        Scheme wanted = Scheme.parse(scheme);
        await("kept as " + scheme).atMost(SOON).until(() -> isKeptAs(wanted, 1));
    }

    // ---- reading, as a machine does that has nothing but the book
    // --------------------------------------------------------

    private @Nullable ByteBuffer at(PeerId peer, Cid cid, Set<PeerId> without) {
        FakePeer holder = peers.get(peer);
        return holder.down || without.contains(peer) ? null : holder.blocks.get(cid);
    }

    private @Nullable ByteBuffer read(GroupBook.Located located, Cid cid, Set<PeerId> without) {
        for (PeerId holder : located.holders()) {
            ByteBuffer block = at(holder, cid, without);
            if (block != null) {
                return block;
            }
        }
        Scheme scheme = located.group().scheme();
        if (scheme.isCopies()) {
            return null;
        }
        Stripe stripe = book.stripe(located.group(), located.place() / scheme.slots());
        Map<Cid, ByteBuffer> parts = new HashMap<>();
        for (int slot = 0; slot < scheme.slots(); slot++) {
            Inventory.Entry entry = stripe.entries().get(slot);
            ByteBuffer block = at(located.group().table().holders().get(slot), entry.cid(), without);
            if (block != null) {
                parts.put(entry.cid(), block);
            }
        }
        return stripe.restore(
                ReedSolomon.cauchy(scheme.data(), scheme.parity()), located.place() % scheme.slots(), parts);
    }

    /** Every block that is placed can be read although these peers are gone. */
    private void assertReadable(Set<PeerId> without) {
        model.forEach((cid, bytes) -> {
            GroupBook.Located located = book.locate(cid);
            while (located != null) {
                ByteBuffer found = read(located, cid, without);
                GroupBook.Located now = book.locate(cid);
                if (found != null || now == null || now.group() == located.group()) {
                    assertThat(found)
                            .as(
                                    "block in %s of %s, seed %d",
                                    located.group().id(), located.group().scheme(), seed)
                            .isEqualTo(bytes);
                    return;
                }
                located = now; // it moved while it was read
            }
        });
    }

    private void assertSurvivesAnyTwo() {
        List<FakePeer> all = peers.all();
        for (int i = 0; i < all.size(); i++) {
            for (int j = i + 1; j < all.size(); j++) {
                assertReadable(Set.of(all.get(i).id(), all.get(j).id()));
            }
        }
    }

    /** Checks again and again until it is so. */
    private void whileSurvivingAnyTwo(BooleanSupplier done) {
        await().atMost(SOON).until(() -> {
            assertSurvivesAnyTwo();
            return done.getAsBoolean();
        });
    }

    // ---- the tests
    // --------------------------------------------------------------------------------------------------------

    @Test
    void closed_groups_become_stripes_and_any_two_of_six_peers_may_fail() {
        peers(6);
        start("4+2");
        writeGroups(5);
        awaitKeptAs("4+2");
        assertSurvivesAnyTwo();
        assertThat(drainer.facts().coded()).isGreaterThanOrEqualTo(5);
        await().atMost(SOON)
                .until(() -> drainer.facts().tolerates() == 2 && drainer.facts().degraded() == 0);
        // what was replaced is gone from the peers: little more than 6/4 of the data, and the open group three times
        long data = model.values().stream().mapToLong(ByteBuffer::remaining).sum();
        long held = peers.all().stream()
                .flatMap(peer -> peer.slots.values().stream())
                .flatMap(Set::stream)
                .filter(cid -> model.containsKey(cid))
                .mapToLong(cid -> model.get(cid).remaining())
                .sum();
        assertThat(held).isLessThan(data * 3 / 2);
    }

    @Test
    void the_scheme_changes_while_it_is_written_and_two_peers_may_fail_all_the_time() {
        peers(7);
        start("3");
        writeGroups(3);
        await().atMost(SOON).until(() -> drainer.facts().tolerates() == 2);
        for (String scheme : List.of("4+2", "3", "2+3", "4+2")) {
            drainer.keepAs(Scheme.parse(scheme));
            Scheme wanted = Scheme.parse(scheme);
            whileSurvivingAnyTwo(() -> isKeptAs(wanted, 1));
        }
        model.keySet().forEach(cid -> assertThat(book.contains(cid)).isTrue());
    }

    @Test
    void more_copies_and_fewer_are_tables_of_the_same_groups() {
        peers(4);
        start("2");
        writeGroups(2);
        await().atMost(SOON).until(() -> drainer.facts().tolerates() == 1);
        List<Object> before = new ArrayList<>();
        book.groups().forEach(group -> before.add(group.id()));
        drainer.keepAs(Scheme.copies(3));
        await().atMost(SOON)
                .until(() -> drainer.facts().tolerates() == 2 && drainer.facts().degraded() == 0);
        assertSurvivesAnyTwo();
        drainer.keepAs(Scheme.copies(2));
        await().atMost(SOON)
                .until(() -> book.groups().stream().allMatch(g -> g.scheme().slots() == 2)
                        && drainer.facts().tolerates() == 1);
        List<Object> after = new ArrayList<>();
        book.groups().forEach(group -> after.add(group.id()));
        assertThat(after).isEqualTo(before);
    }

    @Test
    void nothing_is_given_up_before_every_slot_of_the_successor_is_whole_and_published() {
        peers(6);
        publishes = false;
        start("3");
        writeGroups(2);
        await().atMost(SOON).until(() -> drainer.facts().tolerates() == 2);
        FakePeer holder = peers.get(book.groups().get(0).table().holders().get(0));
        drainer.keepAs(Scheme.parse("4+2"));
        await().atMost(SOON).until(() -> drainer.facts().coded() == 2);
        // nobody was told yet: who reads by the last published manifest still can
        long replaced = book.groups().stream()
                .filter(g -> g.phase() == Group.Phase.REPLACED)
                .count();
        assertThat(replaced).isEqualTo(2);
        assertThat(holder.tables.keySet())
                .containsAll(book.groups().stream()
                        .filter(g ->
                                g.phase() == Group.Phase.REPLACED && g.holders().contains(holder.id()))
                        .map(Group::id)
                        .toList());
        publishes = true;
        backlog.wake();
        await().atMost(SOON).until(() -> book.groups().stream().allMatch(Group::isCurrent));
        assertSurvivesAnyTwo();
    }

    @Test
    void with_too_few_peers_it_stays_as_it_is_and_says_what_it_waits_for() {
        peers(4);
        start("4+2");
        writeGroups(3);
        await().atMost(SOON)
                .until(() -> drainer.trouble() != null && drainer.trouble().contains("6 peers are needed"));
        assertThat(drainer.facts().coded()).isZero();
        assertThat(drainer.facts().otherwise()).isGreaterThanOrEqualTo(2);
        peers(2);
        awaitKeptAs("4+2");
        assertSurvivesAnyTwo();
        await().atMost(SOON).until(() -> drainer.trouble() == null);
    }

    @Test
    void a_holder_that_goes_meanwhile_delays_the_change_and_harms_nothing() {
        peers(6);
        start("3");
        writeGroups(4);
        await().atMost(SOON).until(() -> drainer.facts().tolerates() == 2);
        FakePeer gone = peers.all().get(5);
        gone.down = true;
        drainer.keepAs(Scheme.parse("4+2"));
        await().atMost(SOON).until(() -> drainer.trouble() != null);
        assertReadable(Set.of());
        gone.down = false;
        awaitKeptAs("4+2");
        assertSurvivesAnyTwo();
    }

    @Test
    void a_successor_whose_holder_is_replaced_while_it_is_written_gets_all_that_the_group_had() {
        peers(5);
        DrainOptions usual = DrainOptions.of(Scheme.copies(3));
        // a stripe or two at a time
        start(new DrainOptions(
                usual.scheme(),
                1 << 20,
                GROUP,
                4_096,
                Duration.ofMillis(20),
                Duration.ofMillis(20),
                Duration.ofMillis(100),
                usual.grace()));
        writeGroups(2);
        await().atMost(SOON).until(() -> drainer.facts().tolerates() == 2);
        peers.putMillis = 30;
        drainer.keepAs(Scheme.parse("2+2"));
        Group[] half = new Group[1];
        await().atMost(SOON).pollInterval(Duration.ofMillis(2)).until(() -> {
            half[0] = book.groups().stream()
                    .filter(group -> group.phase() == Group.Phase.PENDING && group.blocks() > 0)
                    .findFirst()
                    .orElse(null);
            return half[0] != null;
        });
        assertThat(half[0].blocks()).as("it is half written").isLessThan(GROUP * 2);
        PeerId gone = half[0].table().holders().get(1);
        peers.get(gone).down = true;
        awaitKeptAs("2+2");
        peers.putMillis = 0;
        assertThat(half[0].holders()).doesNotContain(gone);
        assertReadable(Set.of(gone));
        Set<Cid> named = new HashSet<>();
        book.current()
                .forEach(group -> Regrouper.dataOf(book.inventory(group)).forEach(entry -> named.add(entry.cid())));
        assertThat(named).containsAll(model.keySet());
    }

    @Test
    void a_slot_that_was_lost_is_made_anew_from_the_others() {
        peers(6);
        start("4+2");
        writeGroups(3);
        awaitKeptAs("4+2");
        FakePeer empty = peers.all().get(2);
        Map<FakePeers.Place, Set<Cid>> before = Map.copyOf(empty.slots);
        empty.loseEverything();
        await().atMost(SOON)
                .untilAsserted(() -> before.forEach((place, cids) -> {
                    if (book.find(place.group()) != null) {
                        Set<Cid> wanted =
                                Set.copyOf(book.inventory(book.find(place.group())).ofSlot(place.slot()).stream()
                                        .map(Inventory.Entry::cid)
                                        .toList());
                        assertThat(empty.slots.getOrDefault(place, Set.of())).containsAll(wanted);
                    }
                }));
        assertSurvivesAnyTwo();
    }

    @Test
    void a_restart_in_the_middle_goes_on_where_it_was() {
        peers(6);
        start("3");
        writeGroups(6);
        await().atMost(SOON).until(() -> drainer.facts().tolerates() == 2);
        for (int i = 0; i < 8; i++) {
            boolean even = i % 2 == 0;
            restart(even ? "4+2" : "3");
            int coded = i;
            whileSurvivingAnyTwo(() -> book.groups().stream()
                            .filter(g -> g.scheme().isCopies() != even)
                            .count()
                    >= Math.min(2, 1 + coded % 3));
        }
        restart("4+2");
        awaitKeptAs("4+2");
        assertSurvivesAnyTwo();
        model.keySet().forEach(cid -> assertThat(book.contains(cid)).isTrue());
    }
}
