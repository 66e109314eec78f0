package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a volume's manifests with peers, and what they name beside closed groups: their pages, and the inventories of open groups. All of it is in
 * a placement group of its own, the <em>keeper</em>, and nothing else is. What newer blocks supersede stays in it; when three quarters of a keeper
 * are such, the next manifest begins another one and has everything there, and once it is published the old keeper is given up like
 * any other group: its holders delete it after their delay, so whoever is still told an older head can read it. A keeper moves in the same way when
 * a holder of it has to be replaced. A crash leaves an old keeper too many, which the next published manifest gives up.
 *
 * <p>Closed groups are dealt to pages by the first bits of their ids: a group that comes, goes or changes hands costs its page, wherever
 * it stands, and the same groups are the same pages after a restart, which are then not sent again. Belongs to the drainer's thread.
 */
final class ManifestKeeper {
    private static final Logger LOG = LoggerFactory.getLogger(ManifestKeeper.class);

    /** So few closed groups stand in the manifest itself. */
    private static final int INLINE = 8;

    /** Groups in a page on average: there are more pages, or fewer, when it is beyond these, and then half of the most. */
    private static final int MOST_ON_PAGE = 256;

    private static final int LEAST_ON_PAGE = 32;

    /** A keeper is replaced when it is so many times what of it is needed... */
    private static final int SUPERSEDED = 4;

    /** ... and larger than this, bytes. */
    private static final long LEAST = 4 << 20;

    /** Looks at what holders lack between two moves of a keeper, at least; after a futile one it rests as long as a silent holder is waited for. */
    private static final int MOVES = 5;

    /** What is sent at once: a slow line gets on, a piece after the other. */
    private static final int BATCH = 1 << 20;

    private final String name;
    private final GroupBook book;
    private final Drainer drainer;
    private final UnaryOperator<byte[]> seal;
    private final NetworkId network;

    private @Nullable Group keeper;

    /** What holders of the keeper have been given, superseded blocks, too. */
    private final Set<Cid> given = new HashSet<>();

    /** What the newest manifest consists of. */
    private Set<Cid> live = new HashSet<>();

    private int bits = -1;
    private final TreeMap<Integer, Page> pages = new TreeMap<>();
    private final Map<Integer, Open> open = new HashMap<>();
    /** What holders of the keeper have is only known from before a restart. */
    private boolean adopted;

    /** The last manifest went to nobody: a keeper may have been given up by another machine. */
    private boolean failed;

    /** How often another keeper was tried since one took a manifest. */
    private int tries;

    /** Whether a head may name the keeper. */
    private boolean named;

    private long nextMove = System.nanoTime();
    private long nextLook = System.nanoTime();

    private record Page(List<Manifest.Place> places, StoredBlock block) {
        Manifest.Page named() {
            return new Manifest.Page(block.cid(), places.size(), block.bytes().remaining());
        }
    }

    /** An open group's inventory as the keeper has it. */
    private record Open(int blocks, Cid inventory, OpenInventory pages, Map<Cid, StoredBlock> told) {}

    /**
     * @param enough whether as many holders have all of it as fsync promises
     */
    record Told(Cid manifest, boolean enough) {}

    /** @param seal makes the stored form of a manifest, the same one of the same bytes */
    ManifestKeeper(String name, GroupBook book, Drainer drainer, UnaryOperator<byte[]> seal, NetworkId network) {
        this.name = name;
        this.book = book;
        this.drainer = drainer;
        this.seal = seal;
        this.network = network;
    }

    /** Whether the manifest should be given to other peers now. */
    boolean shallMove() {
        Group now = keeper;
        if (now == null || System.nanoTime() - nextLook < 0) {
            return false;
        }
        nextLook = System.nanoTime() + drainer.options().retry().toNanos();
        return System.nanoTime() - nextMove >= 0 && drainer.shallMove(now);
    }

    /**
     * Gives peers a manifest of these groups.
     *
     * @param newest of them
     * @return null if nobody took it
     */
    @Nullable
    Told tell(List<Group> groups, Group newest, boolean move) throws InterruptedException {
        Group to = keeper(newest, move);
        Told told = to == null ? null : tell(groups, newest, to);
        failed = told == null;
        if (!failed) {
            tries = 0;
            named = true;
        }
        return told;
    }

    private @Nullable Told tell(List<Group> groups, Group newest, Group to) throws InterruptedException {
        live = new HashSet<>();
        List<Manifest.Place> closed = new ArrayList<>();
        List<Manifest.Place> inline = new ArrayList<>();
        Manifest.Place last = null;
        for (Group group : groups) {
            Cid inventory = group.table().inventory();
            boolean grows = inventory == null;
            if (inventory == null) {
                inventory = openInventory(group, to);
            } else {
                open.remove(group.number());
            }
            if (inventory == null) {
                return null;
            }
            Cid tags = group.tagIndex();
            Manifest.Place place = new Manifest.Place(
                    group.signed(), inventory, group.blocks(), tags == null || book.locate(tags) == null ? null : tags);
            if (group == newest) {
                last = place;
            } else {
                (grows ? inline : closed).add(place);
            }
        }
        open.keySet().retainAll(groups.stream().map(Group::number).toList());
        if (closed.size() <= INLINE) {
            inline.addAll(0, closed);
            pages.clear();
        } else if (!give(page(closed), to)) {
            return null;
        }
        if (last != null) {
            inline.add(last); // a reader that learns groups in this order finds the newest as this node does
        }
        List<Manifest.Page> named = new ArrayList<>();
        pages.values().forEach(page -> named.add(page.named()));
        StoredBlock manifest = sealed(new Manifest(network, inline, named, to.signed()));
        if (!give(List.of(manifest), to)) {
            return null;
        }
        drainer.keepExtras(to, live);
        if (adopted) {
            drainer.checkExtras(to, true);
            adopted = false;
        }
        return new Told(manifest.cid(), drainer.haveEnough(to, live));
    }

    /** A head that names the last manifest is with peers: what older ones need is given up. */
    void published() {
        for (Group group : book.metadata()) {
            if (group != keeper
                    && (book.isOwnMetadata(group) || drainer.sweeper().mayGiveUp())) {
                drainer.giveUp(group);
            }
        }
    }

    // ---- the group that keeps it ------------------------------------------------------------------------------------

    private @Nullable Group keeper(Group newest, boolean move) throws InterruptedException {
        if (keeper == null) {
            book.metadata().stream()
                    .filter(group -> drainer.isOurs(group) && book.isOwnMetadata(group) && !isOver(group))
                    .reduce((first, second) -> first.blocks() >= second.blocks() ? first : second)
                    .ifPresent(this::use);
            adopted = keeper != null;
            named = adopted;
        }
        Group now = keeper;
        boolean another = move || failed && System.nanoTime() - nextMove >= 0;
        if (now != null && !isFull(now) && !another) {
            return now;
        }
        Group next = drainer.beginMetadata(newest);
        boolean futile = now != null
                && next != null
                && next.holders().size() < next.scheme().slots()
                && next.holders().size() <= now.holders().size();
        tries += failed ? 1 : 0;
        Duration longest = drainer.options().replaceAfter();
        Duration pause = drainer.options().retry().multipliedBy((long) MOVES << Math.min(tries, 10));
        nextMove = System.nanoTime() + (futile || pause.compareTo(longest) > 0 ? longest : pause).toNanos();
        if (next != null) {
            LOG.debug("volume {}: manifests are kept in group {} from now on", name, next.id());
            if (now != null && !named) {
                drainer.giveUp(now); // no head names it
            }
            use(next);
            named = false;
            adopted = false;
        }
        return next == null ? now : next;
    }

    private boolean isFull(Group group) {
        // what is needed is known once a manifest was told
        boolean superseded = !adopted && group.bytes() > Math.max(LEAST, SUPERSEDED * drainer.extraBytes());
        return superseded
                || isOver(group)
                || group.blocks() >= drainer.options().groupBlocks();
    }

    /** Another machine has given it up. */
    private static boolean isOver(Group group) {
        return group.table().state() != SlotTable.State.OPEN;
    }

    /** Whether there are keepers that the next head does without. */
    boolean supersedes() {
        return book.metadata().stream().anyMatch(group -> group != keeper);
    }

    private void use(Group group) {
        keeper = group;
        given.clear();
        book.entries(group).forEach(entry -> given.add(entry.cid()));
        open.clear();
    }

    /** @return whether somebody has them */
    private boolean give(List<StoredBlock> blocks, Group to) throws InterruptedException {
        List<StoredBlock> batch = new ArrayList<>();
        long bytes = 0;
        for (StoredBlock block : blocks) {
            live.add(block.cid());
            if (given.contains(block.cid())) {
                drainer.remember(block);
                continue;
            }
            int length = block.bytes().remaining();
            if (bytes > 0 && bytes + length > Math.min(BATCH, drainer.options().batchBytes())) {
                if (!send(batch, to)) {
                    return false;
                }
                batch.clear();
                bytes = 0;
            }
            batch.add(block);
            bytes += length;
        }
        return send(batch, to);
    }

    private boolean send(List<StoredBlock> batch, Group to) throws InterruptedException {
        if (batch.isEmpty()) {
            return true;
        }
        BitSet placed = drainer.place(List.copyOf(batch), to);
        List<Inventory.Entry> entries = new ArrayList<>();
        for (int i = placed.nextSetBit(0); i >= 0; i = placed.nextSetBit(i + 1)) {
            Cid cid = batch.get(i).cid();
            given.add(cid);
            entries.add(new Inventory.Entry(cid, batch.get(i).bytes().remaining()));
        }
        if (!entries.isEmpty()) {
            book.append(to, entries);
        }
        return placed.cardinality() == batch.size();
    }

    // ---- what it consists of ----------------------------------------------------------------------------------------

    private @Nullable Cid openInventory(Group group, Group to) throws InterruptedException {
        Open last = open.get(group.number());
        if (last != null
                && (last.blocks() > group.blocks()
                        || !drainer.haveEnough(to, last.told().keySet()))) {
            last = null; // told anew, as a whole
        }
        if (last != null && last.blocks() == group.blocks()) {
            live.addAll(last.told().keySet());
            return last.inventory();
        }
        OpenInventory told = last == null ? new OpenInventory() : last.pages();
        OpenInventory.Next next = told.next(book.inventory(group));
        if (!give(List.of(next.block()), to)) {
            open.remove(group.number());
            return null;
        }
        told.told(next, true);
        Map<Cid, StoredBlock> blocks = last == null ? new HashMap<>() : new HashMap<>(last.told());
        blocks.put(next.block().cid(), next.block());
        blocks.keySet().retainAll(told.cids());
        live.addAll(blocks.keySet());
        open.put(group.number(), new Open(next.to(), next.block().cid(), told, blocks));
        return next.block().cid();
    }

    /** Deals groups to pages; those that have not changed are the blocks they were. @return all of them */
    private List<StoredBlock> page(List<Manifest.Place> closed) {
        Map<Integer, List<Manifest.Place>> dealt = new HashMap<>();
        choosePages(closed.size());
        for (Manifest.Place place : closed) {
            dealt.computeIfAbsent(page(place.table().table().group()), page -> new ArrayList<>())
                    .add(place);
        }
        pages.keySet().retainAll(dealt.keySet());
        dealt.forEach((number, places) -> {
            places.sort(Comparator.comparing(place -> place.table().table().group()));
            Page page = pages.get(number);
            if (page == null || !page.places().equals(places)) {
                pages.put(number, new Page(places, sealed(Manifest.page(network, places))));
            }
        });
        return pages.values().stream().map(Page::block).toList();
    }

    private void choosePages(int groups) {
        boolean fits = bits >= 0 && groups >> bits <= MOST_ON_PAGE && (bits == 0 || groups >> bits >= LEAST_ON_PAGE);
        if (!fits) {
            bits = 0;
            while (groups >> bits > MOST_ON_PAGE / 2) {
                bits++;
            }
            pages.clear();
        }
    }

    /** Ids are drawn at random, so pages fill evenly. */
    private int page(GroupId group) {
        return bits == 0 ? 0 : ByteBuffer.wrap(group.bytes()).getInt() >>> Integer.SIZE - bits;
    }

    private StoredBlock sealed(Manifest manifest) {
        return SwarmReader.asBlock(seal.apply(manifest.encode()));
    }
}
