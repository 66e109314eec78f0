package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.gc.LiveSet;
import io.ppiofs.blockstore.gc.SweepResult;
import io.ppiofs.blockstore.gc.Sweepable;
import io.ppiofs.blockstore.index.BlockIndex;
import io.ppiofs.blockstore.index.ChronicleBlockIndex;
import io.ppiofs.blockstore.index.HeapBlockIndex;
import io.ppiofs.blockstore.index.Location;
import io.ppiofs.blockstore.space.SpaceBudget;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Blocks in a directory of this machine: segment log, index, garbage collection. One process owns the directory; a
 * second one is refused with IN_USE. Ready as soon as {@link #open} returns; the index opens, or is rebuilt, in the
 * background, and until it is ready lookups are answered from the segments' footers.
 */
public final class SegmentBlockStore implements BlockStore, Sweepable {
    private static final Logger LOG = LoggerFactory.getLogger(SegmentBlockStore.class);
    private static final int STRIPES = 256;
    private static final int MOST_RETRIES = 16;
    private static final int MOST_DAMAGED = 1 << 16;

    private final Path directory;
    private final SegmentOptions options;
    private final SpaceBudget budget;
    private final StoreLock lock;
    private final SegmentLog log;
    private final Locator locator;
    private final ReentrantLock[] stripes = new ReentrantLock[STRIPES];
    private final ReentrantLock sweeping = new ReentrantLock();
    private final ExecutorService background;
    private final AtomicLong epoch;
    /** Blocks whose bytes were found wrong: what is stored under these names must not stand in for a put. */
    private final Set<Cid> damaged = ConcurrentHashMap.newKeySet();
    /** Counts both ends of each sweep. */
    private final AtomicLong sweeps = new AtomicLong();

    private final long diskBytes;
    private volatile boolean closing;
    private volatile @Nullable Throwable indexFailure;

    private SegmentBlockStore(Path directory, SegmentOptions options, SpaceBudget budget, StoreLock lock)
            throws IOException {
        this.directory = directory;
        this.options = options;
        this.budget = budget;
        this.lock = lock;
        this.diskBytes = Files.getFileStore(directory).getTotalSpace();
        Arrays.setAll(stripes, i -> new ReentrantLock());
        Path segmentDirectory = Files.createDirectories(directory.resolve("segments"));
        Path indexDirectory = Files.createDirectories(directory.resolve("index"));
        int segmentBytes = options.segmentBytesOn(diskBytes);
        SegmentRecovery recovery = SegmentRecovery.run(segmentDirectory, segmentBytes);
        CleanMarker marker = CleanMarker.take(indexDirectory);
        boolean clean = marker != null && recovery.scanned() == 0 && recovery.isAt(marker);
        this.epoch = new AtomicLong(marker == null ? 1 : marker.epoch() + 1);
        Locator[] late = new Locator[1]; // the log calls back only once it is appended to
        this.log = new SegmentLog(
                segmentDirectory, segmentBytes, options.batchBytes(), budget, recovery, id -> late[0].sealed());
        this.locator = new Locator(log, recovery.continuedEntries(), clean && marker != null ? marker.liveBytes() : 0);
        late[0] = locator;
        this.background = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "ppiofs-block-index");
            thread.setDaemon(true);
            return thread;
        });
        CleanMarker usable = clean ? marker : null;
        background.execute(() -> openIndex(indexDirectory, usable));
    }

    /** Opens or makes the store in {@code directory}. */
    public static SegmentBlockStore open(Path directory, SegmentOptions options, SpaceBudget budget) {
        StoreLock lock = StoreLock.take(directory);
        try {
            return new SegmentBlockStore(directory, options, budget, lock);
        } catch (IOException e) {
            lock.close();
            throw new PpiofsException(
                    budget.isDiskFull(e, 4096) ? ErrorKind.NO_SPACE : ErrorKind.IO,
                    "open block store",
                    directory.toString(),
                    String.valueOf(e.getMessage()),
                    e);
        } catch (RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private void openIndex(Path indexDirectory, @Nullable CleanMarker marker) {
        try {
            BitSet trusted = marker == null ? new BitSet() : marker.trusted(indexDirectory);
            long start = System.nanoTime();
            BlockIndex opened = openIndex(indexDirectory, trusted);
            if (opened instanceof HeapBlockIndex) {
                trusted.clear();
            }
            Locator.IndexFilter missing = new Locator.IndexFilter() {
                @Override
                public boolean lacksAll() {
                    return trusted.isEmpty();
                }

                @Override
                public boolean lacks(Cid cid) {
                    return !trusted.get(ChronicleBlockIndex.shardOf(cid));
                }
            };
            if (!locator.takeOver(opened, missing, () -> closing)) {
                opened.close();
                return;
            }
            LOG.debug(
                    "block index ready: {} blocks, {} shards rebuilt, {} ms",
                    opened.size(),
                    ChronicleBlockIndex.SHARDS - trusted.cardinality(),
                    (System.nanoTime() - start) / 1_000_000);
            log.closeIdleFiles();
            budget.used(log.diskBytes());
            budget.restoreBallast();
        } catch (IOException | RuntimeException | LinkageError e) {
            indexFailure = e;
            LOG.error("the block index in {} cannot be used; lookups go on from the segments", indexDirectory, e);
        }
    }

    private BlockIndex openIndex(Path indexDirectory, BitSet trusted) {
        try {
            return ChronicleBlockIndex.open(indexDirectory, trusted, options.indexEntriesOn(diskBytes), background);
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.warn("no index on disk, it is kept in memory until the next start: {}", e.toString());
            return new HeapBlockIndex();
        }
    }

    static int stripeOf(Cid cid, int stripes) {
        return (int) (cid.word(1) & (stripes - 1));
    }

    private ReentrantLock stripe(Cid cid) {
        return stripes[stripeOf(cid, STRIPES)];
    }

    @Override
    public void put(List<StoredBlock> blocks) {
        put(blocks, false);
    }

    @Override
    public void putCold(List<StoredBlock> blocks) {
        put(blocks, true);
    }

    private void put(List<StoredBlock> blocks, boolean cold) {
        for (StoredBlock block : blocks) {
            Cid cid = block.cid();
            ReentrantLock stripe = stripe(cid);
            stripe.lock();
            try {
                Location known = locate(cid);
                long now = epoch.get();
                if (known == null) {
                    locator.add(cid, log.append(cid, block.bytes(), now, cold));
                } else if (damaged.contains(cid)) {
                    // of two records of one block the later one counts, here and when the index is rebuilt
                    locator.replace(cid, log.append(cid, block.bytes(), now, cold));
                    damaged.remove(cid);
                } else if (known.epoch() != now) {
                    locator.replace(cid, known.withEpoch(now));
                }
            } finally {
                stripe.unlock();
            }
        }
    }

    private @Nullable Location locate(Cid cid) {
        try {
            return locator.get(cid);
        } catch (UncheckedIOException e) {
            throw failed("look up", cid, e.getCause());
        }
    }

    @Override
    public BitSet has(List<Cid> cids) {
        BitSet here = new BitSet(cids.size());
        for (int i = 0; i < cids.size(); i++) {
            here.set(i, locate(cids.get(i)) != null);
        }
        return here;
    }

    @Override
    public List<@Nullable ByteBuffer> get(List<Cid> cids) {
        List<@Nullable ByteBuffer> found = new ArrayList<>(cids.size());
        for (Cid cid : cids) {
            found.add(whole(cid));
        }
        return found;
    }

    private @Nullable ByteBuffer whole(Cid cid) {
        Location at = locate(cid);
        if (at == null) {
            return null;
        }
        ByteBuffer bytes = ByteBuffer.allocate(boundedLength(cid, at));
        if (read(cid, 0, bytes) < bytes.capacity() || !Cid.of(bytes.flip()).equals(cid)) {
            if (locate(cid) == null) {
                return null; // deleted while it was read
            }
            noteDamaged(cid);
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "get block",
                    cid.toString(),
                    "its bytes do not have this name; run ppiofs fsck to see which files it belongs to");
        }
        return bytes.asReadOnlyBuffer();
    }

    static int boundedLength(Cid cid, Location at) {
        if (at.length() < 0 || at.length() > RecordFormat.LARGEST_PAYLOAD) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "look up", cid.toString(), "a length of " + at.length() + " bytes");
        }
        return at.length();
    }

    @Override
    public int read(Cid cid, long offset, ByteBuffer dst) {
        if (offset < 0) {
            throw new IllegalArgumentException("offset " + offset);
        }
        int start = dst.position();
        for (int i = 0; i < MOST_RETRIES; i++) {
            Location at = locate(cid);
            if (at == null) {
                return -1;
            }
            try {
                int n = log.read(at, offset, dst);
                if (n != SegmentLog.GONE) {
                    return n;
                }
                dst.position(start);
            } catch (IOException e) {
                throw failed("read block", cid, e);
            }
        }
        throw new PpiofsException(
                ErrorKind.CORRUPT, "read block", cid.toString(), "the index names a segment that does not exist");
    }

    private static PpiofsException failed(String operation, Cid cid, @Nullable IOException e) {
        return new PpiofsException(
                ErrorKind.IO, operation, cid.toString(), String.valueOf(e == null ? "" : e.getMessage()), e);
    }

    @Override
    public long length(Cid cid) {
        Location at = locate(cid);
        return at == null ? -1 : at.length();
    }

    @Override
    public void delete(Collection<Cid> cids) {
        for (Cid cid : cids) {
            ReentrantLock stripe = stripe(cid);
            stripe.lock();
            try {
                Location known = locate(cid);
                if (known != null) {
                    log.appendKills(List.of(FooterEntry.dead(cid, known)));
                    locator.remove(cid, known);
                }
            } finally {
                stripe.unlock();
            }
        }
    }

    @Override
    public void sync() {
        if (log.sync()) {
            budget.used(log.diskBytes());
        }
    }

    @Override
    public long beginMark() {
        awaitIndex();
        long marked = epoch.incrementAndGet();
        for (ReentrantLock stripe : stripes) {
            // waits for puts under way: one that returns after this call must not carry the old epoch
            stripe.lock();
            stripe.unlock();
        }
        return marked;
    }

    @Override
    public SweepResult sweep(LiveSet live, long markEpoch) {
        awaitIndex();
        sweeping.lock();
        sweeps.incrementAndGet();
        try {
            SweepResult result = new SegmentSweeper(
                            log, locator, budget, stripes, options.compactBelowLive(), live, markEpoch)
                    .run();
            log.sync();
            log.closeIdleFiles();
            budget.used(log.diskBytes());
            budget.restoreBallast();
            return result;
        } catch (IOException e) {
            throw new PpiofsException(
                    budget.isDiskFull(e, 4096) ? ErrorKind.NO_SPACE : ErrorKind.IO,
                    "collect garbage in",
                    directory.toString(),
                    String.valueOf(e.getMessage()),
                    e);
        } finally {
            sweeps.incrementAndGet();
            sweeping.unlock();
        }
    }

    /** Waits until lookups come from the index; returns at once as a rule. */
    public void awaitIndex() {
        try {
            while (!locator.isReady()) {
                Throwable failure = indexFailure;
                if (failure != null) {
                    throw new PpiofsException(
                            ErrorKind.IO,
                            "open block index of",
                            directory.toString(),
                            String.valueOf(failure.getMessage()),
                            failure);
                }
                if (closing) {
                    throw new PpiofsException(ErrorKind.NOT_CONNECTED, "use", directory.toString(), "it is closed");
                }
                locator.awaitReady(50, TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "wait for the index of", directory.toString(), "", e);
        }
    }

    /** Calls {@code consumer} with every block that is there from beginning to end of the call, and perhaps with others. */
    public void forEachCid(Consumer<Cid> consumer) {
        awaitIndex();
        sweeping.lock(); // compaction would move blocks behind the iteration
        try {
            for (SegmentFile segment : List.copyOf(log.segments())) {
                List<FooterEntry> entries = segment.sealed() ? Locator.entriesOf(segment) : log.openEntries();
                for (FooterEntry entry : entries) {
                    Location at = entry.kills() ? null : locate(entry.cid());
                    if (at != null && at.samePlace(entry.location(0))) {
                        consumer.accept(entry.cid());
                    }
                }
            }
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.IO, "list blocks of", directory.toString(), String.valueOf(e.getMessage()), e);
        } finally {
            sweeping.unlock();
        }
    }

    /**
     * Hashes every block against its name and reports what differs. Holds no lock: writers, readers and collection go
     * on. What is put while it runs may be left out. A block that was found damaged is written anew by the next put of
     * the same content.
     *
     * @param bytesPerSecond how fast it may go; 0: as fast as it can
     * @throws PpiofsException INTERRUPTED if the watcher cancelled, NOT_CONNECTED if the store was closed meanwhile
     */
    public ScrubReport verifyAll(long bytesPerSecond, ScrubWatcher watcher) {
        awaitIndex();
        try {
            return new SegmentScrubber(log, scrubbed(), bytesPerSecond, noting(watcher)).run();
        } catch (IOException e) {
            throw new PpiofsException(
                    closing ? ErrorKind.NOT_CONNECTED : ErrorKind.IO,
                    "scrub",
                    directory.toString(),
                    String.valueOf(e.getMessage()),
                    e);
        }
    }

    private ScrubWatcher noting(ScrubWatcher watcher) {
        return new ScrubWatcher() {
            @Override
            public void damaged(CorruptBlock block) {
                Cid cid = block.cid();
                if (cid != null) {
                    noteDamaged(cid);
                }
                watcher.damaged(block);
            }

            @Override
            public void progress(long bytes) {
                watcher.progress(bytes);
            }

            @Override
            public boolean cancelled() {
                return watcher.cancelled();
            }
        };
    }

    private SegmentScrubber.Store scrubbed() {
        return new SegmentScrubber.Store() {
            @Override
            public @Nullable Location locate(Cid cid) {
                return SegmentBlockStore.this.locate(cid);
            }

            @Override
            public int read(Cid cid, ByteBuffer dst) {
                return SegmentBlockStore.this.read(cid, 0, dst);
            }

            @Override
            public long sweeps() {
                return sweeps.get();
            }

            @Override
            public boolean closing() {
                return closing;
            }

            @Override
            public void flush() {
                sync();
            }
        };
    }

    private void noteDamaged(Cid cid) {
        if (damaged.size() < MOST_DAMAGED) {
            damaged.add(cid);
        }
    }

    public StoreStatistics statistics() {
        BlockIndex index = locator.index();
        return new StoreStatistics(
                index == null ? -1 : index.size(),
                locator.liveBytes(),
                log.diskBytes(),
                log.segments().size(),
                index != null,
                epoch.get());
    }

    /** The space of the disk this store is on. */
    public SpaceBudget budget() {
        return budget;
    }

    /** Flushes, leaves the marks that make the next start quick, and lets go of the directory. Idempotent. */
    @Override
    public void close() {
        if (closing) {
            return;
        }
        closing = true;
        boolean interrupted = Thread.interrupted(); // closing is short and must not be left half done
        try {
            stopBackground();
            log.close();
            BlockIndex index = locator.index();
            if (index != null) {
                index.close();
            }
            if (index instanceof ChronicleBlockIndex) {
                leaveMarker();
            }
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.IO, "close block store", directory.toString(), String.valueOf(e.getMessage()), e);
        } finally {
            lock.close();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void stopBackground() {
        background.shutdown();
        if (locator.index() instanceof ChronicleBlockIndex chronicle) {
            chronicle.stopGrowing();
        }
        boolean done = false;
        while (!done) {
            try {
                done = background.awaitTermination(1, TimeUnit.MINUTES);
            } catch (InterruptedException e) {
                LOG.debug("interrupted while closing, closing goes on");
            }
        }
    }

    private void leaveMarker() {
        Path indexDirectory = directory.resolve("index");
        SegmentFile last = log.last();
        try {
            new CleanMarker(
                            epoch.get(),
                            last == null ? 0 : last.id(),
                            last == null ? 0 : last.length(),
                            locator.liveBytes(),
                            CleanMarker.crcsIn(indexDirectory))
                    .write(indexDirectory);
        } catch (IOException e) {
            LOG.warn("no mark of a clean close, the next start rebuilds the index: {}", e.toString());
        }
    }
}
