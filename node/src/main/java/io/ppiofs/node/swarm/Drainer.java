package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.blocks.BlockLimits;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.Proposal;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a volume's new blocks to peers, in write order, on a thread of its own: takes a batch from the {@link Backlog},
 * sends it to every holder of the open group at once, writes down what a holder confirmed. A holder that fails does not
 * stop the others; what it lacks is sent again when it answers, and to another peer when it stays away. One group after
 * another is compared with what its holders say they have, which finds a holder that lost its disk. Between batches groups
 * whose scheme is not the volume's are written anew ({@link Regrouper}), and those that are garbage for the most part emptied ({@link
 * GroupSweeper}). Thread-safe.
 *
 * <p>Per batch: one read per block, one transfer per copy, one append to the book. A block is not hashed here again: every
 * holder does that, and what no holder takes is hashed before it is sent a second time.
 */
final class Drainer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Drainer.class);
    private static final int MAX_BATCH = 1_024;

    /** A block that is not here any more is fetched for a check in one of so many comparisons. */
    private static final int FETCHED_CHECKS = 12;

    /** One of so many comparisons is of the group that keeps the manifest. */
    private static final int KEEPER_CHECKS = 8;

    /** Most stored bytes that are under way at a time while somebody waits. */
    private static final int URGENT_BYTES = 2 << 20;

    /** What is placed is tended this often at least, whoever waits. */
    private static final Duration TEND = Duration.ofSeconds(5);

    /** Looks at what a holder lacks, in all of which it may restore nothing, before it is sent that. */
    private static final int PATIENT_RETRIES = 30;

    /** Where blocks come from that this machine needs for another peer. */
    private final BlockStore blocks;

    private final BlockStore local;
    private final String name;
    private final GroupBook book;
    private final Backlog backlog;
    private final Courier courier;
    private final Shortfall lacking = new Shortfall();
    private final Regrouper regrouper;
    private final GroupSweeper sweeper;
    private final Restores restores;
    private final SecureRandom random = new SecureRandom();

    /** What the newest manifest consists of, which is nowhere else here; and an inventory while its group is closed. */
    private final Map<Cid, ByteBuffer> extras = new HashMap<>();

    /** The group that has these. */
    private @Nullable Group keeper;

    /** Blocks of the last batch that no holder took: they are hashed here before they are sent again. */
    private Set<Cid> doubted = Set.of();

    private final Thread thread;
    private volatile DrainOptions options;
    private volatile boolean closing;
    private volatile Facts facts = new Facts(0, 0, 0, 0, 0);

    /** Groups of which this drainer has heard since it began what their holders have. */
    private final Set<GroupId> compared = new HashSet<>();

    /** How often all holders of a group have said what they have of it. */
    private volatile long comparisons;

    /** Per group that has all its copies: how many entries it had when that was found. */
    private volatile Map<GroupId, Integer> safe = Map.of();

    private volatile Set<SlotAddress> filled = Set.of();
    private volatile Progress progress = () -> {};

    /** Whether somebody waits for blocks of the backlog. */
    private volatile BooleanSupplier urgent = () -> false;

    /** Hears of blocks that a holder lacks and nobody has. */
    private volatile Consumer<Collection<Cid>> lost = cids -> {};

    private long tended = System.nanoTime();
    private long nextCatchUp = System.nanoTime();
    private boolean catchUpGoesOn;
    private long nextCheck = System.nanoTime();
    private int checkNext;

    /** Hears that something may have been placed. */
    @FunctionalInterface
    interface Progress {
        void run() throws InterruptedException;
    }

    /**
     * @param groups groups there are
     * @param coded how many of them are stripes of a code
     * @param otherwise how many are closed and not kept as the volume's scheme says, or are replaced and not given up yet
     * @param degraded groups of which some slot's holder lacks blocks or is not heard, or whose slots are not all on peers of
     *     their own
     * @param tolerates failures of peers that no block of any group would be lost by now; 0 if there is no group
     */
    record Facts(int groups, int coded, int otherwise, int degraded, int tolerates) {}

    Drainer(
            String name,
            BlockStore blocks,
            BlockStore local,
            GroupBook book,
            Backlog backlog,
            Holders holders,
            HolderTrust trust,
            IdentityKey tenant,
            NetworkId network,
            DrainOptions options) {
        this.name = name;
        this.blocks = blocks;
        this.local = local;
        this.book = book;
        this.backlog = backlog;
        this.options = options;
        this.courier = new Courier(name, holders, trust, tenant, network, options);
        this.regrouper = new Regrouper(name, blocks, book, courier, lacking, this::close);
        this.restores = new Restores(name, regrouper, options.retry().multipliedBy(PATIENT_RETRIES));
        this.sweeper = new GroupSweeper(name, book, backlog, courier, lacking, this::isOnEnough, this::close);
        this.thread = new Thread(this::run, "drain-" + name);
        thread.setDaemon(true);
    }

    /** @param onProgress called on the drainer's thread after each batch and each time that it looks around */
    void start(Progress onProgress) {
        progress = onProgress;
        thread.start();
    }

    /** @param waited whether somebody waits for blocks of the backlog: then batches are small, and what can wait does */
    void hurriedBy(BooleanSupplier waited) {
        urgent = waited;
    }

    /** @param listener hears, on the drainer's thread and perhaps again and again, of blocks that a holder lacks and nobody gives who could be asked */
    void tellsLost(Consumer<Collection<Cid>> listener) {
        lost = listener;
    }

    /** Copies of what is new. */
    int copies() {
        return options.scheme().whileOpen().slots();
    }

    /** From now on the volume is kept like this; groups that are kept otherwise are written anew. */
    void keepAs(Scheme scheme) {
        options = options.withScheme(scheme);
        backlog.wake();
    }

    /** Why the backlog does not shrink, or groups are not kept as they shall be; null while all goes on. */
    @Nullable
    String trouble() {
        String trouble = courier.trouble();
        return trouble == null ? regrouper.waitsFor() : trouble;
    }

    /** Whether the backlog does not shrink. */
    boolean isStuck() {
        return courier.trouble() != null;
    }

    Facts facts() {
        return facts;
    }

    /** What takes garbage from peers. */
    GroupSweeper sweeper() {
        return sweeper;
    }

    /** A published manifest names these groups and no others. On the drainer's thread. */
    void published(Collection<Group> named) {
        regrouper.published(named);
    }

    /** How often a group was compared with what all its holders have, since the start; group by group, round and round. */
    long comparisons() {
        return comparisons;
    }

    /** How many of a group's entries, from the first, are on as many peers of their own as they should, all of which answer. */
    int safeEntries(Group group) {
        return safe.getOrDefault(group.id(), 0);
    }

    /** Whether the holder has said that it has all of the slot, as this table gives it, and nothing is known that it lacks. */
    boolean isFilled(SlotAddress slot) {
        return filled.contains(slot);
    }

    @Override
    public void close() {
        // no interrupt: it would close the files that the thread reads
        closing = true;
        backlog.close();
        courier.close();
        try {
            thread.join(Courier.ANSWER.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // ---- the thread -------------------------------------------------------------------------------------------------

    private void run() {
        while (!closing) {
            try {
                boolean busy = regrouper.isBusy() || sweeper.isBusy();
                boolean did = drain(backlog.next(MAX_BATCH, busy ? Duration.ZERO : options.retry()));
                recountThin();
                progress.run();
                boolean later = did
                        && urgent.getAsBoolean()
                        && backlog.size() > 0
                        && System.nanoTime() - tended < TEND.toNanos();
                if (!later) {
                    tend();
                    tended = System.nanoTime();
                }
                if (!did && !busy && backlog.size() > 0) {
                    backlog.pause(options.retry()); // nobody took anything: peers come at no known time
                }
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                courier.troubled(String.valueOf(e.getMessage()), e);
                if (!pause()) {
                    return;
                }
            }
        }
    }

    private boolean pause() {
        try {
            backlog.pause(options.retry());
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }

    /** @return whether something of the backlog was placed or turned out to need no place */
    private boolean drain(List<Cid> cids) throws InterruptedException {
        if (cids.isEmpty()) {
            courier.settled();
            return false;
        }
        List<Cid> settled = new ArrayList<>();
        List<StoredBlock> batch = batch(cids, settled);
        if (!batch.isEmpty()) {
            Group group = openGroup();
            if (group == null) {
                return false;
            }
            List<Cid> placed = place(group, batch);
            settled.addAll(placed);
            doubted = unplaced(batch, placed);
        }
        backlog.done(settled);
        return !settled.isEmpty();
    }

    private static Set<Cid> unplaced(List<StoredBlock> batch, List<Cid> placed) {
        Set<Cid> unplaced = new HashSet<>();
        batch.forEach(block -> unplaced.add(block.cid()));
        placed.forEach(unplaced::remove);
        return unplaced;
    }

    /** Reads what is not placed yet, up to the batch's size; what is no longer stored was collected. */
    private List<StoredBlock> batch(List<Cid> cids, List<Cid> settled) {
        List<Cid> wanted = new ArrayList<>();
        long bytes = 0;
        int most = urgent.getAsBoolean() ? Math.min(URGENT_BYTES, options.batchBytes()) : options.batchBytes();
        for (Cid cid : cids) {
            if (book.contains(cid)) {
                settled.add(cid);
                continue;
            }
            long length = lengthOf(cid);
            if (bytes > 0 && bytes + length > most) {
                break;
            }
            bytes += Math.max(0, length);
            wanted.add(cid);
        }
        List<StoredBlock> batch = new ArrayList<>(wanted.size());
        List<Cid> elsewhere = new ArrayList<>();
        for (Cid cid : wanted) {
            ByteBuffer block = doubted.contains(cid) ? local.get(List.of(cid)).get(0) : unchecked(cid);
            if (block != null) {
                batch.add(new StoredBlock(cid, block));
            } else if (book.locate(cid) != null) {
                elsewhere.add(cid);
            } else {
                settled.add(cid);
            }
        }
        if (!urgent.getAsBoolean()) {
            fetch(elsewhere, batch);
        }
        return batch;
    }

    /** A block as it is stored here: who receives it hashes it anyway. */
    private @Nullable ByteBuffer unchecked(Cid cid) {
        long length = local.length(cid);
        if (length < 0) {
            return null;
        }
        if (length <= BlockLimits.MAX_BLOCK) {
            ByteBuffer bytes = ByteBuffer.allocate((int) length);
            if (local.read(cid, 0, bytes) == length) {
                return bytes.flip();
            }
        }
        return local.get(List.of(cid)).get(0); // which finds out what is wrong
    }

    /** Blocks of groups that are being emptied, and not here any more. */
    private void fetch(List<Cid> cids, List<StoredBlock> batch) {
        List<Cid> missing = new ArrayList<>();
        List<@Nullable ByteBuffer> fetched;
        try {
            fetched = cids.isEmpty() ? List.of() : blocks.get(cids);
        } catch (PpiofsException e) {
            LOG.info("volume {}: blocks of groups that are to be emptied cannot be had: {}", name, e.getMessage());
            fetched = Collections.nCopies(cids.size(), null); // no space to keep them, for one
        }
        for (int i = 0; i < cids.size(); i++) {
            ByteBuffer block = fetched.get(i);
            if (block == null) {
                missing.add(cids.get(i));
            } else {
                batch.add(new StoredBlock(cids.get(i), block));
            }
        }
        if (!missing.isEmpty()) {
            sweeper.cannotHave(missing);
        }
    }

    /** The group that takes blocks now; null if nobody takes one. */
    private @Nullable Group openGroup() throws InterruptedException {
        Group open = closeFull();
        return open == null ? begin() : open;
    }

    /** Closes open groups that have enough. @return one that has not, null if there is none */
    private @Nullable Group closeFull() throws InterruptedException {
        Group open = null;
        for (Group group : book.current()) {
            if (group.isOpen() && isOurs(group)) {
                boolean hasRoom =
                        group.bytes() < options.closeAt(placedBytes()) && group.blocks() < options.groupBlocks();
                if (hasRoom && !shallEnd(group)) {
                    open = open == null ? group : open;
                } else {
                    close(group);
                }
            }
        }
        return open;
    }

    /** An open group ends where a holder is leaving and another peer could have its slots: it moves closed groups itself. */
    private boolean shallEnd(Group group) {
        Set<PeerId> leaving = leaving(group);
        if (leaving.isEmpty()) {
            return false;
        }
        List<@Nullable PeerId> slots = new ArrayList<>();
        group.table().holders().forEach(peer -> slots.add(leaving.contains(peer) ? null : peer));
        List<PeerId> others = courier.holders().propose(group.id(), slots, leaving);
        return !others.isEmpty()
                && new HashSet<>(others).size() >= group.holders().size();
    }

    private Set<PeerId> leaving(Group group) {
        Set<PeerId> leaving = group.holders();
        leaving.removeIf(peer -> !courier.holders().isLeaving(peer));
        return leaving;
    }

    private long placedBytes() {
        return book.current().stream().mapToLong(Group::bytes).sum();
    }

    boolean isOurs(Group group) {
        return group.table().tenant().equals(courier.tenant());
    }

    private @Nullable Group begin() throws InterruptedException {
        return begin(GroupId.random(random), Collections.nCopies(copies(), null), book::begin);
    }

    /**
     * Begins a group for manifests, on the holders of another one where nothing speaks against them.
     *
     * @return null if nobody takes it
     */
    @Nullable
    Group beginMetadata(Group like) throws InterruptedException {
        List<PeerId> fit = like.holders().stream()
                .filter(peer -> !isUnfit(peer) && !courier.isSilent(peer))
                .toList();
        List<@Nullable PeerId> slots = new ArrayList<>(Collections.nCopies(copies(), null));
        for (int slot = 0; slot < Math.min(fit.size(), slots.size()); slot++) {
            slots.set(slot, fit.get(slot));
        }
        return begin(GroupId.forManifests(random), slots, book::beginMetadata);
    }

    /** Whether it has not answered for so long that its slots go to others. */
    boolean isAway(PeerId peer) {
        return courier.isAway(peer);
    }

    private boolean isUnfit(PeerId peer) {
        return courier.isAway(peer)
                || courier.stragglers().isOverdue(peer)
                || courier.holders().isLeaving(peer);
    }

    /** Whether a group for manifests that began now would be on more peers that are fit for it. */
    boolean shallMove(Group metadata) {
        if (metadata.scheme().slots() != copies()) {
            return true;
        }
        Set<PeerId> unfit = new HashSet<>(courier.lost());
        Set<PeerId> fit = new HashSet<>();
        List<@Nullable PeerId> slots = new ArrayList<>();
        for (PeerId peer : metadata.table().holders()) {
            if (isUnfit(peer)) {
                unfit.add(peer);
            }
            slots.add(unfit.contains(peer) || !fit.add(peer) ? null : peer);
        }
        unfit.addAll(courier.avoided());
        return fit.size() < slots.size()
                && new HashSet<>(courier.holders().propose(metadata.id(), slots, unfit)).size() > fit.size();
    }

    /** @param wanted the slots in order, null where any peer will do */
    private @Nullable Group begin(GroupId id, List<@Nullable PeerId> wanted, Function<SlotTable.Signed, Group> how)
            throws InterruptedException {
        Scheme copies = options.scheme().whileOpen();
        // first without those who were caught, or take nothing: they count only where there is nobody else
        Set<PeerId> avoided = courier.avoided();
        Set<PeerId> refused = new HashSet<>(avoided);
        boolean choosy = !refused.isEmpty();
        while (true) {
            List<@Nullable PeerId> slots = new ArrayList<>(wanted);
            slots.replaceAll(peer -> peer == null || refused.contains(peer) ? null : peer);
            List<PeerId> proposed = courier.holders().propose(id, slots, refused);
            if (proposed.isEmpty() && choosy) {
                choosy = false;
                refused.removeAll(avoided);
                continue;
            }
            if (proposed.isEmpty()) {
                courier.troubled("no peer has room for its blocks", null);
                return null;
            }
            SlotTable.Signed table =
                    courier.sign(new SlotTable(courier.tenant(), id, 1, copies, SlotTable.State.OPEN, proposed, null));
            Set<PeerId> failed = courier.admit(table, new LinkedHashSet<>(proposed));
            if (failed.isEmpty()) {
                compared.add(id);
                return how.apply(table);
            }
            refused.addAll(failed);
        }
    }

    /** Sends a batch to all holders of a group. @return the blocks that at least one has now */
    private List<Cid> place(Group group, List<StoredBlock> batch) throws InterruptedException {
        Map<Integer, BitSet> stored = courier.send(group, toAll(group, batch));
        List<Inventory.Entry> entries = new ArrayList<>();
        List<Cid> placed = new ArrayList<>();
        List<Cid> thin = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            Cid cid = batch.get(i).cid();
            List<Integer> without = new ArrayList<>();
            for (Map.Entry<Integer, BitSet> slot : stored.entrySet()) {
                if (!slot.getValue().get(i)) {
                    without.add(slot.getKey());
                }
            }
            if (without.size() < stored.size()) {
                entries.add(new Inventory.Entry(cid, batch.get(i).bytes().remaining()));
                placed.add(cid);
                without.forEach(slot -> lacking.add(group, slot, cid));
                if (stored.size() - without.size() < group.majority()) {
                    thin.add(cid);
                }
            }
        }
        backlog.thin(thin);
        if (!entries.isEmpty()) {
            book.append(group, entries);
            if (lacking.isEmpty()) {
                courier.settled();
            }
            count();
        }
        return placed;
    }

    /** Blocks that were on too few peers and may be on enough now. */
    private void recountThin() {
        List<Cid> firm = new ArrayList<>();
        for (Cid cid : backlog.thin()) {
            GroupBook.Located at = book.locate(cid);
            if (at == null
                    || !at.group().scheme().isCopies()
                    || copiesOf(at.group(), cid) >= at.group().majority()) {
                firm.add(cid);
            }
        }
        backlog.firm(firm);
    }

    /** Whether another place of a block may go: enough holders of its group have it. */
    private boolean isOnEnough(Cid cid) {
        GroupBook.Located at = book.locate(cid);
        return at != null
                && (!at.group().scheme().isCopies()
                        || copiesOf(at.group(), cid) >= at.group().majority());
    }

    private int copiesOf(Group group, Cid cid) {
        int copies = 0;
        for (int slot : group.slotsToFill()) {
            copies += lacking.of(group, slot).contains(cid) ? 0 : 1;
        }
        return copies;
    }

    private static Map<Integer, List<StoredBlock>> toAll(Group group, List<StoredBlock> batch) {
        Map<Integer, List<StoredBlock>> bySlot = new LinkedHashMap<>();
        group.slotsToFill().forEach(slot -> bySlot.put(slot, batch));
        return bySlot;
    }

    /** No more blocks go in; its inventory becomes a block that every holder has. */
    private void close(Group group) throws InterruptedException {
        StoredBlock block = SwarmReader.asBlock(book.inventory(group).encode());
        place(List.of(block), group);
        SlotTable old = group.table();
        SlotTable.Signed closed = courier.sign(new SlotTable(
                old.tenant(),
                old.group(),
                old.generation() + 1,
                old.scheme(),
                SlotTable.State.CLOSED,
                old.holders(),
                block.cid()));
        book.replace(closed);
        book.sync();
        extras.remove(block.cid()); // it is made again from the book, and what lacks it stays known
        courier.tell(closed);
    }

    /** Whether as many holders of a closed group have its inventory as fsync promises of blocks. */
    boolean hasInventory(Group group) {
        Cid inventory = group.table().inventory();
        return inventory == null || !group.scheme().isCopies() || copiesOf(group, inventory) >= group.majority();
    }

    /**
     * Gives blocks that are in no inventory (inventories, parts of a manifest) to the holders of a group.
     *
     * @return bit i is set if at least one has block i
     */
    BitSet place(List<StoredBlock> batch, Group group) throws InterruptedException {
        batch.forEach(this::remember);
        BitSet placed = new BitSet();
        for (Map.Entry<Integer, BitSet> slot :
                courier.send(group, toAll(group, batch)).entrySet()) {
            placed.or(slot.getValue());
            for (int i = slot.getValue().nextClearBit(0);
                    i < batch.size();
                    i = slot.getValue().nextClearBit(i + 1)) {
                lacking.add(group, slot.getKey(), batch.get(i).cid());
            }
        }
        return placed;
    }

    /** A block in no inventory that holders may come to lack. */
    void remember(StoredBlock block) {
        extras.put(block.cid(), block.bytes());
    }

    /** A group keeps the newest manifest, which consists of these blocks; nobody needs others that were {@linkplain #place placed}. */
    void keepExtras(Group in, Set<Cid> live) {
        Set<Cid> superseded = new HashSet<>(extras.keySet());
        superseded.removeAll(live);
        lacking.forget(superseded);
        extras.keySet().retainAll(live);
        keeper = in;
    }

    /** Bytes of what was kept last. */
    long extraBytes() {
        return extras.values().stream().mapToLong(ByteBuffer::remaining).sum();
    }

    /** Whether as many holders have each of these as fsync promises of blocks, as far as is known. */
    boolean haveEnough(Group group, Set<Cid> cids) {
        return cids.stream().allMatch(cid -> copiesOf(group, cid) >= group.majority());
    }

    /** Nothing of a group that kept manifests is needed any more. */
    void giveUp(Group group) {
        book.emptied(group);
        lacking.forget(group);
    }

    DrainOptions options() {
        return options;
    }

    // ---- tending what is placed -------------------------------------------------------------------------------------

    private void tend() throws InterruptedException {
        long now = System.nanoTime();
        if (now - nextCatchUp >= 0 || catchUpGoesOn) {
            catchUpGoesOn = false;
            var unused = closeFull();
            Set<SlotAddress> behind = new HashSet<>();
            for (Group group : book.groups()) {
                if (group.phase() != Group.Phase.REPLACED) {
                    catchUp(group);
                }
                improve(group);
                lacking.slots(group).forEach(slot -> behind.add(group.table().slot(slot)));
            }
            restores.retain(behind);
            count();
            nextCatchUp = System.nanoTime() + options.retry().toNanos();
        }
        if (now - nextCheck >= 0) {
            checkOne();
            nextCheck = System.nanoTime() + options.check().toNanos();
        }
        sweeper.step();
        regrouper.step(options);
        if (regrouper.isBusy()) {
            count();
        }
    }

    /** Sends holders what they lack; a batch at a time while new blocks wait for their first copies. */
    private void catchUp(Group group) throws InterruptedException {
        for (int slot : lacking.slots(group)) {
            if (slot < group.scheme().slots()) {
                if (!courier.stragglers().isItsTurn(group.table().holders().get(slot))) {
                    continue;
                }
                if (restores.isLeftToHolder(group, slot)) {
                    restore(group, slot, lacking.of(group, slot));
                } else {
                    catchUp(group, slot, lacking.of(group, slot));
                }
            } else {
                lacking.clear(group, slot);
            }
        }
        lacking.prune();
    }

    /** Sends what is here; the rest the holder fetches, so that it moves once and not through this machine. */
    private void restore(Group group, int slot, Set<Cid> missing) throws InterruptedException {
        Set<Cid> here = atHand(group, missing);
        Set<Cid> taken = new HashSet<>(here);
        if (!here.isEmpty()) {
            catchUp(group, slot, here);
            taken.removeAll(here);
            missing.removeAll(taken);
        }
        // while some of it is on its way the holder shall not fetch that, too; what cannot be read or sent keeps nobody
        // from the rest
        boolean waits = !here.isEmpty() && !taken.isEmpty();
        if (!waits && missing.size() > here.size() && !closing) {
            restores.look(group, slot, missing);
        }
    }

    /** Which of these need not be fetched by this machine. */
    private Set<Cid> atHand(Group group, Set<Cid> cids) {
        Set<Cid> here = new LinkedHashSet<>();
        for (Cid cid : cids) {
            if (isHere(cid) || cid.equals(group.table().inventory())) {
                here.add(cid);
            }
        }
        if (here.size() < cids.size() && !group.scheme().isCopies()) {
            here.addAll(parityAtHand(group, cids));
        }
        return here;
    }

    private boolean isHere(Cid cid) {
        return extras.containsKey(cid) || local.length(cid) >= 0;
    }

    /** Parity whose stripe is here. */
    private Set<Cid> parityAtHand(Group group, Set<Cid> cids) {
        Set<Cid> parity = new LinkedHashSet<>();
        Inventory inventory = book.inventory(group);
        Scheme scheme = group.scheme();
        for (int i = 0; i < inventory.stripes(); i++) {
            List<Inventory.Entry> stripe = inventory.stripe(i).entries();
            List<Cid> asked = stripe.subList(scheme.data(), scheme.slots()).stream()
                    .map(Inventory.Entry::cid)
                    .filter(cids::contains)
                    .toList();
            if (!asked.isEmpty()
                    && stripe.subList(0, scheme.data()).stream()
                            .allMatch(entry -> entry.isEmpty() || isHere(entry.cid()))) {
                parity.addAll(asked);
            }
        }
        return parity;
    }

    private void catchUp(Group group, int slot, Set<Cid> missing) throws InterruptedException {
        PeerId peer = group.table().holders().get(slot);
        while (!missing.isEmpty() && !closing) {
            boolean behind = courier.stragglers().isBehind(peer);
            List<StoredBlock> batch = stored(group, missing, behind ? Stragglers.SLOW_BATCH : options.batchBytes());
            if (batch.isEmpty()) {
                return;
            }
            BitSet took = courier.send(group, Map.of(slot, batch)).getOrDefault(slot, new BitSet());
            for (int i = took.nextSetBit(0); i >= 0; i = took.nextSetBit(i + 1)) {
                missing.remove(batch.get(i).cid());
            }
            boolean all = took.cardinality() == batch.size();
            if (behind) {
                courier.stragglers().hadTurn(peer, all, backlog.size() > 0);
            }
            if (!all) {
                return;
            }
            if (backlog.size() > 0) {
                catchUpGoesOn |= !missing.isEmpty() && !behind;
                return;
            }
        }
    }

    /** Some of these blocks, from this machine or from other holders. */
    private List<StoredBlock> stored(Group group, Set<Cid> cids, int batchBytes) {
        List<Cid> some = new ArrayList<>();
        long bytes = 0;
        for (Cid cid : cids) {
            ByteBuffer extra = extras.get(cid);
            long length = extra == null ? Math.max(lengthOf(cid), 1 << 10) : extra.remaining();
            if (!some.isEmpty() && bytes + length > batchBytes || some.size() == MAX_BATCH) {
                break;
            }
            bytes += length;
            some.add(cid);
        }
        List<StoredBlock> batch = new ArrayList<>();
        List<Cid> nowhere = new ArrayList<>();
        List<@Nullable ByteBuffer> found = blocks.get(some);
        Map<Cid, ByteBuffer> parity = null;
        for (int i = 0; i < some.size(); i++) {
            Cid cid = some.get(i);
            ByteBuffer block = found.get(i);
            if (block == null) {
                block = extras.get(cid);
            }
            if (block == null && cid.equals(group.table().inventory())) {
                block = ByteBuffer.wrap(book.inventory(group).encode());
            }
            if (block == null && !group.scheme().isCopies()) {
                parity = parity == null ? regrouper.parity(group, new HashSet<>(some)) : parity;
                block = parity.get(cid);
            }
            if (block != null) {
                batch.add(new StoredBlock(cid, block.duplicate()));
            } else if (group.isMetadata() || group.scheme().isCopies() && !book.contains(cid)) {
                cids.remove(cid); // it was replaced by a newer one
            } else {
                nowhere.add(cid);
            }
        }
        if (!nowhere.isEmpty()) {
            lost.accept(nowhere);
        }
        return batch;
    }

    private long lengthOf(Cid cid) {
        long here = local.length(cid);
        return here >= 0 ? here : book.length(cid);
    }

    /** Gives a group peers of its own for each slot, others for those that stay away, and as many copies as it shall have. */
    private void improve(Group group) throws InterruptedException {
        SlotTable table = group.table();
        if (!isOurs(group) || table.state() == SlotTable.State.RETIRED || group.phase() == Group.Phase.REPLACED) {
            return;
        }
        if (!group.signed().byTenant()) {
            confirm(group);
            return;
        }
        if (group.isMetadata()) {
            return; // it does not change hands: another one begins
        }
        Scheme scheme = copiesWanted(group);
        SlotTable.Signed moved = null;
        Set<PeerId> refused = new HashSet<>();
        while (moved == null) {
            List<PeerId> holders = wanted(group, scheme, refused);
            if (holders.equals(table.holders())) {
                return;
            }
            SlotTable.Signed next = courier.sign(new SlotTable(
                    table.tenant(),
                    table.group(),
                    table.generation() + 1,
                    scheme,
                    table.state(),
                    holders,
                    inventoryAs(scheme, group)));
            Set<PeerId> fresh = new LinkedHashSet<>(holders);
            fresh.removeAll(group.holders());
            Set<PeerId> failed = courier.admit(next, fresh);
            moved = failed.isEmpty() ? next : null;
            refused.addAll(failed);
        }
        // a new holder can fetch for itself what an inventory names; a successor stays open until it is whole
        boolean mustFetch = group.isCurrent()
                && group.isOpen()
                && book.entries(group).stream().anyMatch(entry -> !isHere(entry.cid()));
        move(group, moved);
        if (mustFetch) {
            close(group);
        }
    }

    private @Nullable Cid inventoryAs(Scheme scheme, Group group) {
        Cid inventory = group.table().inventory();
        return inventory == null || scheme.equals(group.scheme())
                ? inventory
                : SwarmReader.asBlock(new Inventory(scheme, book.entries(group)).encode())
                        .cid();
    }

    /** Takes a table of other holders, all of which have consented. */
    private void move(Group group, SlotTable.Signed moved) throws InterruptedException {
        SlotTable table = group.table();
        List<PeerId> holders = moved.table().holders();
        List<Integer> changed = new ArrayList<>();
        for (int slot = 0; slot < holders.size(); slot++) {
            if (slot >= table.holders().size()
                    || !holders.get(slot).equals(table.holders().get(slot))) {
                changed.add(slot);
            }
        }
        Cid inventory = moved.table().inventory();
        book.replace(moved);
        book.sync();
        Inventory contents = book.inventory(group);
        for (int slot : group.slotsToFill()) {
            if (changed.contains(slot)) {
                lacking.clear(group, slot);
                contents.ofSlot(slot).forEach(entry -> lacking.add(group, slot, entry.cid()));
            }
            if (inventory != null && (changed.contains(slot) || !inventory.equals(table.inventory()))) {
                lacking.add(group, slot, inventory);
            }
        }
        courier.tell(moved);
        LOG.info("volume {}: group {} is on {} from now on", name, table.group(), holders);
    }

    /** Holders went on with its table: it is the tenant's again, with leases in which this node may put. */
    private void confirm(Group group) throws InterruptedException {
        SlotTable table = group.table();
        SlotTable.Signed ours = courier.sign(table.moved(table.holders()));
        book.replace(ours);
        book.sync();
        courier.tell(ours);
    }

    /** The scheme of a group, with as many copies as the volume wants where it is copies. */
    private Scheme copiesWanted(Group group) {
        Scheme wanted = group.isOpen() ? options.scheme().whileOpen() : options.scheme();
        return group.scheme().isCopies() && wanted.isCopies() && group.isCurrent() ? wanted : group.scheme();
    }

    /**
     * Who should hold a group's slots now; the holders that it has if nothing would be better.
     *
     * @param refused peers that do not consent
     */
    private List<PeerId> wanted(Group group, Scheme scheme, Set<PeerId> refused) {
        List<PeerId> holders = group.table().holders();
        List<Integer> behind = lacking.slots(group);
        Set<PeerId> away = new HashSet<>(refused);
        Set<PeerId> keep = new HashSet<>();
        List<@Nullable PeerId> slots = new ArrayList<>();
        for (int slot = 0; slot < scheme.slots(); slot++) {
            PeerId peer = slot < holders.size() ? holders.get(slot) : null;
            // who takes nothing any more keeps what it has whole
            if (peer != null
                    && (courier.isAway(peer)
                            || behind.contains(slot) && courier.stragglers().isOverdue(peer))) {
                away.add(peer);
                peer = null;
            }
            // what a peer holds a second time is a free slot
            slots.add(peer == null || !keep.add(peer) ? null : peer);
        }
        if (keep.size() == slots.size()) {
            // fewer copies than before only when those that stay are whole
            return slots.size() == holders.size() || lacking.isWhole(group)
                    ? holders.subList(0, slots.size())
                    : holders;
        }
        List<PeerId> proposed = proposed(group, slots, away);
        if (proposed.isEmpty()) {
            return holders;
        }
        List<PeerId> wanted = new ArrayList<>();
        for (int slot = 0; slot < slots.size(); slot++) {
            PeerId peer = proposed.get(slot);
            boolean better = slots.get(slot) != null || !keep.contains(peer) || slot >= holders.size();
            wanted.add(better ? peer : holders.get(slot));
        }
        return wanted;
    }

    /**
     * Peers for the empty slots: those against whom nothing is held, and others where these are too few. Who would lose a slot at once
     * gets none: cheats would hand it to each other.
     */
    private List<PeerId> proposed(Group group, List<@Nullable PeerId> slots, Set<PeerId> away) {
        Set<PeerId> avoided = new HashSet<>(away);
        avoided.addAll(courier.lost());
        Set<PeerId> choosy = new HashSet<>(avoided);
        choosy.addAll(courier.avoided());
        List<PeerId> best = courier.holders().propose(group.id(), slots, choosy);
        return new HashSet<>(best).size() == slots.size()
                ? best
                : courier.holders().propose(group.id(), slots, avoided);
    }

    /** Compares one group with what its holders have, and hears whether they have changed its table. */
    private void checkOne() throws InterruptedException {
        List<Group> groups = book.groups().stream()
                .filter(group -> group.phase() != Group.Phase.REPLACED)
                .toList();
        if (groups.isEmpty()) {
            return;
        }
        Group group = nextToCheck(groups);
        for (PeerId peer : group.holders()) {
            courier.ask(peer, courier.holders().table(peer, group.id()), table -> {
                List<PeerId> before = group.table().holders();
                if (table != null && book.replace(table)) {
                    LOG.info("volume {}: holders have changed the table of group {}", name, group.id());
                    forgetChanged(group, before);
                }
            });
        }
        if (group.isMetadata()) {
            checkExtras(group, false);
            return;
        }
        boolean all = true;
        for (int slot : group.slotsToFill()) {
            Set<Cid> missing = regrouper.compare(group, slot);
            all &= missing != null;
            if (missing != null) {
                spotCheck(group, slot, missing);
            }
        }
        if (all) {
            compared.add(group.id());
            comparisons++;
        }
    }

    /**
     * Asks the holders of the group that keeps the newest manifest whether they have all of it.
     *
     * @param sure whether one that does not answer counts as one that has nothing
     */
    void checkExtras(Group group, boolean sure) throws InterruptedException {
        if (group != keeper) {
            return;
        }
        List<Cid> wanted = List.copyOf(extras.keySet());
        for (int slot : group.slotsToFill()) {
            PeerId peer = group.table().holders().get(slot);
            boolean answered = courier.ask(peer, courier.holders().have(peer, wanted), here -> {
                for (int i = here.nextClearBit(0); i < wanted.size(); i = here.nextClearBit(i + 1)) {
                    lacking.add(group, slot, wanted.get(i));
                }
            });
            if (!answered && sure) {
                lacking.add(group, slot, wanted);
            }
        }
    }

    /** Whoever has a slot now was given what it had; what other slots lack they still lack. */
    private void forgetChanged(Group group, List<PeerId> before) {
        List<PeerId> now = group.table().holders();
        for (int slot : lacking.slots(group)) {
            if (slot >= now.size() || slot >= before.size() || !before.get(slot).equals(now.get(slot))) {
                lacking.clear(group, slot);
            }
        }
        compared.remove(group.id());
    }

    /** Whether a holder has one of the blocks of which it has just said that it has them. */
    private void spotCheck(Group group, int slot, Set<Cid> missing) throws InterruptedException {
        List<Inventory.Entry> said = book.inventory(group).ofSlot(slot).stream()
                .filter(entry -> !entry.isEmpty() && !missing.contains(entry.cid()))
                .toList();
        if (said.isEmpty()) {
            return;
        }
        PeerId peer = group.table().holders().get(slot);
        if (!courier.stragglers().mayBeChecked(peer)) {
            return;
        }
        Inventory.Entry drawn = said.get(random.nextInt(said.size()));
        Cid cid = drawn.cid();
        ByteBuffer here = local.get(List.of(cid)).get(0);
        if (here != null && !Cid.of(here.duplicate()).equals(cid)) {
            here = null; // damaged here: nobody is accused by that
        }
        if (here == null && random.nextInt(FETCHED_CHECKS) != 0) {
            return;
        }
        int bytes = here == null ? drawn.length() : Math.min(drawn.length(), OverlayHolders.PART);
        courier.check(peer, courier.holders().proves(peer, cid, here), bytes, has -> {
            if (has) {
                courier.trust().kept(peer);
            } else {
                LOG.info("volume {}: peer {} says it has block {} and does not give it", name, peer, cid);
                courier.trust().broke(peer);
                lacking.add(group, slot, cid);
            }
        });
    }

    /** Round and round; every other time one that is changing hands, because a holder leaves. */
    private Group nextToCheck(List<Group> groups) {
        int turn = checkNext++;
        Group metadata = keeper;
        if (metadata != null && turn % KEEPER_CHECKS == KEEPER_CHECKS - 1 && groups.contains(metadata)) {
            return metadata; // of thousands of groups it is the one without which none is found
        }
        List<Group> changing =
                groups.stream().filter(group -> !leaving(group).isEmpty()).toList();
        List<Group> among = turn % 2 == 0 && !changing.isEmpty() ? changing : groups;
        return among.get((changing.isEmpty() ? turn : turn / 2) % among.size());
    }

    private void count() {
        int coded = 0;
        int otherwise = (int) book.groups().stream()
                .filter(group -> group.phase() == Group.Phase.REPLACED && !group.isMetadata())
                .count();
        int degraded = 0;
        int tolerates = Integer.MAX_VALUE;
        List<Group> groups = new ArrayList<>(book.read());
        List<Group> manifests = book.metadata();
        if (!manifests.isEmpty()) {
            groups.add(manifests.get(manifests.size() - 1)); // those before it are on their way out
        }
        Map<GroupId, Integer> nowSafe = new HashMap<>();
        Set<SlotAddress> slots = new HashSet<>();
        Set<SlotAddress> lackNothing = new HashSet<>();
        for (Group group : groups) {
            int entries = group.blocks();
            List<Integer> behind = lacking.slots(group);
            List<PeerId> whole = new ArrayList<>();
            for (int slot : group.slotsToFill()) {
                PeerId peer = group.table().holders().get(slot);
                slots.add(group.table().slot(slot));
                if (!behind.contains(slot)) {
                    lackNothing.add(group.table().slot(slot));
                }
                if (!behind.contains(slot) && !courier.isSilent(peer)) {
                    whole.add(peer);
                }
            }
            Scheme scheme = group.scheme();
            coded += scheme.isCopies() ? 0 : 1;
            otherwise += group.isOpen() || group.isMetadata() || scheme.equals(options.scheme()) ? 0 : 1;
            if (new HashSet<>(whole).size() < scheme.slots()) {
                degraded++;
            } else if (compared.contains(group.id())) {
                nowSafe.put(group.id(), entries);
            }
            tolerates = Math.min(tolerates, Math.max(0, Proposal.tolerates(scheme, whole)));
        }
        lackNothing.retainAll(regrouper.heardOf(slots));
        filled = Set.copyOf(lackNothing);
        safe = Map.copyOf(nowSafe);
        facts = new Facts(groups.size(), coded, otherwise, degraded, groups.isEmpty() ? 0 : tolerates);
    }
}
