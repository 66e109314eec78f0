package io.ppiofs.fs.core;

import java.util.Arrays;

/**
 * How often the kernel knows each inode: a striped open-addressing map from inode number to count, 16 bytes per slot,
 * so that a million known inodes cost some 32 MB and no objects. Inode number 0 does not occur. Thread-safe.
 */
public final class LookupCounts {
    private static final int STRIPE_BITS = 5;
    private static final int STRIPES = 1 << STRIPE_BITS;

    private final Stripe[] stripes = new Stripe[STRIPES];

    public LookupCounts() {
        Arrays.setAll(stripes, i -> new Stripe());
    }

    private static long mix(long ino) {
        long h = ino * 0x9E3779B97F4A7C15L;
        return h ^ h >>> 32;
    }

    private Stripe stripe(long ino) {
        // the top bits: the low ones choose the slot, and a stripe must not use a part of its slots only
        return stripes[(int) (mix(ino) >>> Long.SIZE - STRIPE_BITS)];
    }

    /** Adds one. */
    public void increment(long ino) {
        add(ino, 1);
    }

    /** @param count 1 or more */
    public void add(long ino, long count) {
        Stripe s = stripe(ino);
        synchronized (s) {
            s.add(ino, count);
        }
    }

    /** @return the count that is left, never below 0 */
    public long decrement(long ino, long count) {
        Stripe s = stripe(ino);
        synchronized (s) {
            return s.subtract(ino, count);
        }
    }

    /** The count, 0 if the inode is not known. */
    public long get(long ino) {
        Stripe s = stripe(ino);
        synchronized (s) {
            int at = s.find(ino);
            return at < 0 ? 0 : s.counts[at];
        }
    }

    /** Known inodes. */
    public long size() {
        long n = 0;
        for (Stripe s : stripes) {
            synchronized (s) {
                n += s.used;
            }
        }
        return n;
    }

    /** Takes an inode and its count. */
    @FunctionalInterface
    public interface Sink {
        void accept(long ino, long count);
    }

    /** Shows every inode with its count. */
    public void forEach(Sink sink) {
        for (Stripe s : stripes) {
            synchronized (s) {
                Stripe.visit(s.keys, s.counts, sink);
            }
        }
    }

    /** Empties the table. Nobody may count at the same time. */
    public void drain(Sink sink) {
        for (Stripe s : stripes) {
            synchronized (s) {
                s.drain(sink);
            }
        }
    }

    /** Linear probing with backward-shift deletion. */
    private static final class Stripe {
        private long[] keys = new long[64];
        private long[] counts = new long[64];
        private int used;

        private int slot(long ino) {
            return (int) mix(ino) & keys.length - 1;
        }

        int find(long ino) {
            for (int i = slot(ino); keys[i] != 0; i = i + 1 & keys.length - 1) {
                if (keys[i] == ino) {
                    return i;
                }
            }
            return -1;
        }

        void add(long ino, long n) {
            int at = find(ino);
            if (at >= 0) {
                counts[at] += n;
                return;
            }
            if ((used + 1) * 3 > keys.length * 2) {
                resize(keys.length * 2);
            }
            insert(ino, n);
        }

        private void insert(long ino, long n) {
            int i = slot(ino);
            while (keys[i] != 0) {
                i = i + 1 & keys.length - 1;
            }
            keys[i] = ino;
            counts[i] = n;
            used++;
        }

        private void resize(int capacity) {
            long[] oldKeys = keys;
            long[] oldCounts = counts;
            keys = new long[capacity];
            counts = new long[capacity];
            used = 0;
            for (int i = 0; i < oldKeys.length; i++) {
                if (oldKeys[i] != 0) {
                    insert(oldKeys[i], oldCounts[i]);
                }
            }
        }

        long subtract(long ino, long n) {
            int at = find(ino);
            if (at < 0) {
                return 0;
            }
            long left = counts[at] - n;
            if (left > 0) {
                counts[at] = left;
                return left;
            }
            remove(at);
            if (keys.length > 256 && used * 8 < keys.length) {
                resize(keys.length / 2);
            }
            return 0;
        }

        void drain(Sink sink) {
            long[] drainedKeys = keys;
            long[] drainedCounts = counts;
            keys = new long[64];
            counts = new long[64];
            used = 0;
            visit(drainedKeys, drainedCounts, sink);
        }

        static void visit(long[] inos, long[] times, Sink sink) {
            for (int i = 0; i < inos.length; i++) {
                if (inos[i] != 0) {
                    sink.accept(inos[i], times[i]);
                }
            }
        }

        private void remove(int at) {
            int hole = at;
            int mask = keys.length - 1;
            for (int i = hole + 1 & mask; keys[i] != 0; i = i + 1 & mask) {
                int home = slot(keys[i]);
                // the entry may move into the hole unless its home lies cyclically between hole and i
                if ((i - home & mask) >= (i - hole & mask)) {
                    keys[hole] = keys[i];
                    counts[hole] = counts[i];
                    hole = i;
                }
            }
            keys[hole] = 0;
            counts[hole] = 0;
            used--;
        }
    }
}
