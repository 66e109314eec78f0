package io.ppiofs.node.audit;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.proofs.audit.SlotUnits;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A closed group with the units of its slots. Immutable.
 *
 * @param digest of the inventory, which the table names
 */
record AuditedGroup(SlotTable table, Inventory inventory, Cid digest) {
    /** @return null if the table is of an open group */
    static AuditedGroup of(SlotTable table, Inventory inventory) {
        Cid digest = table.inventory();
        if (digest == null) {
            throw new IllegalArgumentException("group " + table.group() + " is open");
        }
        return new AuditedGroup(table, inventory, digest);
    }

    /** The slots that are audited: with copies one of each peer, with a code all. */
    List<Integer> slots() {
        List<Integer> slots = new ArrayList<>();
        Set<PeerId> seen = new HashSet<>();
        for (int slot = 0; slot < table.holders().size(); slot++) {
            if (seen.add(table.holders().get(slot)) || !table.scheme().isCopies()) {
                slots.add(slot);
            }
        }
        return slots;
    }

    /** Stored bytes of the blocks that tagging has to read and that a store does not have; parity is computed. */
    long bytesMissingIn(BlockStore blocks) {
        List<Inventory.Entry> needed = new ArrayList<>();
        for (int i = 0; i < inventory.entries().size(); i++) {
            boolean parity = !table.scheme().isCopies()
                    && i % table.scheme().slots() >= table.scheme().data();
            if (!parity && !inventory.entries().get(i).isEmpty()) {
                needed.add(inventory.entries().get(i));
            }
        }
        BitSet here = blocks.has(needed.stream().map(Inventory.Entry::cid).toList());
        long missing = 0;
        for (int i = here.nextClearBit(0); i < needed.size(); i = here.nextClearBit(i + 1)) {
            missing += needed.get(i).length();
        }
        return missing;
    }

    /** What a slot must hold. */
    static SlotUnits units(Inventory inventory, int slot) {
        return units(inventory.ofSlot(slot));
    }

    SlotUnits units(int slot) {
        return units(inventory, slot);
    }

    /** What there is, in the order of the inventory: the order of tags. */
    SlotUnits allUnits() {
        return units(inventory.entries());
    }

    private static SlotUnits units(List<Inventory.Entry> entries) {
        return new SlotUnits(entries.stream()
                .filter(entry -> !entry.isEmpty())
                .map(entry -> new SlotUnits.Block(entry.cid().toBytes(), entry.length()))
                .toList());
    }

    /** For each block of a slot, in its order, the place of the same block in {@link #allUnits}. */
    int[] placesOf(int slot) {
        int[] places = new int[units(slot).blocks().size()];
        int at = 0;
        int place = 0;
        for (int i = 0; i < inventory.entries().size(); i++) {
            if (inventory.entries().get(i).isEmpty()) {
                continue;
            }
            if (table.scheme().isCopies() || i % table.scheme().slots() == slot) {
                places[at++] = place;
            }
            place++;
        }
        return places;
    }
}
