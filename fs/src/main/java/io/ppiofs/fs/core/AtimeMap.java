package io.ppiofs.fs.core;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Access times of this writer, outside the tree so that reading never changes a root. Bounded: when it is full, the
 * caller folds it into the inode records at the next checkpoint. Thread-safe.
 */
final class AtimeMap {
    /** Entries after which the map asks to be folded. */
    static final int FOLD_AT = 100_000;

    private final Map<Long, Timestamp> times = new ConcurrentHashMap<>();

    @Nullable
    Timestamp get(long ino) {
        return times.get(ino);
    }

    void put(long ino, Timestamp t) {
        times.put(ino, t);
    }

    void remove(long ino) {
        if (times.remove(ino) != null) {}
    }

    /** Removes {@code t} unless a later time took its place. */
    void remove(long ino, Timestamp t) {
        times.remove(ino, t);
    }

    boolean full() {
        return times.size() >= FOLD_AT;
    }

    Map<Long, Timestamp> entries() {
        return times;
    }
}
