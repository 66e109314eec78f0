package io.ppiofs.proofs.audit;

import io.ppiofs.proofs.podr2.UnitName;
import java.util.Arrays;
import java.util.List;

/**
 * The units of a slot in the order in which they are numbered: block by block as the inventory has them, each block's units from
 * its start. Immutable, thread-safe.
 */
public final class SlotUnits {
    /** @param cid the binary content id, not copied @param length bytes of the stored block, from 1 */
    public record Block(byte[] cid, int length) {
        public Block {
            if (length < 1) {
                throw new IllegalArgumentException("a block of " + length + " bytes");
            }
        }

        /** Units of the block. */
        public int units() {
            return (length - 1) / UnitName.UNIT_BYTES + 1;
        }
    }

    private final List<Block> blocks;
    /** Number of the first unit of each block, and behind them the number of units. */
    private final long[] first;

    public SlotUnits(List<Block> blocks) {
        this.blocks = List.copyOf(blocks);
        this.first = new long[blocks.size() + 1];
        for (int i = 0; i < blocks.size(); i++) {
            first[i + 1] = first[i] + blocks.get(i).units();
        }
    }

    /** How many there are; 0 for a slot that has nothing. */
    public long total() {
        return first[blocks.size()];
    }

    /** In order. */
    public List<Block> blocks() {
        return blocks;
    }

    /** In which block a unit is, by its place in {@link #blocks}. */
    public int blockOf(long unit) {
        int found = Arrays.binarySearch(first, unit);
        // no block is empty: equal means the first unit of a block
        int block = found >= 0 ? found : -found - 2;
        if (unit < 0 || block >= blocks.size()) {
            throw new IllegalArgumentException("unit " + unit + " of " + total());
        }
        return block;
    }

    /** Which unit of its block it is, from 0. */
    public int within(long unit) {
        return (int) (unit - first[blockOf(unit)]);
    }

    /** The number of a block's first unit. */
    public long firstOf(int block) {
        return first[block];
    }

    /** What its tag is bound to. */
    public UnitName name(long unit) {
        int block = blockOf(unit);
        return new UnitName(blocks.get(block).cid(), (int) (unit - first[block]));
    }
}
