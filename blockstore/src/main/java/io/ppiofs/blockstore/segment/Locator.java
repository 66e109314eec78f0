package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.index.BlockIndex;
import io.ppiofs.blockstore.index.Location;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * Finds blocks whether or not the index is ready. Until it is, what the open segment holds is in a small map and
 * everything older is found in the footers, newest first; so a store serves reads and writes at once after start while
 * the index opens, or is rebuilt, in the background.
 */
final class Locator {
    /** In {@link #recent}: the block has been deleted since. */
    private static final int DELETED = -1;

    private final SegmentLog log;
    private final ConcurrentHashMap<Cid, Location> recent = new ConcurrentHashMap<>();
    /** Records in older segments that the open segment, as it was found at the start, says are dead. Never changed later. */
    private final Map<Cid, Set<Location>> graves = new HashMap<>();
    /** Shared by every change; exclusive while the index takes over. */
    private final ReentrantReadWriteLock takeover = new ReentrantReadWriteLock();

    private final CountDownLatch ready = new CountDownLatch(1);
    private final AtomicLong liveBytes;
    private volatile @Nullable BlockIndex index;
    private long loadedBytes; // of the one thread that runs takeOver

    /** @param liveBytes what the last close counted; replaced when the whole index is rebuilt */
    Locator(SegmentLog log, List<FooterEntry> openEntries, long liveBytes) {
        this.log = log;
        this.liveBytes = new AtomicLong(liveBytes);
        for (FooterEntry entry : openEntries) {
            noteRecent(entry);
        }
    }

    private void noteRecent(FooterEntry entry) {
        Location known = recent.get(entry.cid());
        if (!entry.kills()) {
            if (known == null || known.length() == DELETED || known.offset() < entry.offset()) {
                recent.put(entry.cid(), entry.location(0));
            }
        } else if (known != null && known.samePlace(entry.location(0))) {
            recent.put(entry.cid(), entry.location(0));
        } else {
            // It says that one record is dead, not that the block is: the block may have been written again since, into
            // a segment that is sealed by now.
            graves.computeIfAbsent(entry.cid(), c -> new HashSet<>()).add(place(entry));
        }
    }

    private static Location place(FooterEntry entry) {
        return new Location(entry.segment(), entry.offset(), 0, 0);
    }

    @Nullable
    Location get(Cid cid) {
        BlockIndex current = index;
        if (current != null) {
            return current.get(cid);
        }
        Location found = recent.get(cid);
        if (found != null) {
            return found.length() == DELETED ? null : found;
        }
        current = index; // recent entries leave only when a footer or the index has them
        if (current != null) {
            return current.get(cid);
        }
        return searchFooters(cid);
    }

    private @Nullable Location searchFooters(Cid cid) {
        Set<Location> dead = new HashSet<>(graves.getOrDefault(cid, Set.of()));
        for (SegmentFile segment : log.sealedNewestFirst()) {
            List<FooterEntry> entries;
            try {
                entries = segment.find(cid);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            for (FooterEntry entry : entries) {
                if (entry.kills()) {
                    dead.add(place(entry));
                }
            }
            for (int i = entries.size() - 1; i >= 0; i--) {
                FooterEntry entry = entries.get(i);
                if (!entry.kills() && !dead.contains(place(entry))) {
                    return entry.location(0);
                }
            }
        }
        return null;
    }

    /** A block that was not there. The caller holds the stripe of the CID. */
    void add(Cid cid, Location location) {
        replace(cid, location);
        liveBytes.addAndGet(location.length());
    }

    /** A block that is there lies elsewhere now or has another epoch. The caller holds the stripe of the CID. */
    void replace(Cid cid, Location location) {
        takeover.readLock().lock();
        try {
            BlockIndex current = index;
            if (current != null) {
                current.put(cid, location);
            } else {
                recent.put(cid, location);
            }
        } finally {
            takeover.readLock().unlock();
        }
    }

    /** The caller holds the stripe of the CID. */
    void remove(Cid cid, Location was) {
        liveBytes.addAndGet(-was.length());
        takeover.readLock().lock();
        try {
            BlockIndex current = index;
            if (current != null) {
                current.remove(cid);
            } else {
                recent.put(cid, new Location(was.segment(), was.offset(), DELETED, was.epoch()));
            }
        } finally {
            takeover.readLock().unlock();
        }
    }

    /**
     * The open segment has just got its footer (the caller holds the append lock), so footers answer for all that is in
     * the map. Entries that come in after this call are right too, only not needed.
     */
    void sealed() {
        takeover.readLock().lock();
        try {
            if (index == null) {
                recent.clear();
            }
        } finally {
            takeover.readLock().unlock();
        }
    }

    /**
     * Fills {@code fresh} from the log and makes it answer from now on. Runs in the background.
     *
     * @param missing what to fill in; the rest is there already
     * @return false if {@code stop} said to stop; the index is then not used
     */
    boolean takeOver(BlockIndex fresh, IndexFilter missing, StopSign stop) throws IOException {
        Set<Integer> loaded = new HashSet<>();
        if (!loadSealed(fresh, missing, loaded, stop)) {
            return false;
        }
        takeover.writeLock().lock();
        try {
            if (!loadSealed(fresh, missing, loaded, stop)) {
                return false;
            }
            bury(fresh);
            countRebuilt(fresh, missing);
            recent.forEach((cid, location) -> {
                if (location.length() == DELETED) {
                    fresh.remove(cid);
                } else {
                    fresh.put(cid, location);
                }
            });
            index = fresh;
            recent.clear();
        } finally {
            takeover.writeLock().unlock();
        }
        ready.countDown();
        return true;
    }

    private void bury(BlockIndex fresh) {
        graves.forEach((cid, places) -> {
            Location known = fresh.get(cid);
            if (known != null && places.contains(new Location(known.segment(), known.offset(), 0, 0))) {
                fresh.remove(cid);
                loadedBytes -= known.length();
            }
        });
    }

    /** Where everything had to be filled in, what was filled in is what there is. */
    private void countRebuilt(BlockIndex fresh, IndexFilter missing) {
        if (!missing.lacksAll()) {
            return;
        }
        long bytes = loadedBytes;
        for (Map.Entry<Cid, Location> entry : recent.entrySet()) {
            Location known = fresh.get(entry.getKey());
            bytes -= known == null ? 0 : known.length();
            bytes += Math.max(0, entry.getValue().length());
        }
        liveBytes.set(bytes);
    }

    /** Stored bytes of all blocks. */
    long liveBytes() {
        return liveBytes.get();
    }

    /** Which blocks the index does not have yet. */
    interface IndexFilter {
        /** True if it has none at all. */
        boolean lacksAll();

        boolean lacks(Cid cid);
    }

    /** Asked now and then by long work. */
    interface StopSign {
        boolean stop();
    }

    private boolean loadSealed(BlockIndex fresh, IndexFilter missing, Set<Integer> loaded, StopSign stop)
            throws IOException {
        for (SegmentFile segment : log.segments()) {
            if (!segment.sealed() || !loaded.add(segment.id())) {
                continue;
            }
            if (stop.stop()) {
                return false;
            }
            for (FooterEntry entry : entriesOf(segment)) {
                if (!missing.lacks(entry.cid())) {
                    continue;
                }
                load(fresh, entry);
            }
        }
        return true;
    }

    private void load(BlockIndex fresh, FooterEntry entry) {
        Location known = fresh.get(entry.cid());
        if (!entry.kills()) {
            fresh.put(entry.cid(), entry.location(0));
            loadedBytes += entry.length() - (known == null ? 0 : known.length());
        } else if (known != null && known.samePlace(entry.location(0))) {
            fresh.remove(entry.cid());
            loadedBytes -= known.length();
        }
    }

    /** A sealed segment's entries, from its records if its footer is damaged. */
    static List<FooterEntry> entriesOf(SegmentFile segment) throws IOException {
        List<FooterEntry> entries = segment.footer();
        if (entries == null) {
            entries = new ArrayList<>(new SegmentScanner(segment).scan().entries());
            entries.sort(Comparator.comparing(FooterEntry::cid));
        }
        return entries;
    }

    boolean isReady() {
        return index != null;
    }

    /** The index, or null while it is not ready. */
    @Nullable
    BlockIndex index() {
        return index;
    }

    /** @return whether it is ready now */
    boolean awaitReady(long timeout, TimeUnit unit) throws InterruptedException {
        return ready.await(timeout, unit);
    }
}
