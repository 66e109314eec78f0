package io.ppiofs.blockstore.gc;

import io.ppiofs.blockstore.Cid;

/**
 * A compact set of block names: open addressing over 128 digest bits per block, 16 bytes a slot, at most 3/4 full.
 * Two different names that agree in 128 bits of SHA-256 do not occur; if they did, one dead block would stay. Not
 * thread-safe. One million blocks take 32 MiB.
 */
public final class MarkSet implements LiveSet {
    private static final int SMALLEST = 1 << 10;

    private long[] slots;
    private int mask;
    private int size;
    private boolean zero;

    /** @param expected names to hold without growing */
    public MarkSet(int expected) {
        int capacity = SMALLEST;
        while (capacity < (1 << 29) && capacity / 4 * 3 < expected) {
            capacity <<= 1;
        }
        slots = new long[capacity * 2];
        mask = capacity - 1;
    }

    /** @return whether the name is new, so that a tree walk can stop at what it has seen */
    public boolean add(Cid cid) {
        long a = cid.word(0);
        long b = cid.word(1);
        if ((a | b) == 0) {
            boolean added = !zero;
            zero = true;
            return added;
        }
        if (!insert(a, b)) {
            return false;
        }
        if (++size > slots.length / 8 * 3) {
            grow();
        }
        return true;
    }

    private boolean insert(long a, long b) {
        int i = (int) (a ^ a >>> 32) & mask;
        while (true) {
            long x = slots[2 * i];
            long y = slots[2 * i + 1];
            if (x == a && y == b) {
                return false;
            }
            if ((x | y) == 0) {
                slots[2 * i] = a;
                slots[2 * i + 1] = b;
                return true;
            }
            i = (i + 1) & mask;
        }
    }

    private void grow() {
        if (slots.length >= 1 << 30) {
            throw new IllegalStateException("mark set of " + size + " names is full");
        }
        long[] old = slots;
        slots = new long[old.length * 2];
        mask = slots.length / 2 - 1;
        for (int i = 0; i < old.length; i += 2) {
            if ((old[i] | old[i + 1]) != 0) {
                insert(old[i], old[i + 1]);
            }
        }
    }

    @Override
    public boolean contains(Cid cid) {
        long a = cid.word(0);
        long b = cid.word(1);
        if ((a | b) == 0) {
            return zero;
        }
        int i = (int) (a ^ a >>> 32) & mask;
        while (true) {
            long x = slots[2 * i];
            long y = slots[2 * i + 1];
            if (x == a && y == b) {
                return true;
            }
            if ((x | y) == 0) {
                return false;
            }
            i = (i + 1) & mask;
        }
    }

    /** Names in the set. */
    public int size() {
        return size + (zero ? 1 : 0);
    }
}
