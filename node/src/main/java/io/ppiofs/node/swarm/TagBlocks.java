package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.audit.TagIndex;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotTable;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The public tags of closed groups as blocks on peers. They go there as the volume's other blocks do, into whatever group is open, and are
 * compared, repaired, moved and coded with it; so they are never in the group that they are of. The index of a group's tags is sealed like a
 * manifest, and named by it once everything is on peers. Tags of a group that is given up are garbage from then on. What no peer has any more is given to
 * them once more: the same tags of the same blocks, under the same names. Thread-safe.
 */
final class TagBlocks {
    private static final Logger LOG = LoggerFactory.getLogger(TagBlocks.class);

    /** Indexes that are kept open: those of the groups that were looked at last. */
    private static final int KEPT = 64;

    /** What is not on peers after this is given to the backlog once more. */
    private static final Duration AGAIN = Duration.ofMinutes(2);

    /** Names of blocks that nobody has which are remembered until it is looked whether they are tags. */
    private static final int MOST_UNFOUND = 1 << 16;

    /** Tags that were lost and could not be made anew for so long are given up: as long as they count, no garbage is taken from peers. */
    private static final Duration GIVEN_UP = Duration.ofDays(1);

    /** Where blocks of the volume are read, and put. */
    interface Blocks {
        /** Those that could be had, each as its name says. */
        Map<Cid, ByteBuffer> get(List<Cid> cids);

        void put(List<StoredBlock> blocks);
    }

    private final String name;
    private final NetworkId network;
    private final GroupBook book;
    private final Blocks blocks;
    private final UnaryOperator<byte[]> seal;
    private final UnaryOperator<byte[]> open;
    private final LongSupplier nanoTime;

    /** Blocks that holders lack and nobody has; guarded by this. */
    private final Set<Cid> unfound = new HashSet<>();

    /** When it was looked last what they are. */
    private long looked;

    /** Groups of whose tags something is lost, and since when that is known, nanoTime; guarded by this. */
    private final Map<GroupId, Long> lost = new HashMap<>();

    /** Given to the backlog, and not all on peers yet. */
    private final Map<GroupId, Underway> underway = new HashMap<>();

    private final Map<Cid, TagIndex> indexes = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Cid, TagIndex> eldest) {
            return size() > KEPT;
        }
    };

    /** @param since nanoTime */
    private record Underway(Group.Tags tags, Set<Cid> all, long since) {}

    /**
     * @param seal makes the stored form of an index, the same one of the same bytes
     * @param open the opposite
     * @param nanoTime as System.nanoTime
     */
    TagBlocks(
            String name,
            NetworkId network,
            GroupBook book,
            Blocks blocks,
            UnaryOperator<byte[]> seal,
            UnaryOperator<byte[]> open,
            LongSupplier nanoTime) {
        this.name = name;
        this.network = network;
        this.book = book;
        this.blocks = blocks;
        this.seal = seal;
        this.open = open;
        this.nanoTime = nanoTime;
        this.looked = nanoTime.getAsLong() - AGAIN.toNanos();
    }

    /** Holders lack these, and nobody else has them. Returns at once. */
    synchronized void cannotBeFound(Collection<Cid> cids) {
        cids.stream().limit(Math.max(0, MOST_UNFOUND - unfound.size())).forEach(unfound::add);
    }

    /** Looks of which groups' tags something is lost. */
    private void lookForLosses() {
        Set<Cid> missing;
        synchronized (this) {
            if (unfound.isEmpty() || nanoTime.getAsLong() - looked < AGAIN.toNanos()) {
                return;
            }
            looked = nanoTime.getAsLong();
            missing = Set.copyOf(unfound);
            unfound.clear();
            lost.keySet().removeIf(group -> book.find(group) == null);
        }
        for (Group group : book.read()) {
            Cid cid = group.tagIndex();
            if (cid == null) {
                continue;
            }
            TagIndex index = missing.contains(cid) ? null : index(group);
            if (index == null && !missing.contains(cid)) {
                return; // holders are away, and each further index would be waited for as long
            }
            if (index == null || !Collections.disjoint(index.cids(), missing)) {
                isLost(group);
            }
        }
    }

    private synchronized void isLost(Group group) {
        if (lost.putIfAbsent(group.id(), nanoTime.getAsLong()) == null) {
            LOG.info("volume {}: some of the tags of group {} cannot be had from any peer", name, group.id());
        }
    }

    /** Whether peers have the tags of a group, or are being sent them. */
    boolean areShared(Group group) {
        lookForLosses();
        return areThere(group);
    }

    private synchronized boolean areThere(Group group) {
        Underway sent = underway.get(group.id());
        if (sent != null && sent.tags().inventory().equals(group.table().inventory())) {
            if (!sent.all().stream().allMatch(book::contains)) {
                // a collection here may have taken some before they were sent
                return nanoTime.getAsLong() - sent.since() < AGAIN.toNanos();
            }
            underway.remove(group.id());
            book.isTagged(group, sent.tags());
            LOG.debug("volume {}: the tags of group {} are on peers", name, group.id());
        }
        Cid index = group.tagIndex();
        return index != null && book.locate(index) != null && !lost.containsKey(group.id());
    }

    /** Brings tags to peers. @param all the blocks that the index names */
    void share(SlotTable table, TagIndex index, List<StoredBlock> all) {
        Cid inventory = table.inventory();
        if (inventory == null) {
            return;
        }
        StoredBlock sealed = SwarmReader.asBlock(seal.apply(index.encode()));
        Set<Cid> cids = new HashSet<>(index.cids());
        cids.add(sealed.cid());
        synchronized (this) {
            underway.put(
                    table.group(), new Underway(new Group.Tags(inventory, sealed.cid()), cids, nanoTime.getAsLong()));
            indexes.put(sealed.cid(), index);
            lost.remove(table.group());
            unfound.removeAll(cids);
        }
        List<StoredBlock> put = new ArrayList<>(all);
        put.add(sealed);
        blocks.put(put);
    }

    /** Where peers have the tags of a group; null if that is not known or cannot be read now. */
    @Nullable
    TagIndex index(Group group) {
        Cid cid = group.tagIndex();
        if (cid == null) {
            return null;
        }
        TagIndex known = known(cid);
        ByteBuffer block = known == null ? read(cid) : null;
        return block == null ? known : opened(cid, block);
    }

    private synchronized @Nullable TagIndex known(Cid cid) {
        return indexes.get(cid);
    }

    private @Nullable ByteBuffer read(Cid cid) {
        return blocks.get(List.of(cid)).get(cid);
    }

    private @Nullable TagIndex opened(Cid cid, ByteBuffer block) {
        if (block.remaining() > 2 * TagIndex.MAX_LENGTH) {
            return null;
        }
        byte[] sealed = new byte[block.remaining()];
        block.duplicate().get(sealed);
        try {
            TagIndex index = TagIndex.decode(open.apply(sealed), network);
            synchronized (this) {
                indexes.put(cid, index);
            }
            return index;
        } catch (PpiofsException e) {
            LOG.info("volume {}: an index of tags is not used: {}", name, e.getMessage());
            return null;
        }
    }

    /** The blocks that an index names. */
    Map<Cid, ByteBuffer> get(TagIndex index) {
        return blocks.get(List.copyOf(index.cids()));
    }

    /**
     * All tag blocks that are needed, those of groups that are left included; null if that cannot be known now, because the index of a group's tags cannot
     * be read; then that is made anew, if the tags can be. Tags whose index is nowhere, or none, or was lost long ago, are given up.
     */
    @Nullable
    Set<Cid> needed() {
        Set<Cid> needed = new LinkedHashSet<>();
        synchronized (this) {
            underway.values().forEach(sent -> needed.addAll(sent.all()));
        }
        for (Group group : book.read()) {
            Cid cid = group.tagIndex();
            if (cid != null) {
                TagIndex index = known(cid);
                ByteBuffer block = index == null ? read(cid) : null;
                if (block != null) {
                    index = opened(cid, block);
                }
                if (index == null && (block != null || book.locate(cid) == null || isLostForLong(group))) {
                    LOG.info("volume {}: the tags of group {} are lost", name, group.id());
                    giveUp(group);
                } else if (index == null) {
                    isLost(group);
                    return null; // holders are away: nobody may take for garbage what it names
                } else {
                    needed.add(cid);
                    needed.addAll(index.cids());
                }
            }
        }
        return needed;
    }

    private synchronized boolean isLostForLong(Group group) {
        Long since = lost.get(group.id());
        return since != null && nanoTime.getAsLong() - since >= GIVEN_UP.toNanos();
    }

    private synchronized void giveUp(Group group) {
        book.isTagged(group, null);
        lost.remove(group.id());
    }
}
