package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a volume's new blocks to peers, in write order, on a thread of its own: takes a batch from the {@link Backlog},
 * sends it to every holder of the open group at once, writes down what a holder confirmed. A holder that fails does not
 * stop the others; what it lacks is sent again when it answers, and to another peer when it stays away. One group after
 * another is compared with what its holders say they have, which finds a holder that lost its disk. Thread-safe.
 *
 * <p>Per batch: one read and one hash per block, one transfer per copy, one append to the book.
 */
final class Drainer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Drainer.class);
    private static final Duration ANSWER = Duration.ofSeconds(60);
    private static final int MAX_BATCH = 1_024;

    /** Where blocks come from that this machine needs for another peer. */
    private final BlockStore blocks;

    private final BlockStore local;
    private final String name;
    private final GroupBook book;
    private final Backlog backlog;
    private final Holders holders;
    private final IdentityKey tenant;
    private final NetworkId network;
    private final DrainOptions options;
    private final SecureRandom random = new SecureRandom();

    /** What each holder of a group lacks, as far as is known; only the drainer's thread changes it. */
    private final Map<GroupId, Map<PeerId, Set<Cid>>> lacking = new HashMap<>();

    /** Inventories and manifests that some holder lacks: they stand in no book, and only here. */
    private final Map<Cid, ByteBuffer> extras = new HashMap<>();

    /** Who has consented to a table since this drainer began. */
    private final Set<Admission> admitted = new HashSet<>();

    private record Admission(SlotAddress table, PeerId holder) {}

    /** Since when a holder has not answered, System.nanoTime. */
    private final Map<PeerId, Long> silentSince = new HashMap<>();

    private final Thread thread;
    private volatile boolean closing;
    private volatile @Nullable CompletableFuture<?> awaited;
    private volatile @Nullable String trouble;
    private volatile Facts facts = new Facts(0, 0, 0);

    /** Groups of which this drainer has heard since it began what their holders have. */
    private final Set<GroupId> compared = new HashSet<>();

    /** How often all holders of a group have said what they have of it. */
    private volatile long comparisons;

    /** Per group that has all its copies: how many entries it had when that was found. */
    private volatile Map<GroupId, Integer> safe = Map.of();

    private volatile Progress progress = () -> {};
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
     * @param degraded groups of which some slot's holder lacks blocks, or whose slots are not all on peers of their own
     * @param tolerates failures of peers that no block of any group would be lost by; 0 if there is no group
     */
    record Facts(int groups, int degraded, int tolerates) {}

    Drainer(
            String name,
            BlockStore blocks,
            BlockStore local,
            GroupBook book,
            Backlog backlog,
            Holders holders,
            IdentityKey tenant,
            NetworkId network,
            DrainOptions options) {
        this.name = name;
        this.blocks = blocks;
        this.local = local;
        this.book = book;
        this.backlog = backlog;
        this.holders = holders;
        this.tenant = tenant;
        this.network = network;
        this.options = options;
        this.thread = new Thread(this::run, "drain-" + name);
        thread.setDaemon(true);
    }

    /** @param onProgress called on the drainer's thread after each batch and each time that it looks around */
    void start(Progress onProgress) {
        progress = onProgress;
        thread.start();
    }

    /** Why the backlog does not shrink; null while it does. */
    @Nullable
    String trouble() {
        return trouble;
    }

    Facts facts() {
        return facts;
    }

    /** How often a group was compared with what all its holders have, since the start; group by group, round and round. */
    long comparisons() {
        return comparisons;
    }

    /** How many of a group's entries, from the first, are on as many peers of their own as they should, all of which answer. */
    int safeEntries(Group group) {
        return safe.getOrDefault(group.id(), 0);
    }

    @Override
    public void close() {
        // no interrupt: it would close the files that the thread reads
        closing = true;
        backlog.close();
        CompletableFuture<?> current = awaited;
        if (current != null) {
            current.cancel(true);
        }
        try {
            thread.join(ANSWER.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // ---- the thread -------------------------------------------------------------------------------------------------

    private void run() {
        while (!closing) {
            try {
                boolean did = drain(backlog.next(MAX_BATCH, options.retry()));
                progress.run();
                tend();
                if (!did && backlog.size() > 0) {
                    backlog.pause(options.retry()); // nobody took anything: peers come at no known time
                }
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                troubled(String.valueOf(e.getMessage()), e);
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

    private void troubled(String what, @Nullable Throwable why) {
        if (!what.equals(trouble)) {
            LOG.warn("volume {}: {}", name, what, why);
        }
        trouble = what;
    }

    /** @return whether something of the backlog was placed or turned out to need no place */
    private boolean drain(List<Cid> cids) throws InterruptedException {
        if (cids.isEmpty()) {
            trouble = null;
            return false;
        }
        List<Cid> settled = new ArrayList<>();
        List<StoredBlock> batch = batch(cids, settled);
        if (!batch.isEmpty()) {
            Group group = openGroup();
            if (group == null) {
                return false;
            }
            settled.addAll(place(group, batch));
        }
        backlog.done(settled);
        return !settled.isEmpty();
    }

    /** Reads what is not placed yet, up to the batch's size; what is no longer stored was collected. */
    private List<StoredBlock> batch(List<Cid> cids, List<Cid> settled) {
        List<Cid> wanted = new ArrayList<>();
        long bytes = 0;
        for (Cid cid : cids) {
            if (book.contains(cid)) {
                settled.add(cid);
                continue;
            }
            long length = local.length(cid);
            if (bytes > 0 && bytes + length > options.batchBytes()) {
                break;
            }
            bytes += Math.max(0, length);
            wanted.add(cid);
        }
        List<StoredBlock> batch = new ArrayList<>(wanted.size());
        List<@Nullable ByteBuffer> stored = local.get(wanted);
        for (int i = 0; i < wanted.size(); i++) {
            ByteBuffer block = stored.get(i);
            if (block == null) {
                settled.add(wanted.get(i));
            } else {
                batch.add(new StoredBlock(wanted.get(i), block));
            }
        }
        return batch;
    }

    /** The group that takes blocks now; null if nobody takes one. */
    private @Nullable Group openGroup() throws InterruptedException {
        for (Group group : book.groups()) {
            if (group.isOpen() && group.table().tenant().equals(tenant.peerId())) {
                if (group.bytes() < options.groupBytes() && group.blocks() < options.groupBlocks()) {
                    return group;
                }
                close(group);
            }
        }
        return begin();
    }

    private @Nullable Group begin() throws InterruptedException {
        GroupId id = GroupId.random(random);
        Set<PeerId> refused = new HashSet<>();
        while (true) {
            List<PeerId> proposed =
                    holders.propose(id, Collections.nCopies(options.copies().slots(), null), refused);
            if (proposed.isEmpty()) {
                troubled("no peer has room for its blocks", null);
                return null;
            }
            SlotTable.Signed table = new SlotTable(
                            tenant.peerId(), id, 1, options.copies(), SlotTable.State.OPEN, proposed, null)
                    .sign(tenant, network);
            Set<PeerId> failed = admit(table, new LinkedHashSet<>(proposed));
            if (failed.isEmpty()) {
                compared.add(id);
                return book.begin(table);
            }
            refused.addAll(failed);
        }
    }

    /** @return who did not consent */
    private Set<PeerId> admit(SlotTable.Signed table, Set<PeerId> peers) throws InterruptedException {
        Map<PeerId, CompletableFuture<Void>> answers = new LinkedHashMap<>();
        for (PeerId peer : peers) {
            answers.put(peer, holders.admit(peer, table, 2 * options.groupBytes()));
        }
        Set<PeerId> failed = new HashSet<>();
        for (Map.Entry<PeerId, CompletableFuture<Void>> answer : answers.entrySet()) {
            if (await(answer.getKey(), answer.getValue(), null) == Outcome.FAILED) {
                failed.add(answer.getKey());
            } else {
                admitted.add(new Admission(table.table().slot(0), answer.getKey()));
            }
        }
        return failed;
    }

    private enum Outcome {
        DONE,
        FAILED
    }

    /** Waits for one holder; {@code kept} gets the answer. */
    private <T> Outcome await(PeerId peer, CompletableFuture<T> answer, @Nullable Consumer<T> kept)
            throws InterruptedException {
        awaited = answer;
        if (closing) {
            answer.cancel(true);
        }
        try {
            T value = answer.get(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
            if (kept != null) {
                kept.accept(value);
            }
            silentSince.remove(peer);
            return Outcome.DONE;
        } catch (CancellationException e) {
            return Outcome.FAILED; // close() does that
        } catch (ExecutionException e) {
            String why = e.getCause() instanceof PpiofsException p ? String.valueOf(p.getMessage()) : e.toString();
            failed(peer, "peer " + peer + " failed: " + why);
            return Outcome.FAILED;
        } catch (TimeoutException e) {
            answer.cancel(true);
            failed(peer, "peer " + peer + " did not answer in " + ANSWER.toSeconds() + " s");
            return Outcome.FAILED;
        } finally {
            awaited = null;
        }
    }

    /** Told once for as long as it lasts. */
    private void failed(PeerId peer, String what) {
        if (silentSince.putIfAbsent(peer, System.nanoTime()) == null) {
            LOG.warn("volume {}: {}", name, what);
        }
        trouble = what;
    }

    /** Sends a batch to all holders of a group. @return the blocks that at least one has now */
    private List<Cid> place(Group group, List<StoredBlock> batch) throws InterruptedException {
        Map<PeerId, BitSet> stored = send(group, batch, group.holders());
        List<Inventory.Entry> entries = new ArrayList<>();
        List<Cid> placed = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            Cid cid = batch.get(i).cid();
            Set<PeerId> without = new LinkedHashSet<>();
            for (Map.Entry<PeerId, BitSet> holder : stored.entrySet()) {
                if (!holder.getValue().get(i)) {
                    without.add(holder.getKey());
                }
            }
            if (without.size() < stored.size()) {
                entries.add(new Inventory.Entry(cid, batch.get(i).bytes().remaining()));
                placed.add(cid);
                without.forEach(peer -> lacks(group, peer).add(cid));
            }
        }
        if (!entries.isEmpty()) {
            book.append(group, entries);
            if (lacking.isEmpty()) {
                trouble = null;
            }
            count();
        }
        return placed;
    }

    private Set<Cid> lacks(Group group, PeerId peer) {
        return lacking.computeIfAbsent(group.id(), id -> new HashMap<>())
                .computeIfAbsent(peer, p -> new LinkedHashSet<>());
    }

    private Map<PeerId, BitSet> send(Group group, List<StoredBlock> batch, Set<PeerId> peers)
            throws InterruptedException {
        Set<PeerId> refused = admitAnew(group, peers);
        Map<PeerId, CompletableFuture<BitSet>> answers = new LinkedHashMap<>();
        Map<PeerId, BitSet> stored = new LinkedHashMap<>();
        for (PeerId peer : peers) {
            stored.put(peer, new BitSet());
            if (refused.contains(peer)) {
                continue;
            }
            List<StoredBlock> views = new ArrayList<>(batch.size());
            batch.forEach(b -> views.add(new StoredBlock(b.cid(), b.bytes().duplicate())));
            answers.put(peer, holders.put(peer, group.table(), views));
        }
        for (Map.Entry<PeerId, CompletableFuture<BitSet>> answer : answers.entrySet()) {
            PeerId peer = answer.getKey();
            await(peer, answer.getValue(), bits -> stored.put(peer, bits));
        }
        return stored;
    }

    /**
     * A lease names who may put. One that another machine with the same capability ordered, or this one long ago, is
     * ordered anew at the first use.
     *
     * @return who did not consent
     */
    private Set<PeerId> admitAnew(Group group, Set<PeerId> peers) throws InterruptedException {
        Set<PeerId> unknown = new LinkedHashSet<>();
        for (PeerId peer : peers) {
            if (!admitted.contains(new Admission(group.table().slot(0), peer))) {
                unknown.add(peer);
            }
        }
        return unknown.isEmpty() ? unknown : admit(group.signed(), unknown);
    }

    /** No more blocks go in; its inventory becomes a block that every holder has. */
    private void close(Group group) throws InterruptedException {
        Inventory inventory = book.inventory(group);
        StoredBlock block = SwarmReader.asBlock(inventory.encode());
        place(block, group);
        SlotTable old = group.table();
        SlotTable.Signed closed = new SlotTable(
                        old.tenant(),
                        old.group(),
                        old.generation() + 1,
                        old.scheme(),
                        SlotTable.State.CLOSED,
                        old.holders(),
                        block.cid())
                .sign(tenant, network);
        book.replace(closed);
        book.sync();
        tell(closed);
    }

    /**
     * Gives a block that is in no inventory (an inventory, a manifest) to the holders of a group.
     *
     * @return how many have it
     */
    int place(StoredBlock block, Group group) throws InterruptedException {
        int have = 0;
        for (Map.Entry<PeerId, BitSet> holder :
                send(group, List.of(block), group.holders()).entrySet()) {
            if (holder.getValue().get(0)) {
                have++;
            } else {
                extras.put(block.cid(), block.bytes());
                lacks(group, holder.getKey()).add(block.cid());
            }
        }
        return have;
    }

    /**
     * Manifests and inventories that somebody lacks are replaced by newer ones: nobody needs them any more.
     *
     * @return whether there were any
     */
    boolean dropExtras() {
        for (Map<PeerId, Set<Cid>> behind : lacking.values()) {
            behind.values().forEach(missing -> missing.removeAll(extras.keySet()));
        }
        boolean any = !extras.isEmpty();
        extras.clear();
        return any;
    }

    private void tell(SlotTable.Signed table) throws InterruptedException {
        Map<PeerId, CompletableFuture<Void>> answers = new LinkedHashMap<>();
        for (PeerId peer : new LinkedHashSet<>(table.table().holders())) {
            answers.put(peer, holders.tell(peer, table));
        }
        for (Map.Entry<PeerId, CompletableFuture<Void>> answer : answers.entrySet()) {
            await(answer.getKey(), answer.getValue(), null);
        }
    }

    // ---- tending what is placed -------------------------------------------------------------------------------------

    private void tend() throws InterruptedException {
        long now = System.nanoTime();
        if (now - nextCatchUp >= 0 || catchUpGoesOn) {
            catchUpGoesOn = false;
            catchUp();
            for (Group group : book.groups()) {
                improve(group);
            }
            count();
            nextCatchUp = System.nanoTime() + options.retry().toNanos();
        }
        if (now - nextCheck >= 0) {
            checkOne();
            nextCheck = System.nanoTime() + options.check().toNanos();
        }
    }

    /** Sends holders what they lack; a batch at a time while new blocks wait for their first copies. */
    private void catchUp() throws InterruptedException {
        for (Group group : book.groups()) {
            Map<PeerId, Set<Cid>> behind = lacking.get(group.id());
            if (behind == null) {
                continue;
            }
            behind.keySet().retainAll(group.holders());
            for (PeerId peer : List.copyOf(behind.keySet())) {
                catchUp(group, peer, behind.get(peer));
            }
            behind.values().removeIf(Set::isEmpty);
            if (behind.isEmpty()) {
                lacking.remove(group.id());
            }
        }
    }

    private void catchUp(Group group, PeerId peer, @Nullable Set<Cid> missing) throws InterruptedException {
        while (missing != null && !missing.isEmpty() && !closing) {
            List<StoredBlock> batch = stored(group, missing);
            if (batch.isEmpty()) {
                return;
            }
            BitSet took = send(group, batch, Set.of(peer)).getOrDefault(peer, new BitSet());
            for (int i = took.nextSetBit(0); i >= 0; i = took.nextSetBit(i + 1)) {
                missing.remove(batch.get(i).cid());
            }
            if (took.cardinality() < batch.size()) {
                return;
            }
            if (backlog.size() > 0) {
                catchUpGoesOn = !missing.isEmpty();
                return;
            }
        }
    }

    /** Some of these blocks, from this machine or from other holders. */
    private List<StoredBlock> stored(Group group, Set<Cid> cids) {
        List<Cid> some = new ArrayList<>();
        long bytes = 0;
        for (Cid cid : cids) {
            long length = Math.max(local.length(cid), 1 << 10);
            if (!some.isEmpty() && bytes + length > options.batchBytes() || some.size() == MAX_BATCH) {
                break;
            }
            bytes += length;
            some.add(cid);
        }
        List<StoredBlock> batch = new ArrayList<>();
        List<@Nullable ByteBuffer> found = blocks.get(some);
        for (int i = 0; i < some.size(); i++) {
            Cid cid = some.get(i);
            ByteBuffer block = found.get(i);
            if (block == null) {
                block = extras.get(cid);
            }
            if (block == null && cid.equals(group.table().inventory())) {
                block = ByteBuffer.wrap(book.inventory(group).encode());
            }
            if (block != null) {
                batch.add(new StoredBlock(cid, block.duplicate()));
            } else if (!book.contains(cid)) {
                cids.remove(cid); // it was replaced by a newer one
            }
        }
        return batch;
    }

    /** Gives a group peers of its own for each slot, and others for those that stay away. */
    private void improve(Group group) throws InterruptedException {
        SlotTable table = group.table();
        if (!table.tenant().equals(tenant.peerId()) || table.state() == SlotTable.State.RETIRED) {
            return;
        }
        Set<PeerId> away = new HashSet<>();
        Set<PeerId> keep = new HashSet<>();
        List<@Nullable PeerId> slots = new ArrayList<>();
        for (PeerId peer : table.holders()) {
            Long since = silentSince.get(peer);
            if (since != null
                    && System.nanoTime() - since >= options.replaceAfter().toNanos()) {
                away.add(peer);
            }
            // what a peer holds a second time is a free slot
            slots.add(away.contains(peer) || !keep.add(peer) ? null : peer);
        }
        if (keep.size() == slots.size()) {
            return;
        }
        List<PeerId> proposed = holders.propose(table.group(), slots, away);
        Set<PeerId> fresh = new LinkedHashSet<>(proposed);
        fresh.removeAll(group.holders());
        if (fresh.isEmpty()) {
            return;
        }
        SlotTable.Signed moved = table.moved(proposed).sign(tenant, network);
        Set<PeerId> failed = admit(moved, fresh);
        if (!failed.isEmpty()) {
            return; // asked again with the next look
        }
        book.replace(moved);
        List<Inventory.Entry> entries = book.entries(group);
        for (PeerId peer : fresh) {
            Set<Cid> missing = lacks(group, peer);
            entries.stream().filter(e -> !e.isEmpty()).forEach(e -> missing.add(e.cid()));
            if (table.inventory() != null) {
                missing.add(table.inventory());
            }
        }
        tell(moved);
        LOG.info("volume {}: group {} moves to {}", name, table.group(), fresh);
    }

    /** Compares one group with what its holders have. */
    private void checkOne() throws InterruptedException {
        List<Group> groups = book.groups();
        if (groups.isEmpty()) {
            return;
        }
        Group group = groups.get(checkNext++ % groups.size());
        List<Cid> cids = new ArrayList<>();
        book.entries(group).stream().filter(e -> !e.isEmpty()).forEach(e -> cids.add(e.cid()));
        boolean all = true;
        for (PeerId peer : group.holders()) {
            all &= await(peer, holders.have(peer, cids), here -> {
                        for (int i = here.nextClearBit(0); i < cids.size(); i = here.nextClearBit(i + 1)) {
                            lacks(group, peer).add(cids.get(i));
                        }
                    })
                    == Outcome.DONE;
        }
        if (all) {
            compared.add(group.id());
            comparisons++;
        }
    }

    private void count() {
        int degraded = 0;
        int tolerates = Integer.MAX_VALUE;
        List<Group> groups = book.groups();
        Map<GroupId, Integer> nowSafe = new HashMap<>();
        for (Group group : groups) {
            int entries = group.blocks();
            Set<PeerId> whole = group.holders();
            Map<PeerId, Set<Cid>> behind = lacking.get(group.id());
            if (behind != null) {
                whole.removeAll(behind.keySet());
            }
            if (whole.size() < group.table().scheme().slots()) {
                degraded++;
            } else if (compared.contains(group.id()) && whole.stream().noneMatch(silentSince::containsKey)) {
                nowSafe.put(group.id(), entries);
            }
            tolerates = Math.min(
                    tolerates, Math.max(0, whole.size() - group.table().scheme().data()));
        }
        safe = Map.copyOf(nowSafe);
        facts = new Facts(groups.size(), degraded, groups.isEmpty() ? 0 : tolerates);
    }
}
