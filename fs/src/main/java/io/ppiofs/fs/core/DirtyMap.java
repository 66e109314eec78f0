package io.ppiofs.fs.core;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The unflushed bytes of one file: disjoint runs, merged when they touch, none across a block boundary. Guarded by the
 * file's lock. One copy from the driver's buffer into the run; runs grow by doubling.
 */
final class DirtyMap {
    /** A run of dirty bytes. {@code [unjournalledFrom, unjournalledTo)} is not yet in the journal. */
    static final class Run {
        final long offset;
        byte[] data;
        int length;
        int unjournalledFrom;
        int unjournalledTo;

        Run(long offset, int capacity) {
            this(offset, new byte[capacity]);
        }

        Run(long offset, byte[] data) {
            this.offset = offset;
            this.data = data;
        }

        long end() {
            return offset + length;
        }

        private void touch(int from, int to) {
            if (unjournalledFrom == unjournalledTo) {
                unjournalledFrom = from;
                unjournalledTo = to;
            } else {
                unjournalledFrom = Math.min(unjournalledFrom, from);
                unjournalledTo = Math.max(unjournalledTo, to);
            }
        }
    }

    private final TreeMap<Long, Run> runs = new TreeMap<>();
    private final int blockSize;
    private final BufferPool pool;
    private long bytes;
    private long nextSequential = -1;

    DirtyMap(int blockSize, BufferPool pool) {
        this.blockSize = blockSize;
        this.pool = pool;
    }

    long bytes() {
        return bytes;
    }

    boolean isEmpty() {
        return runs.isEmpty();
    }

    Iterable<Run> runs() {
        return runs.values();
    }

    private long windowEnd(long offset) {
        return offset - offset % blockSize + blockSize;
    }

    /** Takes all of {@code src} at {@code offset}. */
    void put(long offset, ByteBuffer src) {
        while (src.hasRemaining()) {
            int n = (int) Math.min(src.remaining(), windowEnd(offset) - offset);
            putInWindow(offset, src, n);
            offset += n;
        }
    }

    private void putInWindow(long offset, ByteBuffer src, int n) {
        Map.Entry<Long, Run> floor = runs.floorEntry(offset);
        Run run = floor == null ? null : floor.getValue();
        if (run == null || run.end() < offset || windowEnd(run.offset) != windowEnd(offset)) {
            // a writer that filled the block before this one will fill this one too
            boolean whole = offset == nextSequential && offset % blockSize == 0 && n >= 4096;
            run = whole ? new Run(offset, pool.take()) : new Run(offset, n);
            runs.put(offset, run);
        }
        int at = (int) (offset - run.offset);
        ensure(run, at + n);
        src.get(run.data, at, n);
        if (at + n > run.length) {
            bytes += at + n - run.length;
            run.length = at + n;
        }
        run.touch(at, at + n);
        absorb(run);
        nextSequential = offset + n;
    }

    private void ensure(Run run, int length) {
        if (run.data.length >= length) {
            return;
        }
        int most = (int) (windowEnd(run.offset) - run.offset);
        int capacity = Math.min(most, Math.max(length, run.data.length * 2));
        if (capacity == blockSize) {
            byte[] whole = pool.take();
            System.arraycopy(run.data, 0, whole, 0, run.length);
            run.data = whole;
        } else {
            run.data = Arrays.copyOf(run.data, capacity);
        }
    }

    /** Merges the runs that {@code run} now reaches. */
    private void absorb(Run run) {
        while (true) {
            Map.Entry<Long, Run> higher = runs.higherEntry(run.offset);
            if (higher == null) {
                return;
            }
            Run next = higher.getValue();
            if (next.offset > run.end() || windowEnd(next.offset) != windowEnd(run.offset)) {
                return;
            }
            runs.remove(next.offset);
            bytes -= next.length;
            int shift = (int) (next.offset - run.offset);
            if (next.end() > run.end()) {
                int from = (int) (run.end() - next.offset);
                int tail = next.length - from;
                ensure(run, run.length + tail);
                System.arraycopy(next.data, from, run.data, run.length, tail);
                run.length += tail;
                bytes += tail;
            }
            if (next.unjournalledTo > next.unjournalledFrom) {
                run.touch(shift + next.unjournalledFrom, shift + next.unjournalledTo);
            }
            pool.give(next.data);
        }
    }

    /** Takes a run out; its bytes no longer count. */
    void remove(Run run) {
        runs.remove(run.offset);
        bytes -= run.length;
    }

    List<Run> removeAll() {
        List<Run> all = new ArrayList<>(runs.values());
        runs.clear();
        bytes = 0;
        return all;
    }

    /** The run that fills its whole block, if the block holding {@code offset} is complete. */
    @Nullable
    Run full(long offset) {
        Map.Entry<Long, Run> floor = runs.floorEntry(offset);
        if (floor == null) {
            return null;
        }
        Run run = floor.getValue();
        return run.length == blockSize ? run : null;
    }

    /** Forgets everything in [from, to). @return bytes forgotten */
    long clear(long from, long to) {
        long before = bytes;
        Map.Entry<Long, Run> floor = runs.floorEntry(from);
        if (floor != null && floor.getValue().end() > from) {
            split(floor.getValue(), from, to);
        }
        while (true) {
            Map.Entry<Long, Run> next = runs.ceilingEntry(from);
            if (next == null || next.getKey() >= to) {
                break;
            }
            split(next.getValue(), from, to);
        }
        return before - bytes;
    }

    /** Cuts [from, to) out of a run that overlaps it. */
    private void split(Run run, long from, long to) {
        runs.remove(run.offset);
        bytes -= run.length;
        if (run.offset < from) {
            keep(run, run.offset, from);
        }
        if (run.end() > to) {
            keep(run, to, run.end());
        }
        pool.give(run.data);
    }

    private void keep(Run run, long from, long to) {
        int at = (int) (from - run.offset);
        int n = (int) (to - from);
        Run part = new Run(from, Arrays.copyOfRange(run.data, at, at + n));
        part.length = n;
        int journalFrom = Math.max(0, run.unjournalledFrom - at);
        int journalTo = Math.min(n, run.unjournalledTo - at);
        if (journalFrom < journalTo) {
            part.touch(journalFrom, journalTo);
        }
        runs.put(from, part);
        bytes += n;
    }

    /** The runs that overlap [from, to), in order. */
    List<Run> overlapping(long from, long to) {
        List<Run> found = new ArrayList<>(2);
        Map.Entry<Long, Run> floor = runs.floorEntry(from);
        if (floor != null && floor.getValue().end() > from) {
            found.add(floor.getValue());
        }
        for (Run r : runs.tailMap(from, floor == null || floor.getKey() != from).values()) {
            if (r.offset >= to) {
                break;
            }
            if (found.isEmpty() || found.get(found.size() - 1) != r) {
                found.add(r);
            }
        }
        return found;
    }
}
