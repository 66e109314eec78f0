package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.Cid;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Blocks of a volume that are on this machine's disk and not yet on peers, in write order, each once. What is durable is
 * the blocks themselves and the {@link GroupBook}: after a crash the backlog is what the volume reaches and the book does
 * not have. Positions grow with every block that is added, so that "everything up to here is placed" can be said.
 * Thread-safe.
 */
final class Backlog {
    private final Map<Cid, Long> waiting = new LinkedHashMap<>();

    /** Placed, but on fewer peers than fsync promises; both ways round. */
    private final Map<Cid, Long> thin = new HashMap<>();

    private final TreeMap<Long, Cid> thinByPosition = new TreeMap<>();
    private long last;
    private boolean closed;
    private boolean counting;
    private boolean woken;

    /** Adds blocks that are not waiting already. */
    synchronized void add(Iterable<Cid> cids) {
        boolean added = false;
        for (Cid cid : cids) {
            if (waiting.putIfAbsent(cid, last + 1) == null) {
                last++;
                added = true;
            }
        }
        if (added) {
            notifyAll();
        }
    }

    /** Up to {@code max} blocks from the front, which stay until they are {@link #done}. Waits for the first one, or {@link #wake}. */
    synchronized List<Cid> next(int max, Duration patience) throws InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        while (waiting.isEmpty() && !closed && !woken) {
            long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (left <= 0) {
                break;
            }
            wait(left);
        }
        woken = false;
        List<Cid> first = new ArrayList<>();
        Iterator<Cid> it = waiting.keySet().iterator();
        while (it.hasNext() && first.size() < max) {
            first.add(it.next());
        }
        return first;
    }

    /** These are placed, or gone. */
    synchronized void done(Iterable<Cid> cids) {
        cids.forEach(waiting::remove);
    }

    /** These wait, and are placed on fewer peers than fsync promises; {@link #done} comes next. */
    synchronized void thin(Iterable<Cid> cids) {
        if (!counting) {
            return;
        }
        for (Cid cid : cids) {
            Long position = waiting.get(cid);
            if (position != null && thin.putIfAbsent(cid, position) == null) {
                thinByPosition.put(position, cid);
            }
        }
    }

    /** From now on {@link #thin} counts. Until somebody waits for copies it would only grow while a peer is away. */
    synchronized void countCopies() {
        counting = true;
    }

    /** These are on enough peers now. */
    synchronized void firm(Iterable<Cid> cids) {
        for (Cid cid : cids) {
            Long position = thin.remove(cid);
            if (position != null) {
                thinByPosition.remove(position);
            }
        }
    }

    /** All that are {@link #thin}. */
    synchronized List<Cid> thin() {
        return List.copyOf(thin.keySet());
    }

    /** Whether every block that was added at or before {@code position} is on as many peers as fsync promises. */
    synchronized boolean isFirmUpTo(long position) {
        return isDoneUpTo(position) && (thin.isEmpty() || thinByPosition.firstKey() > position);
    }

    /** The position of the newest block. */
    synchronized long position() {
        return last;
    }

    /** Whether every block that was added at or before {@code position} is done. */
    synchronized boolean isDoneUpTo(long position) {
        return waiting.isEmpty() || waiting.values().iterator().next() > position;
    }

    synchronized boolean waits(Cid cid) {
        return waiting.containsKey(cid);
    }

    /** All blocks that wait. */
    synchronized List<Cid> all() {
        return List.copyOf(waiting.keySet());
    }

    synchronized int size() {
        return waiting.size();
    }

    /** Waits, however many blocks there are, for this long or until it is closed. */
    synchronized void pause(Duration time) throws InterruptedException {
        long end = System.nanoTime() + time.toNanos();
        long left = time.toMillis();
        while (left > 0 && !closed) {
            wait(left);
            left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        }
    }

    /** Who waits for blocks looks around once. */
    synchronized void wake() {
        woken = true;
        notifyAll();
    }

    /** Wakes who waits; nothing is forgotten. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
