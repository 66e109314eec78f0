package io.ppiofs.fs.core;

import java.util.Arrays;

/**
 * The parts of a file that fallocate(2) was asked for and nothing has given back since: sorted ranges of whole units that
 * do not touch. They count in st_blocks as other filesystems count unwritten extents. Immutable; at most {@value #MAX}
 * ranges, beyond which the narrowest gap counts as allocated, too.
 */
public final class Allocated {
    /** What st_blocks and these ranges are rounded to, as with the kernel's pages. */
    static final int UNIT = 4096;

    static final int MAX = 32;

    /** Units from, to, from, to …; ascending. */
    private final long[] units;

    public static final Allocated NONE = new Allocated(new long[0]);

    private Allocated(long[] units) {
        this.units = units;
    }

    /** With every unit that [from, to) touches; 0 ≤ from < to. */
    public Allocated with(long from, long to) {
        return replaced(from / UNIT, up(to), true);
    }

    /** Without the units that lie in [from, to) as a whole; 0 ≤ from ≤ to. */
    public Allocated without(long from, long to) {
        return replaced(up(from), to / UNIT, false);
    }

    /** Without the units behind a file of this size. */
    public Allocated below(long size) {
        return replaced(up(size), Long.MAX_VALUE, false);
    }

    private static long up(long bytes) {
        return bytes / UNIT + (bytes % UNIT == 0 ? 0 : 1);
    }

    private Allocated replaced(long first, long end, boolean on) {
        if (first >= end || !on && (units.length == 0 || first >= units[units.length - 1])) {
            return this;
        }
        long[] made = new long[units.length + 4];
        int n = 0;
        long start = first;
        long stop = end;
        int i = 0;
        for (; i < units.length && (on ? units[i + 1] < first : units[i] < first); i += 2) {
            made[n++] = units[i];
            made[n++] = on ? units[i + 1] : Math.min(units[i + 1], first);
            if (!on && units[i + 1] > end) {
                made[n++] = end;
                made[n++] = units[i + 1];
            }
        }
        if (on) {
            for (; i < units.length && units[i] <= end; i += 2) {
                start = Math.min(start, units[i]);
                stop = Math.max(stop, units[i + 1]);
            }
            made[n++] = start;
            made[n++] = stop;
        }
        for (; i < units.length; i += 2) {
            if (on || units[i + 1] > end) {
                made[n++] = on ? units[i] : Math.max(units[i], end);
                made[n++] = units[i + 1];
            }
        }
        return n == 0 ? NONE : new Allocated(narrowed(Arrays.copyOf(made, n)));
    }

    private static long[] narrowed(long[] ranges) {
        if (ranges.length <= 2 * MAX) {
            return ranges;
        }
        int gap = 2;
        for (int i = 4; i < ranges.length; i += 2) {
            gap = ranges[i] - ranges[i - 1] < ranges[gap] - ranges[gap - 1] ? i : gap;
        }
        long[] fewer = new long[ranges.length - 2];
        System.arraycopy(ranges, 0, fewer, 0, gap - 1);
        System.arraycopy(ranges, gap + 1, fewer, gap - 1, ranges.length - gap - 1);
        return fewer;
    }

    public boolean isEmpty() {
        return units.length == 0;
    }

    /** How much that is; no overflow, as units are at most 2^51. */
    public long bytes() {
        long sum = 0;
        for (int i = 0; i < units.length; i += 2) {
            sum += units[i + 1] - units[i];
        }
        return Math.min(sum, Long.MAX_VALUE / UNIT) * UNIT;
    }

    void encode(RecordWriter w) {
        w.u8(units.length / 2);
        long last = 0;
        for (long u : units) {
            w.varint(u - last);
            last = u;
        }
    }

    static Allocated decode(RecordReader r) {
        int n = r.u8();
        if (n == 0 || n > MAX) {
            throw r.corrupt("allocated ranges: " + n);
        }
        long[] units = new long[2 * n];
        long last = 0;
        for (int i = 0; i < units.length; i++) {
            long step = r.varint();
            if (step < 0 || i > 0 && step == 0 || step > Long.MAX_VALUE / UNIT + 1 - last) {
                throw r.corrupt("allocated ranges out of order");
            }
            last += step;
            units[i] = last;
        }
        return new Allocated(units);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Allocated a && Arrays.equals(units, a.units);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(units);
    }

    @Override
    public String toString() {
        return Arrays.toString(units);
    }
}
