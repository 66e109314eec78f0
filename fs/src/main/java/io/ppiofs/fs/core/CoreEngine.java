package io.ppiofs.fs.core;

import com.google.common.util.concurrent.Striped;
import com.google.common.util.concurrent.Uninterruptibles;
import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.CheckpointStore.Checkpoint;
import io.ppiofs.fs.journal.Journal;
import io.ppiofs.fs.journal.JournalOptions;
import io.ppiofs.fs.journal.JournalReplica;
import io.ppiofs.fs.journal.ReplicaSeal;
import io.ppiofs.fs.tree.MerkleTree;
import io.ppiofs.fs.tree.NodeCache;
import io.ppiofs.fs.tree.NodeVisitor;
import io.ppiofs.fs.tree.TreeContext;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The life of a core: replay at the start, three clocks, checkpoints, orderly end.
 *
 * <p>Order of a checkpoint: file data into blocks and their extents into the map; freeze the map at a journal position;
 * data that stood in the journal before that position into the map again; commit the journal (which first flushes
 * segments); write the changed tree nodes and flush them; save the signed head; trim the journal. A crash anywhere
 * leaves either the old head with its journal or the new one with the rest.
 */
public final class CoreEngine {
    private static final Logger LOG = LoggerFactory.getLogger(CoreEngine.class);

    /** Worst case of what one namespace change adds to journal and tree, bytes. */
    private static final int CHANGE_COST = 1024;

    private static final long TICK_MILLIS = 200;

    /** A replica answers sooner; nobody waits longer. */
    private static final long COPIES_SECONDS = 30;

    private static final int STRIPES = 1024;
    private static final String META_INODES = "inodes";

    private final CoreVolume volume;
    private final CoreOptions options;
    private final NamespaceMap map;
    private final Journal journal;
    private final FileContents contents;
    private final DirtyBudget budget;
    private final LookupCounts lookups = new LookupCounts();
    private final AtimeMap atimes = new AtimeMap();
    private final Striped<Lock> stripes;
    private final InodeNumbers inodes;
    private final ThreadPoolExecutor encoders;
    private final ThreadPoolExecutor background;
    private final ReentrantLock checkpointing = new ReentrantLock();
    private final ReentrantLock maintenance = new ReentrantLock();
    private final AtomicLong reservedForChanges = new AtomicLong();
    private final AtomicLong checkpoints = new AtomicLong();
    private final List<Consumer<Checkpoint>> checkpointListeners = new CopyOnWriteArrayList<>();
    private final long replayedRecords;
    private volatile long firstUnsyncedNanos;
    private volatile long firstUncheckpointedNanos;
    private volatile long lastCheckpointMillis;
    private volatile @Nullable String lastError;
    private volatile @Nullable JournalReplica replica;
    private volatile boolean closing;
    private volatile boolean closed;
    private @Nullable Thread clockThread;
    private @Nullable Thread flusherThread;

    /** What a checkpoint under way froze; guarded by {@link #checkpointing}. */
    private record Frozen(long lsn, long nextInode, long files, long reserved) {}

    private @Nullable Frozen frozen;

    private CoreEngine(CoreVolume volume, CoreOptions options) {
        this.volume = volume;
        this.options = options;
        this.stripes = Striped.lock(STRIPES);
        this.budget = new DirtyBudget(options.dirtyBytes());
        this.encoders = threads("encode", options.encoders());
        this.background = threads("background", 1);
        Checkpoint last = volume.checkpoints().load();
        TreeContext context =
                new TreeContext(volume.blocks(), volume.levels(), new NodeCache(options.nodeCacheBytes()));
        this.map = new NamespaceMap(MerkleTree.open(context, last.root()));
        map.files(last.files());
        this.contents =
                new FileContents(map, volume.blocks(), budget, volume.space(), encoders, stripes::get, this::begin);
        this.journal = Journal.open(
                volume.journalDirectory(),
                volume.journalKey(),
                last.journalLsn(),
                volume.blocks()::sync,
                this::replay,
                JournalOptions.defaults());
        map.attach(journal);
        this.replayedRecords = journal.replayReport().replayedRecords();
        if (journal.replayReport().tornTails() > 0) {
            LOG.warn(
                    "volume {}: the journal ended in {} torn bytes, as after a power cut; they were never acknowledged",
                    volume.name(),
                    journal.replayReport().tornBytes());
        }
        this.inodes = new InodeNumbers(
                volume.writerSlot(),
                firstInode(last),
                end -> begin().put(Keys.meta(META_INODES), counter(end)),
                map::commit);
    }

    static CoreEngine open(CoreVolume volume, CoreOptions options) {
        return new CoreEngine(volume, options);
    }

    private ThreadPoolExecutor threads(String role, int n) {
        AtomicLong number = new AtomicLong();
        ThreadPoolExecutor pool =
                new ThreadPoolExecutor(n, n, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread t = new Thread(task, role + "-" + volume.name() + "-" + number.getAndIncrement());
                    t.setDaemon(true);
                    return t;
                });
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    private static byte[] counter(long v) {
        return new RecordWriter(10).varint(v).toBytes();
    }

    private long firstInode(Checkpoint last) {
        byte[] reserved = map.get(Keys.meta(META_INODES));
        long journalled = reserved == null ? 0 : new RecordReader(reserved, "inode counter").varint();
        return Math.max(2, Math.max(last.nextInode(), journalled));
    }

    // ---- replay -----------------------------------------------------------------------------------------------------

    private void replay(long lsn, ByteBuffer payload) {
        RecordReader r = new RecordReader(payload, "journal record " + lsn);
        int kind = r.u8();
        switch (kind) {
            case Transaction.KIND -> replayTransaction(r);
            case FileContents.WRITE_KIND -> contents.replayWrite(r);
            default ->
                throw new PpiofsException(
                        ErrorKind.UNSUPPORTED_FORMAT,
                        "replay",
                        "journal record " + lsn,
                        "kind " + kind + " was written by a newer ppiofs; upgrade");
        }
    }

    private void replayTransaction(RecordReader r) {
        volume.clock().observe(r.i64());
        while (r.hasRemaining()) {
            int op = r.u8();
            switch (op) {
                case Transaction.OP_PUT -> replayOne(r.blob(), r.blob());
                case Transaction.OP_DELETE -> replayOne(r.blob(), null);
                case Transaction.OP_FLUSHED -> contents.replayFlushed(r.i64());
                case Transaction.OP_TIMES -> contents.replayTimes(r.i64(), r.time(), r.time());
                default ->
                    throw new PpiofsException(
                            ErrorKind.CORRUPT,
                            "replay",
                            "journal",
                            "unknown change " + op + "; the journal was written by another version");
            }
        }
    }

    private void replayOne(byte[] key, byte @Nullable [] value) {
        boolean fits = key.length > 0
                && key.length <= MerkleTree.MAX_KEY_LENGTH
                && (value == null || value.length <= MerkleTree.MAX_VALUE_LENGTH);
        if (!fits) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "replay", "journal", "a key or value does not fit the namespace");
        }
        if (key.length == 10 && key[0] == Keys.INODE && key[9] == Keys.INODE_RECORD) {
            boolean existed = map.get(key) != null;
            map.files(map.files() + (value == null ? 0 : 1) - (existed ? 1 : 0));
        }
        map.applyOne(key, value);
    }

    // ---- parts ------------------------------------------------------------------------------------------------------

    CoreVolume volume() {
        return volume;
    }

    CoreOptions options() {
        return options;
    }

    NamespaceMap map() {
        return map;
    }

    FileContents contents() {
        return contents;
    }

    LookupCounts lookups() {
        return lookups;
    }

    AtimeMap atimes() {
        return atimes;
    }

    Striped<Lock> stripes() {
        return stripes;
    }

    InodeNumbers inodes() {
        return inodes;
    }

    Transaction begin() {
        return new Transaction(volume.clock().next(), volume.writerSlot());
    }

    /** Something changed that the clocks must bring to disk. */
    void changed() {
        if (closed) {
            throw new PpiofsException(ErrorKind.NOT_CONNECTED, "write", volume.name(), "the volume is closed");
        }
        if (firstUnsyncedNanos == 0) {
            firstUnsyncedNanos = nonZero(System.nanoTime());
        }
        if (firstUncheckpointedNanos == 0) {
            firstUncheckpointedNanos = nonZero(System.nanoTime());
        }
    }

    private static long nonZero(long nanos) {
        return nanos == 0 ? 1 : nanos;
    }

    /** Every namespace change promises its room in journal and tree before it is made. */
    void reserveForChange() {
        volume.space().reserve(CHANGE_COST);
        reservedForChanges.addAndGet(CHANGE_COST);
    }

    /** Takes back {@link #reserveForChange} of a change that was not made, unless a checkpoint has taken it already. */
    void releaseChange() {
        long before = reservedForChanges.getAndUpdate(r -> r >= CHANGE_COST ? r - CHANGE_COST : r);
        if (before >= CHANGE_COST) {
            volume.space().release(CHANGE_COST);
        }
    }

    /** Everything in the journal's buffer is durable when it returns. */
    public void commitJournal() {
        long lsn = journal.lastLsn();
        relieved(() -> journal.commit(lsn));
    }

    /**
     * From now on who wants something durable waits for its copies elsewhere, too.
     *
     * @param seal used by nobody else
     * @return the last record of the journal that is not given to the replica
     */
    public long copyTo(JournalReplica copies, ReplicaSeal seal) {
        long last = journal.copyTo(copies, seal);
        replica = copies;
        return last;
    }

    /**
     * Everything in the journal's buffer is as durable when it returns as the mount promises: on this disk, and on others if
     * there are to be copies.
     *
     * @throws PpiofsException IO if others did not confirm in time; it is on this disk all the same, and a later call may find
     *     it on others
     */
    void commitAsPromised() {
        long lsn = journal.lastLsn();
        relieved(() -> journal.commit(lsn));
        JournalReplica copies = replica;
        if (copies == null) {
            return;
        }
        try {
            Uninterruptibles.getUninterruptibly(copies.confirmed(lsn), COPIES_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw notCopied(
                    e.getCause() instanceof PpiofsException cause ? String.valueOf(cause.getMessage()) : e.toString(),
                    e);
        } catch (TimeoutException e) {
            throw notCopied("no answer within " + COPIES_SECONDS + " s", e);
        }
    }

    private PpiofsException notCopied(String why, Exception cause) {
        return new PpiofsException(
                ErrorKind.IO, "sync", "volume " + volume.name(), "it is on this disk, but not on peers: " + why, cause);
    }

    /** Tries again once if the disk was full and something could be given up for it. */
    private void relieved(Runnable write) {
        try {
            write.run();
        } catch (PpiofsException full) {
            if (full.kind() != ErrorKind.NO_SPACE || !volume.space().relieve()) {
                throw full;
            }
            write.run();
        }
    }

    /** Runs later on a thread of its own; failures are logged and shown in status. */
    void background(Runnable task) {
        try {
            background.execute(() -> guarded(task));
        } catch (RejectedExecutionException closingNow) {
            LOG.debug("volume {}: left for the next start", volume.name(), closingNow);
        }
    }

    /** What was handed to {@link #background} before this call is done when it returns: inodes without names are gone. */
    void awaitBackground() {
        try {
            background.submit(() -> {}).get(60, TimeUnit.SECONDS);
        } catch (RejectedExecutionException closingNow) {
            LOG.debug("volume {} is closing", volume.name(), closingNow);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            throw new PpiofsException(ErrorKind.IO, "collect", volume.name(), "background work did not end", e);
        }
    }

    private boolean guarded(Runnable task) {
        try {
            task.run();
            return true;
        } catch (RuntimeException failed) {
            report(failed);
            return false;
        }
    }

    private void report(RuntimeException failed) {
        String message = String.valueOf(failed.getMessage());
        if (!message.equals(lastError)) {
            LOG.error("volume {}: {}", volume.name(), message, failed);
        }
        lastError = message;
    }

    // ---- clocks -----------------------------------------------------------------------------------------------------

    void start() {
        if (replayedRecords > 0) {
            changed();
        }
        clockThread = thread("clock", this::runClock);
        flusherThread = thread("flush", this::runFlusher);
    }

    private Thread thread(String role, Runnable body) {
        Thread t = new Thread(body, role + "-" + volume.name());
        t.setDaemon(true);
        t.start();
        return t;
    }

    private void runClock() {
        while (!closing) {
            try {
                Thread.sleep(TICK_MILLIS); // the clock itself: each tick looks at all deadlines, nothing signals time
            } catch (InterruptedException e) {
                return; // close() interrupts
            }
            guarded(this::tick);
        }
    }

    private static boolean older(long sinceNanos, java.time.Duration age) {
        return sinceNanos != 0 && System.nanoTime() - sinceNanos >= age.toNanos();
    }

    private void tick() {
        // a second early: what is found then must be on disk within the interval
        if (older(firstUnsyncedNanos, options.syncInterval().multipliedBy(4).dividedBy(5))) {
            firstUnsyncedNanos = 0;
            try {
                if (contents.flushAllButRewritten()) {
                    firstUnsyncedNanos = nonZero(System.nanoTime());
                }
                commitJournal();
            } catch (RuntimeException failed) {
                firstUnsyncedNanos = nonZero(System.nanoTime());
                throw failed;
            }
            lastError = null;
        }
        if (checkpointDue()) {
            checkpoint(false);
        }
    }

    private boolean checkpointDue() {
        return map.memtableBytes() > options.memtableBytes()
                || journal.bytes() > options.checkpointJournalBytes()
                || older(firstUncheckpointedNanos, options.checkpointInterval())
                || map.hasFrozen();
    }

    private void runFlusher() {
        while (!closing) {
            try {
                if (!budget.awaitPressure(1000)) {
                    continue;
                }
            } catch (InterruptedException e) {
                return;
            }
            try {
                if (!contents.flushNext()) {
                    budget.awaitRelease(20);
                }
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException failed) {
                report(failed);
                budget.failed(FileContents.asAnswer(failed));
                if (!pause()) {
                    return;
                }
            }
        }
    }

    /** After a failed flush: do not ask a full disk again at once. Nobody tells when a disk has room, so there is only time. */
    private static boolean pause() {
        try {
            Thread.sleep(TICK_MILLIS);
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }

    // ---- checkpoint -------------------------------------------------------------------------------------------------

    /**
     * Brings everything into the tree and saves the head.
     *
     * @throws PpiofsException NO_SPACE, IO; what was frozen is kept and the next checkpoint goes on with it
     */
    public void checkpoint() {
        checkpoint(true);
    }

    /** @param all also files that are being rewritten just now, see {@link FileContents#flushAllButRewritten} */
    private void checkpoint(boolean all) {
        checkpointing.lock();
        try {
            long began = System.nanoTime();
            Frozen f = frozen;
            if (f == null) {
                firstUncheckpointedNanos = 0;
                if (all) {
                    contents.flushAll();
                } else if (contents.flushAllButRewritten()) {
                    firstUncheckpointedNanos = nonZero(System.nanoTime());
                }
                foldAtimes();
                f = freeze();
                frozen = f;
            }
            for (FileState s : contents.journalledFiles()) {
                contents.flush(s);
            }
            commitJournal();
            MerkleTree merged = map.merged();
            volume.blocks().sync();
            Checkpoint saved = new Checkpoint(merged.root(), f.lsn, f.nextInode, f.files);
            relieved(() -> volume.checkpoints().save(saved));
            map.install(merged);
            frozen = null;
            volume.space().release(f.reserved);
            journal.trim(f.lsn);
            checkpoints.incrementAndGet();
            lastCheckpointMillis = System.currentTimeMillis();
            lastError = null;
            checkpointListeners.forEach(listener -> guarded(() -> listener.accept(saved)));
            LOG.debug(
                    "volume {}: checkpoint at lsn {} in {} ms",
                    volume.name(),
                    f.lsn,
                    (System.nanoTime() - began) / 1_000_000);
        } catch (RuntimeException failed) {
            if (firstUncheckpointedNanos == 0) {
                firstUncheckpointedNanos = nonZero(System.nanoTime());
            }
            throw failed;
        } finally {
            checkpointing.unlock();
        }
    }

    void onCheckpoint(Consumer<Checkpoint> listener) {
        checkpointListeners.add(listener);
    }

    private Frozen freeze() {
        long[] counts = new long[3];
        long lsn = map.freeze(() -> {
            counts[0] = inodes.reservedEnd();
            counts[1] = map.files();
            counts[2] = reservedForChanges.getAndSet(0);
        });
        return new Frozen(lsn, counts[0], counts[1], counts[2]);
    }

    /** Access times move into the inode records when the map is full, and at the end of the mount. */
    private void foldAtimes() {
        if (!atimes.full() && !closing) {
            return;
        }
        for (long ino : atimes.entries().keySet()) {
            Lock stripe = stripes.get(ino);
            stripe.lock();
            try {
                Timestamp atime = atimes.get(ino); // may have gone or moved on since the iteration saw it
                if (atime == null) {
                    continue;
                }
                byte[] value = map.get(Keys.inode(ino));
                if (value != null) {
                    InodeRecord r = InodeRecord.decode(value);
                    r.atime(atime);
                    map.commit(begin().put(Keys.inode(ino), r.encode()));
                }
                atimes.remove(ino, atime);
            } finally {
                stripe.unlock();
            }
        }
    }

    // ---- marking ----------------------------------------------------------------------------------------------------

    /** Held while blocks are deleted, and while they are checked: a check must not miss what a collection takes. */
    ReentrantLock maintenance() {
        return maintenance;
    }

    /** Runs {@code body} while no checkpoint is under way and no ref is between its block and a place to find it. */
    public void quiesced(Runnable body) {
        checkpointing.lock();
        try {
            Lock refs = contents.refsInFlight.writeLock();
            refs.lock();
            try {
                contents.startSharing();
                body.run();
            } finally {
                refs.unlock();
            }
        } finally {
            checkpointing.unlock();
        }
    }

    /**
     * Names every block that this volume needs and that was written before the mark began. Layers are visited in the
     * direction in which refs move (files, memtables, tree), so that none is missed while they move.
     */
    public void mark(Consumer<BlockRef> live) {
        contents.visitPending(live);
        map.visitMemtables((k, v) -> {
            refsOf(k, v, live);
            return true;
        });
        map.tree().walk(everyRef(live));
        contents.visitShared(live);
    }

    /** Names each node of a tree and the refs inside its entries. */
    static NodeVisitor everyRef(Consumer<BlockRef> live) {
        return new NodeVisitor() {
            @Override
            public boolean node(BlockRef ref, int height) {
                live.accept(ref);
                return true;
            }

            @Override
            public boolean wantsEntries() {
                return true;
            }

            @Override
            public void entry(byte[] key, byte[] value) {
                refsOf(key, value, live);
            }
        };
    }

    /** The refs inside one entry of the namespace map. */
    static void refsOf(byte[] key, byte[] value, Consumer<BlockRef> visitor) {
        if (key[0] == Keys.EXTENT) {
            visitor.accept(Extent.decode(Keys.extentOffset(key), value).ref());
        } else if (key[0] == Keys.INODE && (Keys.sub(key) == Keys.INODE_XATTR || Keys.sub(key) == Keys.INODE_SYMLINK)) {
            BlockRef ref = StoredValue.decode(value).ref();
            if (ref != null) {
                visitor.accept(ref);
            }
        }
    }

    /** File bytes dropped since the last call; collection starts counting anew. */
    public long takeGarbageBytes() {
        return contents.takeDroppedBytes();
    }

    // ---- state and end ----------------------------------------------------------------------------------------------

    CoreStats stats(int orphans) {
        return new CoreStats(
                map.files(),
                journal.lastLsn() - journal.durableLsn(),
                journal.bytes(),
                map.memtableBytes(),
                budget.used(),
                contents.droppedBytes(),
                orphans,
                lookups.size(),
                contents.openFiles(),
                checkpoints.get(),
                lastCheckpointMillis,
                replayedRecords,
                lastError);
    }

    void close() {
        if (closed) {
            return;
        }
        closing = true;
        stop(clockThread);
        stop(flusherThread);
        try {
            drain(background);
            commitOnce();
        } finally {
            closed = true;
            encoders.shutdown();
            journal.close();
        }
    }

    private void commitOnce() {
        if (firstUncheckpointedNanos != 0
                || map.memtableBytes() > 0
                || map.hasFrozen()
                || contents.anythingDirty()
                || !atimes.entries().isEmpty()) {
            checkpoint();
        }
    }

    private static void drain(ExecutorService pool) {
        pool.shutdown();
        try {
            if (!pool.awaitTermination(60, TimeUnit.SECONDS)) {
                LOG.warn("background work did not end within 60 s; it is done at the next start");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void stop(@Nullable Thread t) {
        if (t == null) {
            return;
        }
        t.interrupt();
        try {
            t.join(TimeUnit.SECONDS.toMillis(60));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends without flushing anything, as kill -9 would; for tests of recovery. */
    void abandon() {
        closing = true;
        closed = true;
        stop(clockThread);
        stop(flusherThread);
        background.shutdownNow();
        encoders.shutdownNow();
        journal.abandon();
    }

    List<FileState> journalledFiles() {
        return contents.journalledFiles();
    }
}
