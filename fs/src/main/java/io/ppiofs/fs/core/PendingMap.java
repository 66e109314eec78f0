package io.ppiofs.fs.core;

import io.ppiofs.blockstore.BlockRef;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of one file that are on their way into blocks: disjoint pieces, each a part of an {@link Encoding}. They
 * lie over the extents of the namespace map and under the dirty runs. Guarded by the file's lock.
 */
final class PendingMap {
    /** One block in the making: first its plaintext, then its ref. Fields are guarded by the file's lock. */
    static final class Encoding {
        byte @Nullable [] data;
        final int length;

        @Nullable
        BlockRef ref;

        boolean running;
        /** How many pieces are parts of it. */
        int pieces;

        @Nullable
        RuntimeException failure;

        Encoding(byte[] data, int length) {
            this.data = data;
            this.length = length;
        }

        private Encoding(BlockRef stored) {
            this.data = null;
            this.length = stored.length();
            this.ref = stored;
        }

        /** A block that exists already. */
        static Encoding of(BlockRef stored) {
            return new Encoding(stored);
        }

        boolean done() {
            return ref != null;
        }

        /** Its bytes were removed or written over before anybody sealed them: there is nothing to do, and nothing failed. */
        boolean dropped() {
            return ref == null && data == null;
        }
    }

    /** {@code length} bytes of the file at {@code offset} are the encoding's from {@code from}. */
    record Piece(long offset, int length, Encoding encoding, int from) {
        long end() {
            return offset + length;
        }

        Piece clip(long start, long end) {
            return new Piece(start, (int) (end - start), encoding, from + (int) (start - offset));
        }
    }

    private final TreeMap<Long, Piece> pieces = new TreeMap<>();
    private final Consumer<Encoding> unreferenced;

    /** @param unreferenced hears of an encoding when the last of its pieces has gone */
    PendingMap(Consumer<Encoding> unreferenced) {
        this.unreferenced = unreferenced;
    }

    private void add(Piece p) {
        pieces.put(p.offset(), p);
        p.encoding().pieces++;
    }

    private void drop(Piece p) {
        pieces.remove(p.offset());
        if (--p.encoding().pieces == 0) {
            unreferenced.accept(p.encoding());
        }
    }

    boolean isEmpty() {
        return pieces.isEmpty();
    }

    int size() {
        return pieces.size();
    }

    Iterable<Piece> pieces() {
        return pieces.values();
    }

    List<Piece> below(long limit) {
        return new ArrayList<>(pieces.headMap(limit).values());
    }

    long bytes() {
        long n = 0;
        for (Piece p : pieces.values()) {
            n += p.length;
        }
        return n;
    }

    void put(Piece piece) {
        clear(piece.offset(), piece.end());
        add(piece);
    }

    /** Takes the piece out if it is still the same. */
    void remove(Piece piece) {
        if (piece.equals(pieces.get(piece.offset()))) {
            drop(piece);
        }
    }

    void clear(long from, long to) {
        Map.Entry<Long, Piece> floor = pieces.lowerEntry(from);
        if (floor != null && floor.getValue().end() > from) {
            cut(floor.getValue(), from, to);
        }
        while (true) {
            Map.Entry<Long, Piece> next = pieces.ceilingEntry(from);
            if (next == null || next.getKey() >= to) {
                return;
            }
            cut(next.getValue(), from, to);
        }
    }

    /** Takes [from, to) out of a piece that overlaps it. */
    private void cut(Piece p, long from, long to) {
        p.encoding().pieces++; // not unreferenced while its parts are put back
        drop(p);
        if (p.offset() < from) {
            add(p.clip(p.offset(), from));
        }
        if (p.end() > to) {
            add(p.clip(to, p.end()));
        }
        if (--p.encoding().pieces == 0) {
            unreferenced.accept(p.encoding());
        }
    }

    List<Piece> overlapping(long from, long to) {
        List<Piece> found = new ArrayList<>(2);
        Map.Entry<Long, Piece> floor = pieces.lowerEntry(from);
        if (floor != null && floor.getValue().end() > from) {
            found.add(floor.getValue());
        }
        found.addAll(pieces.subMap(from, to).values());
        return found;
    }
}
