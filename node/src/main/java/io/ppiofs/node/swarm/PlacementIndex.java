package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.Cid;
import org.jspecify.annotations.Nullable;

/**
 * From block to group, place in it, and length: open addressing over 128 digest bits, 28 bytes a slot, at most 3/4 full. One
 * million blocks take 56 MiB. Two names that agree in 128 bits of SHA-256 do not occur. Thread-safe.
 */
final class PlacementIndex {
    /** What {@link #get} answers for a block that is not here. */
    static final int NONE = -1;

    private static final int SMALLEST = 1 << 10;

    private long[] names = new long[SMALLEST * 2];
    private int[] numbers = new int[SMALLEST];
    private int[] lengths = new int[SMALLEST];
    private int[] places = new int[SMALLEST];
    private int size;

    /**
     * Where a block is.
     *
     * @param number of the group
     * @param place of its entry in the group, from 0
     * @param length of the stored form
     */
    record Found(int number, int place, int length) {}

    /**
     * @param number of the group, 0 or more
     * @param place of the entry in the group
     * @param length of the stored form
     */
    synchronized void put(Cid cid, int number, int place, int length) {
        if ((size + 1) * 4L > numbers.length * 3L) {
            grow();
        }
        int i = find(cid.word(0), cid.word(1) | 1);
        if (names[2 * i + 1] == 0) {
            names[2 * i] = cid.word(0);
            names[2 * i + 1] = cid.word(1) | 1;
            size++;
        }
        numbers[i] = number;
        lengths[i] = length;
        places[i] = place;
    }

    /** Null for a block that is not here. */
    synchronized @Nullable Found find(Cid cid) {
        int i = find(cid.word(0), cid.word(1) | 1);
        return names[2 * i + 1] == 0 ? null : new Found(numbers[i], places[i], lengths[i]);
    }

    synchronized int get(Cid cid) {
        int i = find(cid.word(0), cid.word(1) | 1);
        return names[2 * i + 1] == 0 ? NONE : numbers[i];
    }

    /** Forgets every block whose newest place is in this group. Costs one pass over the index. */
    synchronized void removeAll(int number) {
        rebuild(numbers.length, number);
    }

    synchronized void clear() {
        names = new long[SMALLEST * 2];
        numbers = new int[SMALLEST];
        lengths = new int[SMALLEST];
        places = new int[SMALLEST];
        size = 0;
    }

    synchronized int size() {
        return size;
    }

    /** The slot of the name, or the free one where it goes. The second word is odd, so 0 means free. */
    private int find(long a, long b) {
        int mask = numbers.length - 1;
        int i = (int) (a ^ a >>> 32) & mask;
        while (names[2 * i + 1] != 0 && (names[2 * i] != a || names[2 * i + 1] != b)) {
            i = (i + 1) & mask;
        }
        return i;
    }

    private void grow() {
        if (numbers.length >= 1 << 29) {
            throw new IllegalStateException("placement index of " + size + " blocks is full");
        }
        rebuild(numbers.length * 2, NONE);
    }

    /** @param without entries of this group are left out */
    private void rebuild(int slots, int without) {
        long[] oldNames = names;
        int[] oldNumbers = numbers;
        int[] oldLengths = lengths;
        int[] oldPlaces = places;
        names = new long[slots * 2];
        numbers = new int[slots];
        lengths = new int[slots];
        places = new int[slots];
        size = 0;
        for (int i = 0; i < oldNumbers.length; i++) {
            if (oldNames[2 * i + 1] != 0 && oldNumbers[i] != without) {
                int j = find(oldNames[2 * i], oldNames[2 * i + 1]);
                names[2 * j] = oldNames[2 * i];
                names[2 * j + 1] = oldNames[2 * i + 1];
                numbers[j] = oldNumbers[i];
                lengths[j] = oldLengths[i];
                places[j] = oldPlaces[i];
                size++;
            }
        }
    }
}
