package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Operators in memory that fail on command, and delete what is retired at once. Thread-safe. */
final class FakePeers implements Holders {
    private static final SecureRandom RANDOM = new SecureRandom();

    /** A slot of a group. */
    record Place(GroupId group, int slot) {}

    /** A peer that keeps what it is sent, unless it is down or refuses. */
    static final class FakePeer {
        final IdentityKey key = IdentityKey.generate(RANDOM);
        final Map<Cid, ByteBuffer> blocks = new ConcurrentHashMap<>();
        final Map<Place, Set<Cid>> slots = new ConcurrentHashMap<>();
        final Map<GroupId, SlotTable.Signed> tables = new ConcurrentHashMap<>();
        volatile boolean down;
        volatile boolean refuses;
        volatile boolean leaving;

        /** Says that it has everything, and gives nothing. */
        volatile boolean hollow;

        /** Answers everything at once except puts. */
        volatile boolean slow;

        /** Never gives what it has; all else it answers at once. */
        volatile boolean dawdles;

        /** Consents to every table, and then takes no block. */
        volatile boolean full;

        volatile int puts;

        /** Fetches what it lacks from others when it is asked to; what only a code could make again it does not. */
        volatile boolean restores = true;

        volatile int restored;

        /** Blocks that were put here. */
        volatile int received;

        /** Blocks that came with other bytes than their name says. */
        volatile int corrupt;

        PeerId id() {
            return key.peerId();
        }

        /** As after a new disk. */
        void loseEverything() {
            blocks.clear();
            slots.clear();
            tables.clear();
        }

        private void drop(GroupId group) {
            tables.remove(group);
            slots.keySet().removeIf(place -> place.group().equals(group));
            blocks.keySet().removeIf(cid -> slots.values().stream().noneMatch(named -> named.contains(cid)));
        }
    }

    /** How long each put takes its sender. */
    volatile long putMillis;

    private final Map<PeerId, FakePeer> peers = Collections.synchronizedMap(new LinkedHashMap<>());

    FakePeer add() {
        FakePeer peer = new FakePeer();
        peers.put(peer.id(), peer);
        return peer;
    }

    FakePeer get(PeerId id) {
        return peers.get(id);
    }

    List<FakePeer> all() {
        synchronized (peers) {
            return List.copyOf(peers.values());
        }
    }

    /** Blocks that some peer has which is up. */
    Map<Cid, ByteBuffer> reachable() {
        Map<Cid, ByteBuffer> all = new ConcurrentHashMap<>();
        all().stream().filter(peer -> !peer.down).forEach(peer -> all.putAll(peer.blocks));
        return all;
    }

    private <T> CompletableFuture<T> ask(PeerId holder, Supplier<T> answer) {
        FakePeer peer = peers.get(holder);
        if (peer == null || peer.down) {
            return CompletableFuture.failedFuture(
                    new PpiofsException(ErrorKind.NOT_CONNECTED, "ask", "peer", "is down, as the test wants it"));
        }
        synchronized (peer) {
            try {
                return CompletableFuture.completedFuture(answer.get());
            } catch (PpiofsException e) {
                return CompletableFuture.failedFuture(e);
            }
        }
    }

    @Override
    public List<PeerId> propose(GroupId group, List<PeerId> slots, Set<PeerId> avoid) {
        List<PeerId> free = new ArrayList<>();
        all().stream().filter(peer -> !peer.leaving).forEach(peer -> free.add(peer.id()));
        free.removeAll(avoid);
        List<PeerId> usable = List.copyOf(free);
        free.removeAll(slots);
        List<PeerId> chosen = new ArrayList<>(slots);
        for (int i = 0; i < chosen.size() && !usable.isEmpty(); i++) {
            if (chosen.get(i) == null) {
                chosen.set(i, free.isEmpty() ? usable.get(i % usable.size()) : free.remove(0));
            }
        }
        return usable.isEmpty() ? List.of() : chosen;
    }

    @Override
    public boolean isLeaving(PeerId holder) {
        return peers.get(holder).leaving;
    }

    @Override
    public CompletableFuture<Void> admit(PeerId holder, SlotTable.Signed table, long maxBytes) {
        FakePeer peer = peers.get(holder);
        if (peer.refuses) {
            return CompletableFuture.failedFuture(
                    new PpiofsException(ErrorKind.ACCESS_DENIED, "admit", "peer", "refuses, as the test wants it"));
        }
        return ask(holder, () -> {
                    peer.tables.put(table.table().group(), table);
                    return true;
                })
                .thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<Void> tell(PeerId holder, SlotTable.Signed table) {
        return admit(holder, table, 0);
    }

    @Override
    public CompletableFuture<Void> retire(PeerId holder, SlotTable.Signed table) {
        return ask(holder, () -> {
                    peers.get(holder).drop(table.table().group());
                    return true;
                })
                .thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<SlotTable.Signed> table(PeerId holder, GroupId group) {
        return ask(holder, () -> peers.get(holder).tables.get(group));
    }

    @Override
    public CompletableFuture<BitSet> put(PeerId holder, SlotAddress slot, List<StoredBlock> blocks) {
        FakePeer asked = peers.get(holder);
        asked.puts++;
        if (putMillis > 0) {
            LockSupport.parkNanos(putMillis * 1_000_000);
        }
        if (asked.slow) {
            return new CompletableFuture<>();
        }
        if (asked.full) {
            return CompletableFuture.failedFuture(
                    new PpiofsException(ErrorKind.NO_SPACE, "put", "peer", "is full, as the test wants it"));
        }
        return ask(holder, () -> {
            FakePeer peer = peers.get(holder);
            SlotTable.Signed table = peer.tables.get(slot.group());
            if (table == null || !table.table().holders().get(slot.slot()).equals(holder)) {
                throw new PpiofsException(ErrorKind.ACCESS_DENIED, "put", "peer", "has no such slot");
            }
            BitSet stored = new BitSet();
            for (int i = 0; i < blocks.size(); i++) {
                ByteBuffer copy = ByteBuffer.allocate(blocks.get(i).bytes().remaining());
                copy.put(blocks.get(i).bytes()).flip();
                if (!Cid.of(copy.duplicate()).equals(blocks.get(i).cid())) {
                    peer.corrupt++;
                    continue;
                }
                peer.blocks.put(blocks.get(i).cid(), copy);
                peer.slots
                        .computeIfAbsent(new Place(slot.group(), slot.slot()), place -> ConcurrentHashMap.newKeySet())
                        .add(blocks.get(i).cid());
                stored.set(i);
                peer.received++;
            }
            if (stored.isEmpty() && !blocks.isEmpty()) {
                throw new PpiofsException(ErrorKind.BUSY, "put", "peer", "takes no blocks");
            }
            return stored;
        });
    }

    @Override
    public CompletableFuture<BitSet> have(PeerId holder, List<Cid> cids) {
        return ask(holder, () -> {
            BitSet here = new BitSet();
            for (int i = 0; i < cids.size(); i++) {
                here.set(i, peers.get(holder).blocks.containsKey(cids.get(i)));
            }
            return here;
        });
    }

    @Override
    public CompletableFuture<BitSet> lacks(PeerId holder, SlotAddress slot, boolean restore) {
        return ask(holder, () -> {
            FakePeer peer = peers.get(holder);
            SlotTable.Signed table = peer.tables.get(slot.group());
            ByteBuffer inventory = table == null || table.table().inventory() == null
                    ? null
                    : peer.blocks.get(table.table().inventory());
            if (inventory == null) {
                return null;
            }
            byte[] bytes = new byte[inventory.remaining()];
            inventory.duplicate().get(bytes);
            Place place = new Place(slot.group(), slot.slot());
            Set<Cid> held = peer.slots.getOrDefault(place, Set.of());
            List<Inventory.Entry> wanted = Inventory.decode(bytes).ofSlot(slot.slot());
            BitSet lacks = new BitSet();
            for (int i = 0; i < wanted.size(); i++) {
                Cid cid = wanted.get(i).cid();
                lacks.set(i, !held.contains(cid) || !peer.blocks.containsKey(cid));
            }
            if (restore && peer.restores) {
                restore(
                        peer,
                        place,
                        lacks.stream()
                                .mapToObj(wanted::get)
                                .map(Inventory.Entry::cid)
                                .toList());
            }
            return lacks;
        });
    }

    private void restore(FakePeer peer, Place place, List<Cid> lacking) {
        Map<Cid, ByteBuffer> elsewhere = reachable();
        lacking.stream().filter(elsewhere::containsKey).forEach(cid -> {
            peer.blocks.put(cid, elsewhere.get(cid));
            peer.slots
                    .computeIfAbsent(place, p -> ConcurrentHashMap.newKeySet())
                    .add(cid);
            peer.restored++;
        });
    }

    @Override
    public CompletableFuture<Boolean> proves(PeerId holder, Cid cid, ByteBuffer here) {
        if (peers.get(holder).dawdles) {
            return new CompletableFuture<>();
        }
        return ask(holder, () -> {
            FakePeer peer = peers.get(holder);
            ByteBuffer kept = peer.hollow ? null : peer.blocks.get(cid);
            return kept != null && (here == null || kept.equals(here));
        });
    }
}
