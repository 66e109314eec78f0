package io.ppiofs.overlay.placement;

import io.ppiofs.blockstore.erasure.Scheme;

/**
 * One slot of one group as of one slot table: what a lease is for and what a block is put into.
 *
 * @param group the placement group
 * @param slot from 0, below the scheme's {@link Scheme#slots()}
 * @param generation of the slot table, from 1
 */
public record SlotAddress(GroupId group, int slot, long generation) {
    public SlotAddress {
        if (slot < 0 || slot >= Scheme.MAX_SLOTS || generation < 1) {
            throw new IllegalArgumentException("no slot: " + slot + " of generation " + generation);
        }
    }

    @Override
    public String toString() {
        return group + "/" + slot + "@" + generation;
    }
}
