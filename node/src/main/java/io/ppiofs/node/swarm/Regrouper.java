package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.ReedSolomon;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.Proposal;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.Stripe;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes closed groups anew whose scheme is not the volume's: copies into stripes of a code, and back. The successor is a group
 * of its own. It is filled while the old one goes on to be read; once every holder has said that its slot lacks nothing, blocks
 * are read from the successor; and once a published manifest names the successor and not the old group, the old holders are
 * told that they may delete it. So there is never less redundancy than before. A crash anywhere leaves what the book has, and
 * the next step goes on from there. Holders of the old group are taken first: what they have is not sent again.
 *
 * <p>For the drainer's thread, one batch of stripes per {@link #step}. Per stripe: k blocks read, m computed, k + m sent.
 */
final class Regrouper {
    private static final Logger LOG = LoggerFactory.getLogger(Regrouper.class);
    private static final int MAX_STRIPES = 512;

    /** Gives a group its inventory. */
    @FunctionalInterface
    interface Closing {
        void close(Group group) throws InterruptedException;
    }

    private final String name;
    private final BlockStore blocks;
    private final GroupBook book;
    private final Courier courier;
    private final Shortfall lacking;
    private final Closing closing;
    private final SecureRandom random = new SecureRandom();

    /** Replaced and emptied groups that no published manifest names, and who of their holders knows that it may delete them. */
    private final Map<GroupId, Set<PeerId>> retired = new HashMap<>();

    private final Set<SlotAddress> heard = new HashSet<>();
    private volatile @Nullable String waitsFor;
    private boolean busy;
    private long nextBegin = System.nanoTime();
    private long nextRetire = System.nanoTime();

    Regrouper(String name, BlockStore blocks, GroupBook book, Courier courier, Shortfall lacking, Closing closing) {
        this.name = name;
        this.blocks = blocks;
        this.book = book;
        this.courier = courier;
        this.lacking = lacking;
        this.closing = closing;
    }

    /** Why groups are not kept as they shall be; null if they are, or will soon be. */
    @Nullable
    String waitsFor() {
        return waitsFor;
    }

    /** Whether the last step did something and the next one can go on at once. */
    boolean isBusy() {
        return busy;
    }

    private void waits(@Nullable String why) {
        if (why != null && !why.equals(waitsFor)) {
            LOG.info("volume {}: {}", name, why);
        }
        waitsFor = why;
    }

    /** Goes on by one batch. */
    void step(DrainOptions options) throws InterruptedException {
        busy = false;
        retire(options);
        Group pending = book.groups().stream()
                .filter(group -> group.phase() == Group.Phase.PENDING)
                .findFirst()
                .orElse(null);
        if (pending == null) {
            if (System.nanoTime() - nextBegin >= 0) {
                busy = begin(options);
                nextBegin = busy
                        ? System.nanoTime()
                        : System.nanoTime() + options.retry().toNanos();
            }
            return;
        }
        Group old = book.replacedBy(pending);
        boolean leaves = pending.holders().stream().anyMatch(courier.holders()::isLeaving);
        if (old == null || !old.isCurrent() || !pending.scheme().equals(options.scheme()) || leaves) {
            abandon(pending);
        } else if (pending.isOpen()) {
            busy = fill(pending, old, options);
        } else {
            busy = finish(pending, old);
        }
    }

    // ---- a successor ------------------------------------------------------------------------------------------------

    /** @return whether there is a successor to be filled now */
    private boolean begin(DrainOptions options) throws InterruptedException {
        Scheme scheme = options.scheme();
        for (Group old : book.current()) {
            boolean otherwise = !old.scheme().equals(scheme)
                    // another number of copies is a table of the same group
                    && !(old.scheme().isCopies() && scheme.isCopies());
            if (otherwise
                    && old.table().state() == SlotTable.State.CLOSED
                    && old.table().tenant().equals(courier.tenant())) {
                return begin(old, scheme);
            }
        }
        waits(null);
        return false;
    }

    private boolean begin(Group old, Scheme scheme) throws InterruptedException {
        GroupId id = GroupId.random(random);
        Set<PeerId> avoid = new HashSet<>();
        old.holders().stream()
                .filter(peer -> courier.isSilent(peer) || courier.holders().isLeaving(peer))
                .forEach(avoid::add);
        while (true) {
            List<@Nullable PeerId> slots = new ArrayList<>();
            old.holders().stream()
                    .filter(peer -> !avoid.contains(peer))
                    .limit(scheme.slots())
                    .forEach(slots::add);
            while (slots.size() < scheme.slots()) {
                slots.add(null);
            }
            List<PeerId> holders = courier.holders().propose(id, slots, avoid);
            if (holders.isEmpty() || !isSafe(scheme, holders, old)) {
                waits("groups are not kept as " + scheme + " yet: " + scheme.slots() + " peers are needed, "
                        + new HashSet<>(holders).size() + " have room and answer");
                return false;
            }
            SlotTable.Signed table =
                    courier.sign(new SlotTable(courier.tenant(), id, 1, scheme, SlotTable.State.OPEN, holders, null));
            Set<PeerId> failed = courier.admit(table, new LinkedHashSet<>(holders));
            if (failed.isEmpty()) {
                waits(null);
                book.beginSuccessor(table, old);
                LOG.info("volume {}: group {} is written anew as {}, {}", name, old.id(), id, scheme);
                return true;
            }
            avoid.addAll(failed);
        }
    }

    /** Whether as many peers may fail as the scheme says, or at least as many as before. */
    private static boolean isSafe(Scheme scheme, List<PeerId> holders, Group old) {
        int before = Proposal.tolerates(old.scheme(), old.table().holders());
        return Proposal.tolerates(scheme, holders) >= Math.min(scheme.tolerates(), before);
    }

    /** Sends the next batch of stripes. @return whether there is more to do at once */
    private boolean fill(Group pending, Group old, DrainOptions options) throws InterruptedException {
        Scheme scheme = pending.scheme();
        List<List<Inventory.Entry>> stripes = Stripe.deal(dataOf(book.inventory(old)), scheme);
        int width = scheme.isCopies() ? 1 : scheme.slots();
        List<List<Inventory.Entry>> batch = new ArrayList<>();
        long bytes = 0;
        for (int i = pending.blocks() / width; i < stripes.size() && batch.size() < MAX_STRIPES; i++) {
            if (bytes >= options.batchBytes()) {
                break;
            }
            batch.add(stripes.get(i));
            bytes += stripes.get(i).stream().mapToLong(Inventory.Entry::length).sum();
        }
        if (batch.isEmpty()) {
            closing.close(pending);
            return true;
        }
        Map<Cid, ByteBuffer> data = read(batch);
        if (data == null) {
            waits("group " + old.id() + " is not written anew yet: some of its blocks cannot be had now");
            return false;
        }
        waits(null);
        Map<Integer, List<StoredBlock>> bySlot = new LinkedHashMap<>();
        pending.slotsToFill().forEach(slot -> bySlot.put(slot, new ArrayList<>()));
        List<Inventory.Entry> entries =
                scheme.isCopies() ? copies(batch, data, bySlot) : coded(scheme, batch, data, bySlot);
        Map<Integer, BitSet> stored = courier.send(pending, bySlot);
        if (stored.values().stream().allMatch(BitSet::isEmpty)) {
            return false;
        }
        for (Map.Entry<Integer, BitSet> slot : stored.entrySet()) {
            List<StoredBlock> sent = bySlot.getOrDefault(slot.getKey(), List.of());
            for (int i = 0; i < sent.size(); i++) {
                if (!slot.getValue().get(i)) {
                    lacking.add(pending, slot.getKey(), sent.get(i).cid());
                }
            }
        }
        book.append(pending, entries);
        return true;
    }

    /** The entries of blocks, without parity. */
    static List<Inventory.Entry> dataOf(Inventory inventory) {
        if (inventory.scheme().isCopies()) {
            return inventory.entries();
        }
        List<Inventory.Entry> data = new ArrayList<>();
        for (int i = 0; i < inventory.stripes(); i++) {
            data.addAll(
                    inventory.stripe(i).entries().subList(0, inventory.scheme().data()));
        }
        return data;
    }

    /** All blocks of these stripes, null if one cannot be had. */
    private @Nullable Map<Cid, ByteBuffer> read(List<List<Inventory.Entry>> stripes) {
        List<Cid> cids = new ArrayList<>();
        stripes.forEach(
                stripe -> stripe.stream().filter(entry -> !entry.isEmpty()).forEach(entry -> cids.add(entry.cid())));
        List<@Nullable ByteBuffer> found = blocks.get(cids);
        Map<Cid, ByteBuffer> data = new HashMap<>();
        for (int i = 0; i < cids.size(); i++) {
            ByteBuffer block = found.get(i);
            if (block == null) {
                return null;
            }
            data.put(cids.get(i), block);
        }
        return data;
    }

    private static List<Inventory.Entry> copies(
            List<List<Inventory.Entry>> batch, Map<Cid, ByteBuffer> data, Map<Integer, List<StoredBlock>> bySlot) {
        List<Inventory.Entry> entries = new ArrayList<>();
        batch.forEach(entries::addAll);
        for (Inventory.Entry entry : entries) {
            ByteBuffer block = data.get(entry.cid());
            if (block != null) {
                bySlot.values().forEach(sent -> sent.add(new StoredBlock(entry.cid(), block)));
            }
        }
        return entries;
    }

    private static List<Inventory.Entry> coded(
            Scheme scheme,
            List<List<Inventory.Entry>> batch,
            Map<Cid, ByteBuffer> data,
            Map<Integer, List<StoredBlock>> bySlot) {
        ReedSolomon code = ReedSolomon.cauchy(scheme.data(), scheme.parity());
        List<Inventory.Entry> entries = new ArrayList<>();
        for (List<Inventory.Entry> stripe : batch) {
            Stripe.Encoded encoded = Stripe.encode(code, scheme, stripe, data);
            List<Inventory.Entry> all = encoded.stripe().entries();
            entries.addAll(all);
            for (int slot = 0; slot < all.size(); slot++) {
                Inventory.Entry entry = all.get(slot);
                ByteBuffer block = slot < scheme.data()
                        ? data.get(entry.cid())
                        : encoded.parity().get(slot - scheme.data());
                List<StoredBlock> sent = bySlot.get(slot);
                if (!entry.isEmpty() && block != null && sent != null) {
                    sent.add(new StoredBlock(entry.cid(), block));
                }
            }
        }
        return entries;
    }

    /** Parity blocks of a coded group, computed anew; those whose stripe cannot be had are left out. */
    Map<Cid, ByteBuffer> parity(Group group, Set<Cid> wanted) {
        Scheme scheme = group.scheme();
        ReedSolomon code = ReedSolomon.cauchy(scheme.data(), scheme.parity());
        Inventory inventory = book.inventory(group);
        Map<Cid, ByteBuffer> made = new HashMap<>();
        for (int i = 0; i < inventory.stripes(); i++) {
            Stripe stripe = inventory.stripe(i);
            List<Inventory.Entry> data = stripe.entries().subList(0, scheme.data());
            boolean asked = stripe.entries().subList(scheme.data(), scheme.slots()).stream()
                    .anyMatch(entry -> wanted.contains(entry.cid()));
            Map<Cid, ByteBuffer> found = asked ? read(List.of(data)) : null;
            if (found != null) {
                Stripe.encode(code, scheme, data, found).parity().forEach(block -> {
                    Cid cid = Cid.of(block.duplicate());
                    if (wanted.contains(cid)) {
                        made.put(cid, block);
                    }
                });
            }
        }
        return made;
    }

    /** Blocks are read from the successor once every slot of it is whole. @return whether that is so now */
    private boolean finish(Group pending, Group old) throws InterruptedException {
        if (!names(pending).containsAll(names(old))) {
            LOG.warn(
                    "volume {}: group {} was closed without all that {} has; it is given up",
                    name,
                    pending.id(),
                    old.id());
            abandon(pending);
            return true;
        }
        if (!lacking.isWhole(pending)) {
            return false;
        }
        for (int slot : pending.slotsToFill()) {
            if (!check(pending, slot)) {
                return false;
            }
        }
        if (!isSafe(pending.scheme(), pending.table().holders(), old)) {
            return false;
        }
        book.succeed(old, pending);
        lacking.forget(old);
        LOG.info("volume {}: group {} is kept as {} now", name, pending.id(), pending.scheme());
        return true;
    }

    /** What a group is there for. */
    private Set<Cid> names(Group group) {
        Set<Cid> names = new HashSet<>();
        dataOf(book.inventory(group)).stream()
                .filter(entry -> !entry.isEmpty())
                .forEach(entry -> names.add(entry.cid()));
        return names;
    }

    /** Asks a holder what its slot lacks. @return whether it has said that it lacks nothing */
    private boolean check(Group group, int slot) throws InterruptedException {
        Set<Cid> missing = compare(group, slot);
        return missing != null && missing.isEmpty();
    }

    /**
     * Asks a holder what its slot lacks, and notes it.
     *
     * @return what that is; null if it did not answer
     */
    @Nullable
    Set<Cid> compare(Group group, int slot) throws InterruptedException {
        return compare(group, slot, false);
    }

    /** The same. @param restore whether the holder shall fetch it from the other holders; only of a group with an inventory */
    @Nullable
    Set<Cid> compare(Group group, int slot, boolean restore) throws InterruptedException {
        PeerId peer = group.table().holders().get(slot);
        SlotAddress asked = group.table().slot(slot);
        List<Cid> wanted = book.inventory(group).ofSlot(slot).stream()
                .filter(entry -> !entry.isEmpty())
                .map(Inventory.Entry::cid)
                .toList();
        Set<Cid> missing = new LinkedHashSet<>();
        Cid inventory = group.table().inventory();
        boolean answered = inventory == null
                ? courier.ask(peer, courier.holders().have(peer, wanted), here -> {
                    for (int i = here.nextClearBit(0); i < wanted.size(); i = here.nextClearBit(i + 1)) {
                        missing.add(wanted.get(i));
                    }
                })
                : courier.ask(peer, courier.holders().lacks(peer, asked, restore), lacks -> {
                    if (lacks == null) {
                        missing.add(inventory);
                        missing.addAll(wanted);
                    } else {
                        lacks.stream().filter(i -> i < wanted.size()).forEach(i -> missing.add(wanted.get(i)));
                    }
                });
        lacking.add(group, slot, missing);
        if (answered) {
            heard.add(asked);
        }
        return answered ? missing : null;
    }

    /** Of these slots those whose holders have said what they have, since the start; others are forgotten. */
    Set<SlotAddress> heardOf(Set<SlotAddress> slots) {
        heard.retainAll(slots);
        return heard;
    }

    // ---- what was replaced ------------------------------------------------------------------------------------------

    /** The newest published manifest names these groups. */
    void published(Collection<Group> named) {
        for (Group group : book.groups()) {
            if (group.phase() == Group.Phase.REPLACED && !named.contains(group)) {
                retired.computeIfAbsent(group.id(), id -> new HashSet<>());
                nextRetire = System.nanoTime();
            }
        }
    }

    /** Tells holders of replaced groups that nothing of them is needed any more; their blocks go after the operators' delay. */
    private void retire(DrainOptions options) throws InterruptedException {
        if (retired.isEmpty() || System.nanoTime() - nextRetire < 0) {
            return;
        }
        for (GroupId id : List.copyOf(retired.keySet())) {
            Group group = book.find(id);
            if (group == null || retire(group, retired.getOrDefault(id, new HashSet<>()))) {
                retired.remove(id);
            }
        }
        nextRetire = System.nanoTime() + options.retry().multipliedBy(8).toNanos();
    }

    /** @return whether everybody knows, or is not to be had */
    private boolean retire(Group group, Set<PeerId> told) throws InterruptedException {
        SlotTable table = group.table();
        if (table.state() != SlotTable.State.RETIRED) {
            Cid inventory = table.inventory();
            book.replace(courier.sign(new SlotTable(
                    table.tenant(),
                    table.group(),
                    table.generation() + 1,
                    table.scheme(),
                    SlotTable.State.RETIRED,
                    table.holders(),
                    inventory == null
                            ? SwarmReader.asBlock(book.inventory(group).encode())
                                    .cid()
                            : inventory)));
        }
        boolean all = true;
        for (PeerId peer : group.holders()) {
            boolean knows = told.contains(peer)
                    || courier.ask(peer, courier.holders().retire(peer, group.signed()), nothing -> told.add(peer));
            // a lease ends by itself, so who stays away deletes it, too
            all &= knows || courier.isAway(peer);
        }
        if (all) {
            book.forget(group);
            lacking.forget(group);
            LOG.info("volume {}: group {} is given up", name, group.id());
        }
        return all;
    }

    /** A successor that is not wanted any more: who does not hear it now deletes it when the lease ends. */
    private void abandon(Group pending) throws InterruptedException {
        if (!retire(pending, new HashSet<>())) {
            book.forget(pending);
            lacking.forget(pending);
        }
    }
}
