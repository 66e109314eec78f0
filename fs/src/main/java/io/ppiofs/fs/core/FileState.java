package io.ppiofs.fs.core;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The state in memory of a regular file that is open or has unflushed content. Its layers, top first: dirty runs,
 * pending pieces, and the extents of the namespace map below {@link #baseLimit} (or the inline content).
 *
 * <p>Lock order: the inode's stripe, then {@link #lock}. {@link #flushing} is taken before both and held for a whole
 * flush. No lock is held while bytes are read from or written to disk, but {@link #flushing}.
 */
final class FileState {
    /** A truncation that has not reached the map hides nothing. */
    static final long NO_LIMIT = Long.MAX_VALUE;

    static final long NEVER = Long.MIN_VALUE;

    final long ino;
    final ReentrantLock flushing = new ReentrantLock();
    final ReentrantLock lock = new ReentrantLock();
    final Condition writersMayGo = lock.newCondition();
    final ReadSequence sequence = new ReadSequence();

    /** Opens and operations under way; guarded by the registry. */
    int pins;

    /** Flushes under way; guarded by the registry. They keep the state, but are no use of the file. */
    int holds;

    // everything below is guarded by lock
    final DirtyMap dirty;
    final PendingMap pending;
    long size;
    long held;
    /** Of the bytes on their way those that the map holds as they are, in many extents: they are counted there. */
    long again;

    Allocated allocated;
    Timestamp mtime;
    Timestamp ctime;
    /** Extents of the map at or behind this offset no longer count. */
    long baseLimit = NO_LIMIT;
    /** Smallest size since the flush under way looked, so that it never commits a size over lost bytes. */
    long truncateFloor = NO_LIMIT;
    /** The map holds the content inline. */
    boolean inline;
    /** The inline content stands in the dirty runs (or was truncated away). */
    boolean inlineLoaded;
    /** Something differs from the inode record: size, times or content. */
    boolean changed;
    /** Dirty bytes that stand in the journal as write records. */
    long journalled;
    /** Writers wait: a flush could not catch up with them. */
    boolean barrier;
    /** The inode is gone; content is dropped instead of flushed. */
    boolean dead;
    /** nanoTime of the first change that no flush has taken. */
    long dirtySince;
    /** nanoTime of the last truncation that took content away altogether, or {@link #NEVER}. */
    long emptiedAt = NEVER;
    /** Known to have no file capabilities (capabilities(7)), which any change of the content takes away. */
    volatile boolean noCapabilities;
    /** As the inode record has them. */
    volatile InodeFlags flags;
    /** In the flusher's queue. */
    boolean queued;
    /** Counts changes of the extents in the map: a reader that saw an older count looks again. */
    long extentsVersion;

    @Nullable
    Extent lastExtent;

    long lastExtentVersion = -1;

    FileState(long ino, InodeRecord record, DirtyMap dirty, PendingMap pending) {
        this.ino = ino;
        this.dirty = dirty;
        this.pending = pending;
        this.size = record.size;
        this.held = record.held;
        this.allocated = record.allocated;
        this.mtime = record.mtime();
        this.ctime = record.ctime();
        this.inline = record.inline();
        this.flags = record.inodeFlags();
    }

    boolean clean() {
        return !changed && dirty.isEmpty() && pending.isEmpty();
    }

    void touch(Timestamp now) {
        mtime = now;
        ctime = now;
        markChanged();
    }

    void markChanged() {
        if (!changed) {
            changed = true;
            dirtySince = System.nanoTime();
        }
    }

    /** As {@link InodeRecord#taken}. */
    long taken() {
        return Math.max(heldNow(), allocated.bytes());
    }

    /** Bytes that content takes: what the map holds plus what is on its way, of which what was written may lie over it. */
    long heldNow() {
        if (inline && !inlineLoaded) {
            return size;
        }
        long base = baseLimit == NO_LIMIT ? held : Math.min(held, baseLimit);
        return Math.min(size, base + Math.max(0, pending.bytes() + dirty.bytes() - again));
    }
}
