package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.swarm.FakePeers.FakePeer;
import io.ppiofs.overlay.blocks.BlockLimits;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotTable;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Manifests of a volume on peers in memory, which delete at once what is retired. Each round of the drainer publishes one. */
@Tag("quick")
class ManifestKeeperTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final SecureRandom RANDOM = new SecureRandom();

    @TempDir
    Path directory;

    private final IdentityKey tenant = IdentityKey.generate(RANDOM);
    private final FakePeers peers = new FakePeers();
    private final MemoryBlockStore local = new MemoryBlockStore();

    /** Closed groups that stand in no book: what a manifest says of them is all that is asked here. */
    private final List<Group> closed = new ArrayList<>();

    private final Collection<String> problems = new ConcurrentLinkedQueue<>();
    private Backlog backlog;
    private GroupBook book;
    private Drainer drainer;
    private ManifestKeeper manifests;
    private volatile @Nullable Cid published;
    private volatile long due = -1;
    private final Map<Cid, Manifest> decoded = new HashMap<>();
    private volatile long mostHosted;

    @BeforeEach
    void peers() {
        for (int i = 0; i < 4; i++) {
            peers.add();
        }
        start();
    }

    @AfterEach
    void close() {
        drainer.close();
        book.close();
        assertThat(problems).isEmpty();
    }

    private void start() {
        book = GroupBook.open(directory.resolve("groups"), NetworkId.LOCAL);
        backlog = new Backlog();
        DrainOptions options = DrainOptions.of(Scheme.copies(3))
                .withGroups(1 << 20, 16_384)
                .withTimes(Duration.ofMillis(20), Duration.ofMillis(20), Duration.ofMillis(300));
        drainer = new Drainer(
                "test", local, local, book, backlog, peers, new HolderTrust(), tenant, NetworkId.LOCAL, options);
        manifests = new ManifestKeeper("test", book, drainer, bytes -> bytes, NetworkId.LOCAL);
        drainer.start(this::publish);
    }

    private Group closedGroup(int number) {
        List<PeerId> holders = peers.all().stream().limit(3).map(FakePeer::id).toList();
        SlotTable table = new SlotTable(
                tenant.peerId(),
                GroupId.random(RANDOM),
                2,
                Scheme.copies(3),
                SlotTable.State.CLOSED,
                holders,
                SwarmReader.asBlock(new byte[] {1}).cid());
        return new Group(number, table.sign(tenant, NetworkId.LOCAL), Group.Phase.CURRENT);
    }

    /** As the publisher does: a manifest of all groups, and then what older ones need may go. */
    private void publish() throws InterruptedException {
        List<Group> groups = new ArrayList<>(closed);
        groups.addAll(book.read());
        long wanted = due;
        boolean move = manifests.shallMove();
        if (book.read().isEmpty() || !move && (wanted < 0 || !backlog.isDoneUpTo(wanted))) {
            return;
        }
        ManifestKeeper.Told told = manifests.tell(groups, groups.get(groups.size() - 1), move);
        if (told == null) {
            return;
        }
        published = told.manifest();
        check(told.manifest(), groups);
        manifests.published();
        drainer.published(book.read());
        mostHosted = Math.max(mostHosted, hosted(peers.all().get(0)));
        if (wanted >= 0 && backlog.isDoneUpTo(wanted)) {
            due = -1;
        }
    }

    /** What a machine finds that has nothing but the name of the manifest. */
    private void check(Cid name, List<Group> groups) {
        Map<Cid, ByteBuffer> reachable = peers.reachable();
        ByteBuffer block = reachable.get(name);
        if (block == null) {
            problems.add("a manifest is with nobody");
            return;
        }
        Manifest manifest = Manifest.decode(bytes(block), NetworkId.LOCAL);
        List<Manifest.Place> places = new ArrayList<>();
        for (Manifest.Page page : manifest.pages()) {
            ByteBuffer one = reachable.get(page.cid());
            if (one == null) {
                problems.add("a page is with nobody");
            } else {
                places.addAll(decoded.computeIfAbsent(
                                page.cid(), cid -> Manifest.decodePage(bytes(one), NetworkId.LOCAL, page))
                        .places());
            }
        }
        places.addAll(manifest.places());
        Map<GroupId, Manifest.Place> named = new HashMap<>();
        places.forEach(place -> named.put(place.table().table().group(), place));
        if (places.size() != groups.size() || named.size() != groups.size()) {
            problems.add("a manifest names " + places.size() + " groups of " + groups.size());
        }
        for (Group group : groups) {
            Manifest.Place place = named.get(group.id());
            if (place == null
                    || place.table().table().generation() != group.table().generation()) {
                problems.add("a group is not as it is");
            } else if (group.isOpen() && !peers.reachable().containsKey(place.inventory())) {
                problems.add("the inventory of an open group is with nobody");
            }
        }
        if (!places.get(places.size() - 1)
                .table()
                .table()
                .group()
                .equals(groups.get(groups.size() - 1).id())) {
            problems.add("the newest group is not the last");
        }
    }

    private static byte[] bytes(ByteBuffer block) {
        byte[] bytes = new byte[block.remaining()];
        block.duplicate().get(bytes);
        return bytes;
    }

    private static long hosted(FakePeer peer) {
        return peer.blocks.values().stream().mapToLong(ByteBuffer::remaining).sum();
    }

    private List<Cid> write(int count, int length) {
        List<Cid> cids = RandomBlocks.put(local, count, i -> length);
        backlog.add(cids);
        return cids;
    }

    /** A checkpoint, until it is published. */
    private void awaitPublished() {
        due = backlog.position();
        backlog.wake();
        await().pollInterval(Duration.ofMillis(1)).atMost(SOON).until(() -> due < 0);
    }

    private Group keeper() {
        if (book.metadata().size() != 1) {
            await().atMost(SOON).until(() -> book.metadata().size() == 1);
        }
        return book.metadata().get(0);
    }

    @Test
    void a_checkpoint_of_ten_thousand_groups_costs_the_pages_that_have_changed() {
        for (int i = 0; i < 10_000; i++) {
            closed.add(closedGroup(-1 - i));
        }
        List<Manifest.Place> places = closed.stream()
                .map(group -> new Manifest.Place(group.signed(), group.table().inventory(), 256))
                .toList();
        int whole = Manifest.page(NetworkId.LOCAL, places).encode().length;
        write(1, 100);
        awaitPublished();
        long first = keeper().bytes();
        int checkpoints = 20;
        for (int i = 0; i < checkpoints; i++) {
            write(1, 100);
            awaitPublished();
        }
        long each = (keeper().bytes() - first) / checkpoints;
        // one group changes hands
        SlotTable table = closed.get(5_000).table();
        long before = keeper().bytes();
        closed.get(5_000).replaceTable(table.moved(table.holders()).sign(tenant, NetworkId.LOCAL));
        write(1, 100);
        awaitPublished();
        long changed = keeper().bytes() - before;
        System.out.printf(
                "manifest of 10,000 groups: %,d bytes in one block (%d of them fit into one);"
                        + " first %,d, each checkpoint %,d, with one changed group %,d%n",
                whole, 10_000L * BlockLimits.MAX_BLOCK / whole, first, each, changed);
        assertThat(each).isLessThan(whole / 400);
        assertThat(changed).isLessThan(whole / 50);
    }

    @Test
    void superseded_manifests_leave_the_peers_while_the_volume_goes_on() {
        for (int i = 0; i < 1_000; i++) {
            closed.add(closedGroup(-1 - i));
        }
        Random random = new Random(7);
        long sent = 0;
        Group keeper = null;
        for (int i = 0; i < 160; i++) {
            Group changed = closed.get(random.nextInt(closed.size()));
            SlotTable table = changed.table();
            changed.replaceTable(table.moved(table.holders()).sign(tenant, NetworkId.LOCAL));
            write(1, 100);
            awaitPublished();
            if (keeper != null && keeper != keeper()) {
                sent += keeper.bytes();
            }
            keeper = keeper();
        }
        sent += keeper.bytes();
        System.out.printf(
                "160 checkpoints: %,d bytes of manifests went to each peer, at most %,d were hosted%n",
                sent, mostHosted);
        assertThat(sent).isGreaterThan(8L << 20);
        assertThat(mostHosted).isLessThan(6L << 20);
    }

    @Test
    void after_a_restart_the_same_group_goes_on_and_pages_are_not_sent_again() {
        for (int i = 0; i < 500; i++) {
            closed.add(closedGroup(-1 - i));
        }
        write(3, 100);
        awaitPublished();
        Group before = keeper();
        long bytes = before.bytes();
        drainer.close();
        book.close();
        // what it lost while the writer was away it gets all the same
        FakePeer wiped = peers.get(before.table().holders().get(2));
        wiped.loseEverything();
        start();
        write(1, 100);
        awaitPublished();
        long pages = before.bytes() * 9 / 10;
        await().atMost(SOON).until(() -> hosted(wiped) > pages);
        assertThat(keeper().id()).isEqualTo(before.id());
        assertThat(keeper().bytes() - bytes).isLessThan(10_000);
        assertThat(bytes).isGreaterThan(200_000);
    }

    @Test
    void what_a_crash_left_is_given_up_by_the_next_manifest() {
        write(1, 100);
        awaitPublished();
        Group kept = keeper();
        drainer.close();
        // another one was begun, and nothing was published with it
        SlotTable table = new SlotTable(
                tenant.peerId(),
                GroupId.forManifests(RANDOM),
                1,
                Scheme.copies(3),
                SlotTable.State.OPEN,
                kept.table().holders(),
                null);
        Group left = book.beginMetadata(table.sign(tenant, NetworkId.LOCAL));
        book.close();
        start();
        write(1, 100);
        awaitPublished();
        assertThat(keeper().id()).isEqualTo(kept.id());
        await().atMost(SOON).until(() -> book.find(left.id()) == null);
    }

    @Test
    void manifests_move_when_a_holder_stays_away_and_a_disk_that_was_lost_is_filled_again() {
        for (int i = 0; i < 20; i++) {
            closed.add(closedGroup(-1 - i));
        }
        write(1, 100);
        awaitPublished();
        Group first = keeper();
        FakePeer away = peers.get(first.table().holders().get(1));
        away.down = true;
        await("they are on others").atMost(SOON).until(() -> !keeper().holders().contains(away.id()));
        assertThat(keeper().holders()).hasSize(3);
        FakePeer wiped = peers.get(keeper().table().holders().get(0));
        wiped.loseEverything();
        await("it has the newest manifest")
                .atMost(SOON)
                .until(() -> published != null && wiped.blocks.containsKey(published));
        Manifest manifest = Manifest.decode(bytes(wiped.blocks.get(published)), NetworkId.LOCAL);
        assertThat(manifest.pages()).isNotEmpty();
        await("and its pages")
                .atMost(SOON)
                .until(() -> manifest.pages().stream().allMatch(page -> wiped.blocks.containsKey(page.cid())));
    }

    @Test
    void manifests_get_their_copies_when_peers_come() {
        List<FakePeer> late = peers.all().subList(1, 4);
        late.forEach(peer -> peer.leaving = true);
        write(1, 100);
        awaitPublished();
        assertThat(keeper().holders()).hasSize(1);
        late.forEach(peer -> peer.leaving = false);
        await().atMost(SOON).until(() -> keeper().holders().size() == 3);
    }

    @Test
    void what_another_machine_keeps_is_given_up_only_by_who_may() {
        drainer.sweeper().onlyWhile(() -> false);
        write(1, 100);
        awaitPublished();
        SlotTable table = new SlotTable(
                tenant.peerId(),
                GroupId.forManifests(RANDOM),
                1,
                Scheme.copies(3),
                SlotTable.State.OPEN,
                keeper().table().holders(),
                null);
        book.learnMetadata(table.sign(tenant, NetworkId.LOCAL));
        write(1, 100);
        awaitPublished();
        assertThat(book.find(table.group())).isNotNull();
        drainer.sweeper().onlyWhile(() -> true);
        write(1, 100);
        awaitPublished();
        await().atMost(SOON).until(() -> book.find(table.group()) == null);
    }
}
