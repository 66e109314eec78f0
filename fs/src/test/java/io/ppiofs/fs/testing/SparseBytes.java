package io.ppiofs.fs.testing;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;

/** A file's content in memory: pages that were written, everything else a hole of zeros. Not thread-safe. */
final class SparseBytes {
    static final int PAGE = 4096;

    private final TreeMap<Long, byte[]> pages = new TreeMap<>();
    private long size;

    long size() {
        return size;
    }

    int pageCount() {
        return pages.size();
    }

    /** Pages that a write of this range would add. */
    long newPages(long offset, long length) {
        long n = 0;
        for (long p = offset / PAGE; p * PAGE < offset + length; p++) {
            n += pages.containsKey(p) ? 0 : 1;
        }
        return n;
    }

    int read(long offset, ByteBuffer dst) {
        int n = (int) Math.max(0, Math.min(dst.remaining(), size - offset));
        for (int done = 0; done < n; ) {
            long at = offset + done;
            int inPage = (int) (at % PAGE);
            int step = Math.min(PAGE - inPage, n - done);
            byte[] page = pages.get(at / PAGE);
            dst.put(page == null ? new byte[PAGE] : page, inPage, step);
            done += step;
        }
        return n;
    }

    void write(long offset, ByteBuffer src) {
        long at = offset;
        while (src.hasRemaining()) {
            int inPage = (int) (at % PAGE);
            int step = Math.min(PAGE - inPage, src.remaining());
            src.get(pages.computeIfAbsent(at / PAGE, p -> new byte[PAGE]), inPage, step);
            at += step;
        }
        size = Math.max(size, at);
    }

    void resize(long newSize) {
        if (newSize < size) {
            zero(newSize, size - newSize);
        }
        size = newSize;
    }

    void grow(long newSize) {
        size = Math.max(size, newSize);
    }

    /** Zeros a range without changing the size; whole pages become holes. */
    void zero(long offset, long length) {
        long end = Math.min(offset + length, (size + PAGE - 1) / PAGE * PAGE);
        pages.subMap((offset + PAGE - 1) / PAGE, Math.max((offset + PAGE - 1) / PAGE, end / PAGE))
                .clear();
        zeroPart(offset, Math.min(end, (offset / PAGE + 1) * PAGE));
        zeroPart(Math.max(offset, end / PAGE * PAGE), end);
    }

    private void zeroPart(long from, long to) {
        byte[] page = from < to ? pages.get(from / PAGE) : null;
        if (page != null) {
            for (long i = from; i < to; i++) {
                page[(int) (i % PAGE)] = 0;
            }
        }
    }

    /** @return the first offset at or behind {@code offset} that holds data, or -1 */
    long nextData(long offset) {
        Map.Entry<Long, byte[]> e = pages.ceilingEntry(offset / PAGE);
        long at = e == null ? size : Math.max(offset, e.getKey() * PAGE);
        return at < size ? at : -1;
    }

    /** @return the first offset at or behind {@code offset} that holds none, at most the size */
    long nextHole(long offset) {
        long page = offset / PAGE;
        if (!pages.containsKey(page)) {
            return offset;
        }
        while (pages.containsKey(page)) {
            page++;
        }
        return Math.min(size, page * PAGE);
    }
}
