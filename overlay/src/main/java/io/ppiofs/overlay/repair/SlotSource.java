package io.ppiofs.overlay.repair;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.ReedSolomon;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.Stripe;
import io.ppiofs.overlay.storage.StorageHost;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Makes the blocks that a slot must hold out of what this host and the other live holders have: copies as they are, fragments
 * of a code from any k others of their stripe. Every block is checked against its name.
 */
final class SlotSource {
    private final StorageHost storage;
    private final BlockMover mover;
    private final Executor work;
    private final AtomicLong fetchedBytes;
    private final SlotTable table;
    private final Inventory inventory;
    private final PeerId self;
    /** Slots whose holders are alive, this host's own first. */
    private final List<Integer> liveSlots;

    SlotSource(
            StorageHost storage,
            BlockMover mover,
            Executor work,
            AtomicLong fetchedBytes,
            SlotTable table,
            Inventory inventory,
            List<Integer> liveSlots) {
        this.storage = storage;
        this.mover = mover;
        this.work = work;
        this.fetchedBytes = fetchedBytes;
        this.table = table;
        this.inventory = inventory;
        this.self = storage.operator();
        this.liveSlots = new ArrayList<>();
        liveSlots.stream().filter(s -> table.holders().get(s).equals(self)).forEach(this.liveSlots::add);
        liveSlots.stream().filter(s -> !table.holders().get(s).equals(self)).forEach(this.liveSlots::add);
    }

    /**
     * The blocks of some entries of a slot.
     *
     * @param slot whose entries they are
     * @param places of {@link Inventory#ofSlot}, ascending
     * @return in order; null where it cannot be had now
     */
    CompletableFuture<List<@Nullable StoredBlock>> blocks(int slot, List<Integer> places) {
        return inventory.scheme().isCopies() ? copies(places) : fragments(slot, places);
    }

    // -------------------------------------------------------------------------------------------------- copies

    private CompletableFuture<List<@Nullable StoredBlock>> copies(List<Integer> places) {
        List<Cid> cids = places.stream()
                .map(place -> inventory.entries().get(place).cid())
                .toList();
        return gather(cids, liveSlots).thenApply(found -> {
            List<@Nullable StoredBlock> blocks = new ArrayList<>();
            for (Cid cid : cids) {
                ByteBuffer bytes = found.get(cid);
                blocks.add(bytes == null ? null : new StoredBlock(cid, bytes));
            }
            return blocks;
        });
    }

    /** Blocks by name, from here if they are here, else from the holders of these slots, one after the other. */
    private CompletableFuture<Map<Cid, ByteBuffer>> gather(List<Cid> cids, List<Integer> slots) {
        Map<Cid, ByteBuffer> found = new HashMap<>();
        for (Cid cid : cids) {
            ByteBuffer bytes = local(cid);
            if (bytes != null) {
                found.put(cid, bytes);
            }
        }
        List<PeerId> others = slots.stream()
                .map(table.holders()::get)
                .filter(peer -> !peer.equals(self))
                .distinct()
                .toList();
        return gather(cids, others, 0, found);
    }

    private @Nullable ByteBuffer local(Cid cid) {
        try {
            return storage.block(cid);
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.CORRUPT) {
                storage.dropDamaged(cid); // the next look at what is lacking finds it
            }
            return null;
        }
    }

    private CompletableFuture<Map<Cid, ByteBuffer>> gather(
            List<Cid> cids, List<PeerId> peers, int next, Map<Cid, ByteBuffer> found) {
        List<Cid> missing = cids.stream().filter(cid -> !found.containsKey(cid)).toList();
        if (missing.isEmpty() || next >= peers.size()) {
            return CompletableFuture.completedFuture(found);
        }
        return mover.get(peers.get(next), missing)
                .exceptionally(failure -> Map.of())
                .thenComposeAsync(
                        more -> {
                            more.forEach((cid, bytes) -> {
                                fetchedBytes.addAndGet(bytes.remaining());
                                found.put(cid, bytes);
                            });
                            return gather(cids, peers, next + 1, found);
                        },
                        work);
    }

    // ----------------------------------------------------------------------------------------------- fragments

    private CompletableFuture<List<@Nullable StoredBlock>> fragments(int slot, List<Integer> places) {
        List<Stripe> stripes = stripesOf(slot, places);
        Map<Cid, ByteBuffer> found = new HashMap<>();
        local(slot, stripes, found);
        List<Stripe> elsewhere = stripes.stream()
                .filter(stripe -> !found.containsKey(stripe.entries().get(slot).cid()))
                .toList();
        List<Integer> others = liveSlots.stream().filter(s -> s != slot).toList();
        return fetchSlots(elsewhere, others, 0, found).thenApplyAsync(all -> restore(slot, stripes, found), work);
    }

    /** Fragments of these stripes that are here already, for one that gives them away; the others are restored. */
    private void local(int slot, List<Stripe> stripes, Map<Cid, ByteBuffer> found) {
        for (Stripe stripe : stripes) {
            Cid cid = stripe.entries().get(slot).cid();
            ByteBuffer bytes = local(cid);
            if (bytes != null) {
                found.put(cid, bytes);
            }
        }
    }

    /** The stripes in which the slot has its entries, for those at {@code places} of them. */
    private List<Stripe> stripesOf(int slot, List<Integer> places) {
        List<Stripe> filled = new ArrayList<>();
        for (int i = 0; i < inventory.stripes(); i++) {
            Stripe stripe = inventory.stripe(i);
            if (!stripe.entries().get(slot).isEmpty()) {
                filled.add(stripe);
            }
        }
        return places.stream().map(filled::get).toList();
    }

    /** Fetches slot after slot until each stripe has k fragments, asking only for stripes that need more. */
    private CompletableFuture<Boolean> fetchSlots(
            List<Stripe> stripes, List<Integer> slots, int next, Map<Cid, ByteBuffer> found) {
        List<Stripe> hungry = stripes.stream()
                .filter(stripe -> stripe.have(found) < inventory.scheme().data())
                .toList();
        if (hungry.isEmpty() || next >= slots.size()) {
            return CompletableFuture.completedFuture(hungry.isEmpty());
        }
        int slot = slots.get(next);
        List<Cid> wanted = new ArrayList<>();
        for (Stripe stripe : hungry) {
            Inventory.Entry entry = stripe.entries().get(slot);
            if (!entry.isEmpty() && !found.containsKey(entry.cid())) {
                wanted.add(entry.cid());
            }
        }
        return gather(wanted, List.of(slot))
                .thenComposeAsync(
                        more -> {
                            found.putAll(more);
                            return fetchSlots(stripes, slots, next + 1, found);
                        },
                        work);
    }

    private List<@Nullable StoredBlock> restore(int slot, List<Stripe> stripes, Map<Cid, ByteBuffer> found) {
        ReedSolomon code =
                ReedSolomon.cauchy(inventory.scheme().data(), inventory.scheme().parity());
        List<@Nullable StoredBlock> blocks = new ArrayList<>();
        for (Stripe stripe : stripes) {
            ByteBuffer here = found.get(stripe.entries().get(slot).cid());
            ByteBuffer made = here == null ? stripe.restore(code, slot, found) : here;
            blocks.add(
                    made == null
                            ? null
                            : new StoredBlock(stripe.entries().get(slot).cid(), made));
        }
        return blocks;
    }
}
