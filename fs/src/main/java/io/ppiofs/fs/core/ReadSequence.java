package io.ppiofs.fs.core;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.Blocks;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a file is read in order, and what of it is to be expected next. What is expected grows with what was read in order: twice as
 * much, up to the window of the store, so that a look at a file's head brings little more than that. Thread-safe.
 */
final class ReadSequence {
    private static final Logger LOG = LoggerFactory.getLogger(ReadSequence.class);

    /** Requests of one reader are served by several threads and overtake each other; so far apart they still are in order. */
    private static final long SLACK = 4 << 20;

    private long next;
    private long inOrder;
    private long told;
    private boolean anew;

    /** The extents of the file that overlap [from, to), in order. */
    @FunctionalInterface
    interface Extents {
        List<Extent> of(long from, long to);
    }

    /**
     * What follows the reader.
     *
     * @param from first byte of the file, on a boundary of blocks
     * @param to behind the last one
     * @param anew what was expected before is not any more: the reader went elsewhere
     */
    record Ahead(long from, long to, boolean anew) {}

    /**
     * Before bytes are read: tells the store what will follow them, if it wants to know. Costs one call where it does not.
     *
     * @param size of the file
     */
    void follow(Blocks blocks, long ino, long offset, int n, long size, Extents extents) {
        int window = blocks.readAhead();
        if (window <= 0 || offset >= size) {
            return;
        }
        Ahead ahead = read(offset, Math.min(size, offset + n), window, size, blocks.blockSize());
        if (ahead == null) {
            return;
        }
        try {
            Set<BlockRef> next = new LinkedHashSet<>();
            extents.of(ahead.from, ahead.to).forEach(e -> next.add(e.ref()));
            blocks.expect(ino, List.copyOf(next), ahead.anew);
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.INTERRUPTED) {
                throw e;
            }
            // what is read may be here though what follows is not
            LOG.debug("inode {}: what follows {} is not expected", ino, ahead.from, e);
        }
    }

    /**
     * A read of [offset, end).
     *
     * @param window bytes that the store wants to know ahead
     * @param size of the file
     * @return what is to be expected that was not told before; null if there is nothing
     */
    @Nullable
    synchronized Ahead read(long offset, long end, int window, long size, int blockSize) {
        if (offset > next + SLACK || end < next - SLACK) {
            inOrder = 0;
            next = end;
            told = end;
            anew = true;
        }
        inOrder += end - offset;
        next = Math.max(next, end);
        long from = roundUp(Math.max(told, next), blockSize);
        // the last block may be a part of one
        long to = Math.min(size, roundUp(next + Math.min(window, 2 * inOrder), blockSize));
        if (from >= to || inOrder == end - offset) {
            return null; // nothing new, or the first read: it may be the only one
        }
        told = to;
        Ahead ahead = new Ahead(from, to, anew);
        anew = false;
        return ahead;
    }

    private static long roundUp(long offset, int blockSize) {
        return (offset + blockSize - 1) / blockSize * blockSize;
    }
}
