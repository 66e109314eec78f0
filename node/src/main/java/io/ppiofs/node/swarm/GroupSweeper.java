package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.gc.LiveSet;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes garbage from peers. Nothing is deleted in a group: one of which much is garbage is emptied. What is needed of it goes through the
 * backlog into the open group like a new block; when it is there, a manifest without the old group is published, and the holders are told
 * that they may delete it ({@link Regrouper}), which they do after their delay. Until then its blocks can be read.
 *
 * <p>What is needed is what a mark of the whole volume found, and every block that was put since the mark began: {@link #markBegins} is
 * called while no ref is on its way to a place where a mark finds it, and from then on {@link #put} remembers blocks before anybody
 * asks whether they are placed. When a group begins to leave it counts as no place any more, and only then is decided what of it is
 * needed. So a block that is written again meanwhile is either remembered or goes through the backlog by itself. Nothing of this is durable
 * before the group is empty: after a crash the group is what it was.
 *
 * <p>Marks come from the thread that collects, puts from any; {@link #step} is for the drainer's thread. Cost: one look at every entry of the volume
 * per mark; a moved block is read (fetched, where it is not here) and sent like a new one.
 */
final class GroupSweeper {
    private static final Logger LOG = LoggerFactory.getLogger(GroupSweeper.class);

    /** A group is emptied when this share of its bytes is garbage: then no more is moved than is freed twice over. */
    private static final double GARBAGE = 1.0 / 3;

    /** Less garbage is not worth closing an open group. */
    private static final long WORTH_CLOSING = 1 << 20;

    /** Stored bytes that are put into the backlog at a time: what is written meanwhile waits behind them. */
    private static final long CHUNK = 8 << 20;

    /** Blocks put since a mark that are remembered; beyond that the mark is too old to be used. */
    private static final int MOST_PUT = 1 << 20;

    /** Gives a group its inventory. */
    private final Regrouper.Closing closing;

    private final String name;
    private final GroupBook book;
    private final Backlog backlog;
    private final Courier courier;
    private final Shortfall lacking;
    private final Predicate<Cid> isSafe;
    private volatile BooleanSupplier allowed = () -> true;

    /** Blocks that no file needs. */
    private volatile Supplier<@Nullable Set<Cid>> besides = Set::of;

    /** Put since the mark began; null when nobody needs to know. */
    private volatile @Nullable Set<Cid> put;

    /** What the mark found; null while there is none that could be used. Under this object's lock, like all decisions by it. */
    private @Nullable LiveSet live;

    /** What is needed beside that. */
    private Set<Cid> alsoLive = Set.of();

    private List<Group> toLookAt = List.of();
    private final List<Leaving> leaving = new ArrayList<>();
    private volatile Facts facts = new Facts(0, 0, 0);
    private long emptied;
    private long freed;

    /** Position in the backlog of the last block that was moved. */
    private long moved;

    /** A group that is being emptied. @param toMove what is not in the backlog yet @param wanted all of it that is needed */
    private record Leaving(Group group, List<Inventory.Entry> toMove, Set<Cid> wanted) {}

    /**
     * @param leaving groups that are being emptied
     * @param emptied groups that were emptied since the start
     * @param freedBytes of garbage in these, stored bytes, each counted once and not per copy
     */
    record Facts(int leaving, long emptied, long freedBytes) {}

    /**
     * @param lacking what holders lack
     * @param isSafe whether a block is on as many peers as it has to be before another place of it may go
     */
    GroupSweeper(
            String name,
            GroupBook book,
            Backlog backlog,
            Courier courier,
            Shortfall lacking,
            Predicate<Cid> isSafe,
            Regrouper.Closing closing) {
        this.lacking = lacking;
        this.isSafe = isSafe;
        this.name = name;
        this.book = book;
        this.backlog = backlog;
        this.courier = courier;
        this.closing = closing;
    }

    Facts facts() {
        return facts;
    }

    /** @param only whether anything may be given up now: not while another machine may need it */
    void onlyWhile(BooleanSupplier only) {
        allowed = only;
    }

    /**
     * @param needed asked when a mark has ended, by its thread: blocks that are needed although the volume does not reach them; null if that is not
     *     known now, then nothing is taken for garbage by this mark
     */
    void keeps(Supplier<@Nullable Set<Cid>> needed) {
        besides = needed;
    }

    /** Whether anything may be given up now that another machine may need. */
    boolean mayGiveUp() {
        return allowed.getAsBoolean();
    }

    // ---- marks ------------------------------------------------------------------------------------------------------

    /** A mark begins: what is put from now on is needed. An earlier mark is not used any more. */
    synchronized void markBegins() {
        live = null;
        toLookAt = List.of();
        put = ConcurrentHashMap.newKeySet();
    }

    /**
     * @param found holds at least what the volume reached when the mark began; the newest head that could be published is of a
     *     checkpoint after that
     */
    void marked(LiveSet found) {
        Set<Cid> also = besides.get();
        if (also == null) {
            LOG.info("volume {}: no garbage is taken from peers before all indexes of tags can be read", name);
            endMark();
        } else {
            marked(found, also);
        }
    }

    private synchronized void marked(LiveSet found, Set<Cid> also) {
        if (put != null) {
            alsoLive = also;
            live = found;
            toLookAt = new ArrayList<>(book.current());
            backlog.wake();
        }
    }

    /** There is no mark after all, or it is used up. */
    synchronized void endMark() {
        live = null;
        put = null;
        toLookAt = List.of();
    }

    /** These are about to be stored; to be called before they are, and before anybody asks whether they are placed. */
    void put(List<StoredBlock> blocks) {
        Set<Cid> remembered = put;
        if (remembered != null) {
            blocks.forEach(block -> remembered.add(block.cid()));
            if (remembered.size() > MOST_PUT) {
                endMark();
            }
        }
    }

    // ---- the drainer's thread ---------------------------------------------------------------------------------------

    /** Goes on a little. */
    void step() throws InterruptedException {
        for (Leaving group : List.copyOf(leaving)) {
            goOn(group);
        }
        Group next = next();
        if (next != null) {
            look(next);
        }
        facts = new Facts(leaving.size(), emptied, freed);
    }

    /** Whether a step would have something to do at once. */
    synchronized boolean isBusy() {
        return !toLookAt.isEmpty() && leaving.isEmpty() && allowed.getAsBoolean();
    }

    private synchronized @Nullable Group next() {
        Set<Cid> remembered = put;
        if (remembered != null && live != null && toLookAt.isEmpty()) {
            endMark();
        }
        // one at a time: what is moved is for a while in two groups
        if (toLookAt.isEmpty()
                || leaving.stream().anyMatch(group -> !group.wanted().isEmpty())) {
            return null;
        }
        return toLookAt.remove(toLookAt.size() - 1);
    }

    private void look(Group group) throws InterruptedException {
        boolean ours = group.table().tenant().equals(courier.tenant())
                && group.signed().byTenant();
        if (!group.isCurrent() || !ours || group.table().state() == SlotTable.State.RETIRED || !isWorthIt(group)) {
            return;
        }
        if (group.isOpen()) {
            closing.close(group);
        }
        leave(group);
    }

    private synchronized boolean isWorthIt(Group group) {
        long data = 0;
        long needed = 0;
        for (Inventory.Entry entry : data(group)) {
            data += entry.length();
            needed += isNeeded(group, entry.cid()) ? entry.length() : 0;
        }
        long garbage = data - needed;
        return live != null && garbage > data * GARBAGE && (!group.isOpen() || garbage >= WORTH_CLOSING);
    }

    private List<Inventory.Entry> data(Group group) {
        return Regrouper.dataOf(book.inventory(group)).stream()
                .filter(entry -> !entry.isEmpty())
                .toList();
    }

    private synchronized boolean isNeeded(Group group, Cid cid) {
        LiveSet found = live;
        Set<Cid> remembered = put;
        return found == null
                || remembered == null
                || book.isOnlyIn(group, cid)
                        && (found.contains(cid) || alsoLive.contains(cid) || remembered.contains(cid));
    }

    private synchronized void leave(Group group) {
        if (live == null) {
            return; // another mark began while the group was closed
        }
        book.leave(group);
        List<Inventory.Entry> needed = data(group).stream()
                .filter(entry -> isNeeded(group, entry.cid()))
                .toList();
        Set<Cid> wanted = new HashSet<>();
        needed.forEach(entry -> wanted.add(entry.cid()));
        leaving.add(new Leaving(group, new ArrayList<>(needed), wanted));
        LOG.info(
                "volume {}: group {} is emptied, {} of its {} blocks are needed",
                name,
                group.id(),
                wanted.size(),
                group.blocks());
    }

    /** Some of these blocks cannot be had now: their groups stay what they were. */
    void cannotHave(Collection<Cid> cids) {
        for (Leaving group : List.copyOf(leaving)) {
            if (cids.stream().anyMatch(cid -> book.isOnlyIn(group.group(), cid))) {
                LOG.info(
                        "volume {}: group {} is not emptied: its holders do not give its blocks",
                        name,
                        group.group().id());
                book.stay(group.group());
                leaving.remove(group);
            }
        }
    }

    private void goOn(Leaving leave) {
        Group group = leave.group();
        if (!leave.toMove().isEmpty()) {
            if (backlog.isDoneUpTo(moved)) {
                backlog.add(nextChunk(leave.toMove()));
                moved = backlog.position();
            }
            return;
        }
        leave.wanted().removeIf(cid -> !book.isOnlyIn(group, cid) && isSafe.test(cid));
        if (!leave.wanted().isEmpty() || !allowed.getAsBoolean()) {
            return;
        }
        List<Inventory.Entry> left = data(group).stream()
                .filter(entry -> book.isOnlyIn(group, entry.cid()))
                .toList();
        // what was written again since it began to leave has a place of its own soon
        if (left.stream().noneMatch(entry -> backlog.waits(entry.cid()))) {
            long garbage = left.stream().mapToLong(Inventory.Entry::length).sum();
            book.emptied(group);
            lacking.forget(group);
            leaving.remove(leave);
            emptied++;
            freed += garbage;
            LOG.info("volume {}: group {} is empty, {} bytes were garbage", name, group.id(), garbage);
        }
    }

    private static List<Cid> nextChunk(List<Inventory.Entry> toMove) {
        List<Cid> chunk = new ArrayList<>();
        long bytes = 0;
        while (!toMove.isEmpty() && bytes < CHUNK) {
            Inventory.Entry entry = toMove.remove(toMove.size() - 1);
            bytes += entry.length();
            chunk.add(entry.cid());
        }
        return chunk;
    }
}
