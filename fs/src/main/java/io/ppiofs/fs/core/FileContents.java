package io.ppiofs.fs.core;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.Blocks;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.DirtyMap.Run;
import io.ppiofs.fs.core.PendingMap.Encoding;
import io.ppiofs.fs.core.PendingMap.Piece;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads, writes and flushes the content of regular files.
 *
 * <p>Costs. write: one copy, O(log runs), no I/O; a run that fills its block goes to an encoder at once. read: dirty
 * bytes are copied under the file's lock, the rest is read from blocks without any lock. flush: one block per run, one
 * journal record per file. fsync of little dirt: one journal record holding the bytes themselves.
 */
final class FileContents {
    /** Files up to this size live in the map. */
    static final int INLINE_MAX = 3072;

    /** fsync puts at most this much of one file into the journal; more goes into blocks. */
    static final int JOURNALLED_MAX = 128 << 10;

    /** All dirty bytes that may stand in the journal at one time; replay keeps them in memory. */
    static final long JOURNALLED_TOTAL = 48L << 20;

    /** A journal record of a flush is cut at this size. */
    private static final int TRANSACTION_MAX = 4 << 20;

    /** Extents deleted by one journal record. */
    private static final int SLICE = 20_000;

    /** Runs up to this size are encoded by the flushing thread itself. */
    private static final int SMALL_RUN = 128 << 10;

    /** Extents within one block's reach after which they are merged into a block again. */
    private static final int FRAGMENTED = 24;

    /** Attempts of a read whose blocks were replaced and collected under it. */
    private static final int READ_ATTEMPTS = 5;

    /** Copies of less are copies of bytes: an extent costs about 100 bytes in the map. */
    private static final int SHARE_MIN = 16 << 10;

    /** Attempts of sharing extents of a file that is being written. */
    private static final int SHARE_ATTEMPTS = 3;

    private static final int COPY_BUFFER = 128 << 10;

    /** Times that the extents of a read are looked up without the lock. */
    private static final int PLAN_ATTEMPTS = 3;

    private final NamespaceMap map;
    private final Blocks blocks;
    private final DirtyBudget budget;
    private final SpaceAccount space;
    private final ExecutorService encoders;
    private final LongFunction<Lock> stripes;
    private final Supplier<Transaction> transactions;
    private final BufferPool pool;
    private final int blockSize;
    private final Map<Long, FileState> states = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<FileState> dirtyQueue = new ConcurrentLinkedQueue<>();
    private final AtomicLong journalledTotal = new AtomicLong();
    private final AtomicLong droppedBytes = new AtomicLong();

    /** Refs that were given to a second file while a mark is under way; null while none is. */
    private volatile @Nullable Set<BlockRef> sharedWhileMarking;

    /** Encoders hold the read side from writing a block until its ref can be found; marking takes the write side. */
    final ReentrantReadWriteLock refsInFlight = new ReentrantReadWriteLock();

    FileContents(
            NamespaceMap map,
            Blocks blocks,
            DirtyBudget budget,
            SpaceAccount space,
            ExecutorService encoders,
            LongFunction<Lock> stripes,
            Supplier<Transaction> transactions) {
        this.map = map;
        this.blocks = blocks;
        this.budget = budget;
        this.space = space;
        this.encoders = encoders;
        this.stripes = stripes;
        this.transactions = transactions;
        this.blockSize = blocks.blockSize();
        this.pool = new BufferPool(blockSize, Math.max(4, (32 << 20) / blockSize));
    }

    // ---- registry -------------------------------------------------------------------------------------------------

    /**
     * The file's state, pinned; {@link #unpin} lets it go.
     *
     * @throws PpiofsException NOT_FOUND if there is no such inode, INVALID if it is no regular file
     */
    FileState pin(long ino) {
        if (!states.containsKey(ino)) {
            // For the node it leaves in the cache, not for its value: compute holds a lock that other inodes share, and
            // a tree node should not come from the disk under it. The value that counts must be read inside. Between
            // here and there another thread may pin, write, flush and let go, and a record read before that would bring
            // the old size back. If the node is evicted in between, compute reads it again: slow once, never wrong.
            map.get(Keys.inode(ino));
        }
        FileState state = states.compute(ino, (k, s) -> {
            if (s == null) {
                byte[] value = map.get(Keys.inode(ino));
                if (value == null) {
                    throw PpiofsException.expected(ErrorKind.NOT_FOUND, "open", Long.toUnsignedString(ino));
                }
                InodeRecord record = InodeRecord.decode(value);
                if (!record.isRegular()) {
                    throw PpiofsException.expected(ErrorKind.INVALID, "open", Long.toUnsignedString(ino));
                }
                s = new FileState(ino, record, new DirtyMap(blockSize, pool), new PendingMap(this::settleUnreferenced));
            }
            s.pins++;
            return s;
        });
        if (state == null) {
            throw new IllegalStateException("no state for inode " + ino);
        }
        return state;
    }

    void unpin(FileState state) {
        states.computeIfPresent(state.ino, (k, s) -> {
            s.pins--;
            return idle(s) ? null : s;
        });
    }

    private void dropIfIdle(FileState state) {
        states.computeIfPresent(state.ino, (k, s) -> idle(s) ? null : s);
    }

    private static boolean idle(FileState s) {
        if (s.pins > 0 || s.holds > 0) {
            return false;
        }
        s.lock.lock();
        try {
            return s.dead || s.clean();
        } finally {
            s.lock.unlock();
        }
    }

    /** Keeps a registered state until {@link #letGo}; false if it was dropped, which only happens to a clean one. */
    private boolean hold(FileState state) {
        boolean[] held = new boolean[1];
        states.computeIfPresent(state.ino, (k, s) -> {
            held[0] = s == state;
            s.holds += held[0] ? 1 : 0;
            return s;
        });
        return held[0];
    }

    private void letGo(FileState state) {
        states.computeIfPresent(state.ino, (k, s) -> {
            s.holds--;
            return idle(s) ? null : s;
        });
    }

    /** The state if the file is open or dirty. */
    @Nullable
    FileState peek(long ino) {
        return states.get(ino);
    }

    boolean pinned(long ino) {
        boolean[] pinned = new boolean[1];
        states.computeIfPresent(ino, (k, s) -> {
            pinned[0] = s.pins > 0;
            return s;
        });
        return pinned[0];
    }

    int openFiles() {
        return states.size();
    }

    private void enqueue(FileState s) {
        if (!s.queued) {
            s.queued = true;
            dirtyQueue.add(s);
        }
    }

    // ---- write ----------------------------------------------------------------------------------------------------

    /**
     * Takes all of {@code src}.
     *
     * @param append write at the end, whatever {@code offset}
     * @return the offset where it is
     */
    long write(FileState s, long offset, boolean append, ByteBuffer src, Timestamp now) {
        int n = src.remaining();
        if (n == 0) {
            return offset;
        }
        loadInline(s);
        budget.acquire(n);
        long unused = n;
        try {
            space.reserve(n);
            try {
                Put put = putDirty(s, offset, append, src, now);
                unused = n - put.grown();
                return put.at();
            } finally {
                space.release(unused);
            }
        } finally {
            budget.release(unused);
        }
    }

    /**
     * Bytes that became dirty.
     *
     * @param grown fewer than were written where dirty ones were overwritten
     */
    private record Put(long at, long grown) {}

    private Put putDirty(FileState s, long offset, boolean append, ByteBuffer src, Timestamp now) {
        int n = src.remaining();
        s.lock.lock();
        try {
            awaitBarrier(s);
            long at = append ? s.size : offset;
            if (at < 0 || at > Long.MAX_VALUE - n) {
                throw PpiofsException.expected(ErrorKind.FILE_TOO_LARGE, "write", Long.toUnsignedString(s.ino));
            }
            long before = s.dirty.bytes();
            s.dirty.put(at, src);
            long grown = s.dirty.bytes() - before;
            s.size = Math.max(s.size, at + n);
            s.touch(now);
            enqueue(s);
            Run full = s.dirty.full(at);
            if (full != null) {
                startEncoding(s, full);
            } else if (at / blockSize != (at + n - 1) / blockSize) {
                Run second = s.dirty.full(at + n - 1);
                if (second != null) {
                    startEncoding(s, second);
                }
            }
            return new Put(at, grown);
        } finally {
            s.lock.unlock();
        }
    }

    private static void awaitBarrier(FileState s) {
        while (s.barrier) {
            s.writersMayGo.awaitUninterruptibly();
        }
    }

    /** Moves a run into the pending layer and hands it to an encoder. Caller holds the file's lock. */
    private void startEncoding(FileState s, Run run) {
        Encoding e = moveToPending(s, run);
        e.running = true;
        try {
            encoders.execute(() -> encode(s, e));
        } catch (java.util.concurrent.RejectedExecutionException closing) {
            e.running = false; // the closing flush encodes what is left
        }
    }

    private Encoding moveToPending(FileState s, Run run) {
        s.dirty.remove(run);
        Encoding e = new Encoding(run.data, run.length);
        s.pending.put(new Piece(run.offset, run.length, e, 0));
        return e;
    }

    /** Seals the block and replaces plaintext by ref. On failure the plaintext stays and a later flush tries again. */
    private void encode(FileState s, Encoding e) {
        byte[] data = e.data;
        refsInFlight.readLock().lock();
        try {
            if (data == null) {
                throw new IllegalStateException("encoded twice");
            }
            BlockRef ref = blocks.write(BlockType.DATA, ByteBuffer.wrap(data, 0, e.length));
            s.lock.lock();
            try {
                e.ref = ref;
                e.data = null;
                pool.give(data);
            } finally {
                s.lock.unlock();
            }
            budget.release(e.length);
            space.release(e.length);
        } catch (RuntimeException failed) {
            e.failure = failed;
            budget.failed(asAnswer(failed));
        } finally {
            refsInFlight.readLock().unlock();
            s.lock.lock();
            try {
                e.running = false;
                settleUnreferenced(e);
                s.writersMayGo.signalAll();
            } finally {
                s.lock.unlock();
            }
        }
    }

    /** Gives back what an encoding holds if nothing needs it and nobody works on it. Caller holds the file's lock. */
    private void settleUnreferenced(Encoding e) {
        if (e.pieces == 0 && !e.running && e.data != null) {
            pool.give(e.data);
            e.data = null;
            budget.release(e.length);
            space.release(e.length);
        }
    }

    static PpiofsException asAnswer(RuntimeException failed) {
        return failed instanceof PpiofsException p
                ? p
                : new PpiofsException(ErrorKind.INTERNAL, "write", "file data", "a block could not be sealed", failed);
    }

    /** Brings inline content into the dirty runs before it is changed. */
    private void loadInline(FileState s) {
        s.lock.lock();
        try {
            if (!s.inline || s.inlineLoaded) {
                return;
            }
            byte[] content = map.get(Keys.inline(s.ino));
            int n = content == null ? 0 : (int) Math.min(content.length, s.size);
            if (content != null && n > 0) {
                budget.add(n);
                space.charge(n);
                s.dirty.put(0, ByteBuffer.wrap(content, 0, n));
                enqueue(s);
            }
            s.inlineLoaded = true;
        } finally {
            s.lock.unlock();
        }
    }

    /** Sets the size; bytes behind it are gone, a gap before it is a hole. */
    void truncate(FileState s, long size, Timestamp now) {
        if (size > 0) {
            loadInline(s);
        }
        s.lock.lock();
        try {
            awaitBarrier(s);
            if (size == 0) {
                s.inlineLoaded = true;
                s.emptiedAt = s.size > 0 ? System.nanoTime() : s.emptiedAt;
            }
            if (size < s.size) {
                forget(s, size, Long.MAX_VALUE);
                s.baseLimit = Math.min(s.baseLimit, size);
                s.truncateFloor = Math.min(s.truncateFloor, size);
            }
            if (size <= s.size) {
                s.allocated = s.allocated.below(size);
            }
            s.size = size;
            s.touch(now);
            enqueue(s);
        } finally {
            s.lock.unlock();
        }
    }

    /** Drops dirty and pending bytes in [from, to). Caller holds the lock. */
    private void forget(FileState s, long from, long to) {
        long dropped = s.dirty.clear(from, to);
        s.pending.clear(from, to);
        s.again = 0; // how many of them were dropped is not known; rather too many count
        budget.release(dropped);
        space.release(dropped);
    }

    /** Space was asked for: the bytes are the same, the times are not, and [from, to) counts as allocated. */
    void reserved(FileState s, long from, long to, Timestamp now) {
        s.lock.lock();
        try {
            s.allocated = s.allocated.with(from, to);
            s.touch(now);
            enqueue(s);
        } finally {
            s.lock.unlock();
        }
    }

    /** Makes [from, to) a hole; the size stays. */
    void punch(FileState s, long from, long to, Timestamp now) {
        s.flushing.lock();
        try {
            loadInline(s);
            flushLocked(s);
            Lock stripe = stripes.apply(s.ino);
            stripe.lock();
            s.lock.lock();
            try {
                forget(s, from, to);
                s.allocated = s.allocated.without(from, to);
                long end = Math.min(to, Math.max(s.size, from));
                if (from < end) {
                    commitHole(s, from, end);
                }
                s.touch(now);
                enqueue(s);
            } finally {
                s.lock.unlock();
                stripe.unlock();
            }
        } finally {
            s.flushing.unlock();
        }
    }

    private void commitHole(FileState s, long from, long to) {
        byte[] value = map.get(Keys.inode(s.ino));
        if (value == null) {
            return;
        }
        InodeRecord record = InodeRecord.decode(value);
        if (s.inline) {
            // the flush just before has put small content inline again
            byte[] content = map.get(Keys.inline(s.ino));
            if (content != null && from < content.length) {
                byte[] punched = content.clone();
                java.util.Arrays.fill(punched, (int) from, (int) Math.min(to, content.length), (byte) 0);
                map.commit(transactions.get().put(Keys.inline(s.ino), punched));
            }
            return;
        }
        Transaction tx = transactions.get();
        for (long window = from - from % blockSize; window < to; window += blockSize) {
            WindowEdit edit = new WindowEdit(s.ino, window);
            record.held += edit.clear(from, to);
            edit.emit(tx, false);
            if (tx.size() > TRANSACTION_MAX) {
                map.commit(tx.put(Keys.inode(s.ino), record.encode()));
                tx = transactions.get();
            }
            long next = nextExtentWindow(s.ino, window + blockSize, to);
            if (next < 0) {
                break;
            }
            window = next - blockSize;
        }
        record.stampContent(tx.dot, tx.slot);
        map.commit(tx.put(Keys.inode(s.ino), record.encode()));
        s.held = record.held;
        s.extentsVersion++;
    }

    /** Start of the window of the first extent in [from, to), or -1. */
    private long nextExtentWindow(long ino, long from, long to) {
        long[] found = {-1};
        if (from >= 0 && from < to) {
            map.scan(Keys.extent(ino, from), Keys.extent(ino, to), (k, v) -> {
                long offset = Keys.extentOffset(k);
                found[0] = offset - offset % blockSize;
                return false;
            });
        }
        return found[0];
    }

    // ---- copy -----------------------------------------------------------------------------------------------------

    /**
     * Copies up to {@code length} bytes; blocks are shared where the source has them, which costs one flush of the source
     * and one extent per block, no data.
     *
     * @return bytes copied: what the source has there
     */
    long copyRange(FileState source, long from, FileState target, long to, long length, Timestamp now) {
        if (to > Long.MAX_VALUE - length) {
            throw PpiofsException.expected(
                    ErrorKind.FILE_TOO_LARGE, "copy_file_range", Long.toUnsignedString(target.ino));
        }
        long n = 0;
        for (int attempt = 0; attempt < SHARE_ATTEMPTS; attempt++) {
            flush(source);
            long version;
            source.lock.lock();
            try {
                version = source.extentsVersion;
                n = Math.min(length, source.size - from);
                if (n <= 0) {
                    return 0;
                }
                if (source.inline || n < SHARE_MIN) {
                    break;
                }
            } finally {
                source.lock.unlock();
            }
            if (source != target) {
                clearForHoles(source, from, target, to, n, now);
            }
            loadInline(target);
            if (share(source, version, from, target, to, n, now)) {
                return n;
            }
        }
        // no more than was there at first: inside one file the copy itself may make more
        return copyBytes(source, from, target, to, n, now);
    }

    /** Where the source has a hole the target must have one, too. */
    private void clearForHoles(FileState source, long from, FileState target, long to, long n, Timestamp now) {
        long held = 0;
        for (Extent e : extents(source.ino, from, from + n)) {
            held += Math.min(e.end(), from + n) - Math.max(e.offset(), from);
        }
        boolean overwrites;
        target.lock.lock();
        try {
            overwrites = target.size > to;
        } finally {
            target.lock.unlock();
        }
        if (held < n && overwrites) {
            punch(target, to, to + n, now);
        }
    }

    /** @return false if the source changed meanwhile, or has what is in no block yet */
    private boolean share(FileState source, long version, long from, FileState target, long to, long n, Timestamp now) {
        refsInFlight.readLock().lock();
        try {
            List<Extent> extents = extents(source.ino, from, from + n);
            // First told to a mark under way, then found to be in use still: so no sweep takes them.
            Set<BlockRef> shared = sharedWhileMarking;
            if (shared != null) {
                extents.forEach(e -> shared.add(e.ref()));
            }
            long covered = 0;
            for (Extent e : extents) {
                covered += Math.min(e.end(), from + n) - Math.max(e.offset(), from);
            }
            if (source == target && covered < n || !settled(source, version, from, n)) {
                return false;
            }
            target.lock.lock();
            try {
                awaitBarrier(target);
                forget(target, to, to + n);
                for (Extent e : extents) {
                    putShared(target, e.clip(Math.max(e.offset(), from), Math.min(e.end(), from + n)), to - from);
                }
                target.size = Math.max(target.size, to + n);
                target.touch(now);
                enqueue(target);
            } finally {
                target.lock.unlock();
            }
            return true;
        } finally {
            refsInFlight.readLock().unlock();
        }
    }

    private static boolean settled(FileState s, long version, long from, long n) {
        s.lock.lock();
        try {
            return s.extentsVersion == version
                    && !s.inline
                    && s.baseLimit == FileState.NO_LIMIT
                    && s.size >= from + n
                    && s.dirty.overlapping(from, from + n).isEmpty()
                    && s.pending.overlapping(from, from + n).isEmpty();
        } finally {
            s.lock.unlock();
        }
    }

    /** Puts one extent, moved by {@code shift}, as pieces that cross no boundary of the target's blocks. */
    private void putShared(FileState target, Extent e, long shift) {
        Encoding block = Encoding.of(e.ref());
        long at = e.offset() + shift;
        long end = e.end() + shift;
        int inBlock = e.blockOffset();
        while (at < end) {
            int length = (int) Math.min(end - at, blockSize - at % blockSize);
            target.pending.put(new Piece(at, length, block, inBlock));
            at += length;
            inBlock += length;
        }
    }

    private long copyBytes(FileState source, long from, FileState target, long to, long length, Timestamp now) {
        ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(length, COPY_BUFFER));
        long done = 0;
        while (done < length) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), length - done));
            int n = read(source, from + done, buffer);
            if (n == 0) {
                break;
            }
            write(target, to + done, false, buffer.flip(), now);
            done += n;
        }
        return done;
    }

    /** A mark begins; called while no ref is in flight. */
    void startSharing() {
        sharedWhileMarking = ConcurrentHashMap.newKeySet();
    }

    /** Names the refs that were shared since the mark began; last of all, after their first places. */
    void visitShared(java.util.function.Consumer<BlockRef> visitor) {
        Set<BlockRef> shared = sharedWhileMarking;
        if (shared != null) {
            shared.forEach(visitor);
            sharedWhileMarking = null;
        }
    }

    // ---- read -----------------------------------------------------------------------------------------------------

    /** A stretch of the wanted range that stands in a block. */
    private record Gap(long offset, int length) {}

    /** A stretch of one block for a stretch of the reader's buffer. */
    record FromBlock(BlockRef ref, int blockOffset, int dstOffset, int length) {}

    /** @return bytes put into {@code dst}; 0 at or behind the end */
    int read(FileState s, long offset, ByteBuffer dst) {
        if (blocks.readAhead() > 0) {
            s.sequence.follow(
                    blocks, s.ino, offset, dst.remaining(), sizeOfBlocks(s), (from, to) -> extents(s.ino, from, to));
        }
        for (int attempt = 1; ; attempt++) {
            ByteBuffer target = dst.duplicate();
            try {
                int n = readOnce(s, offset, target);
                dst.position(dst.position() + n);
                return n;
            } catch (PpiofsException e) {
                // the block was replaced and collected between looking and reading
                if (e.kind() != ErrorKind.MISSING_BLOCK || attempt == READ_ATTEMPTS) {
                    throw e.kind() == ErrorKind.MISSING_BLOCK
                            ? new PpiofsException(
                                    ErrorKind.IO, "read", e.subject(), "a block is missing; run ppiofs fsck", e)
                            : e;
                }
            }
        }
    }

    /** 0 if its content stands in no block. */
    private static long sizeOfBlocks(FileState s) {
        s.lock.lock();
        try {
            return s.inline ? 0 : s.size;
        } finally {
            s.lock.unlock();
        }
    }

    /** Where the bytes of one read stand. */
    private static final class ReadPlan {
        final List<FromBlock> reads = new ArrayList<>(2);
        final List<Gap> gaps = new ArrayList<>(2);
        int n;
        long limit;
        long version;

        @Nullable
        Extent last;

        @Nullable
        Extent seen;
    }

    private int readOnce(FileState s, long offset, ByteBuffer dst) {
        ReadPlan plan = null;
        for (int attempt = 0; plan == null; attempt++) {
            plan = plan(s, offset, dst, attempt == PLAN_ATTEMPTS);
        }
        run(blocks, plan.reads, dst);
        return plan.n;
    }

    /** Fills the stretches of {@code dst}, counted from its position, which stays. */
    static void run(Blocks blocks, List<FromBlock> reads, ByteBuffer dst) {
        int base = dst.position();
        for (FromBlock r : reads) {
            ByteBuffer part = dst.duplicate();
            part.position(base + r.dstOffset).limit(base + r.dstOffset + r.length);
            blocks.read(BlockType.DATA, r.ref, r.blockOffset, part);
        }
    }

    /**
     * Copies what is in memory and finds the rest. The extents are looked up without the lock, so a flush may change
     * them meanwhile; its version tells, and then the plan is void.
     *
     * @param patient look the extents up under the lock: a file that is flushed all the time is read too
     * @return null if it must be made again
     */
    private @Nullable ReadPlan plan(FileState s, long offset, ByteBuffer dst, boolean patient) {
        ReadPlan p = new ReadPlan();
        s.lock.lock();
        try {
            p.n = (int) Math.max(0, Math.min(dst.remaining(), s.size - offset));
            if (p.n == 0) {
                return p;
            }
            if (s.inline && !s.inlineLoaded) {
                copyInline(map.get(Keys.inline(s.ino)), offset, p.n, dst);
                return p;
            }
            overlay(s, offset, p.n, dst, p.reads, p.gaps);
            p.limit = s.baseLimit;
            p.version = s.extentsVersion;
            p.last = s.lastExtentVersion == p.version ? s.lastExtent : null;
            if (patient) {
                findGaps(s, offset, dst, p);
                return p;
            }
        } finally {
            s.lock.unlock();
        }
        if (p.gaps.isEmpty()) {
            return p;
        }
        findGaps(s, offset, dst, p);
        return isStill(s, p) ? p : null;
    }

    private void findGaps(FileState s, long offset, ByteBuffer dst, ReadPlan p) {
        for (Gap gap : p.gaps) {
            Extent found = fromExtents(s.ino, gap, offset, p.limit, p.last, dst, p.reads);
            p.seen = found != null ? found : p.seen;
        }
    }

    /** Whether the extents that were found are those of one moment; remembers the last of them for the next read. */
    private static boolean isStill(FileState s, ReadPlan p) {
        s.lock.lock();
        try {
            if (s.extentsVersion != p.version) {
                return false;
            }
            if (p.seen != null) {
                s.lastExtent = p.seen;
                s.lastExtentVersion = p.version;
            }
            return true;
        } finally {
            s.lock.unlock();
        }
    }

    static void copyInline(byte @Nullable [] content, long offset, int n, ByteBuffer dst) {
        int have = content == null ? 0 : (int) Math.max(0, Math.min(n, content.length - offset));
        ByteBuffer out = dst.duplicate();
        if (content != null && have > 0) {
            out.put(content, (int) offset, have);
        }
        zero(out, n - have);
    }

    private static void zero(ByteBuffer out, int n) {
        for (int i = 0; i < n; i++) {
            out.put((byte) 0);
        }
    }

    private static void zero(ByteBuffer dst, int at, int n) {
        ByteBuffer out = dst.duplicate();
        out.position(dst.position() + at);
        zero(out, n);
    }

    /** Copies dirty bytes, notes pending ones, and lists what is left for the extents. Caller holds the lock. */
    private static void overlay(
            FileState s, long offset, int n, ByteBuffer dst, List<FromBlock> reads, List<Gap> gaps) {
        long end = offset + n;
        long at = offset;
        if (!s.dirty.isEmpty()) {
            for (Run r : s.dirty.overlapping(offset, end)) {
                long from = Math.max(r.offset, offset);
                if (from > at) {
                    overlayPending(s, at, from, offset, dst, reads, gaps);
                }
                long to = Math.min(r.end(), end);
                ByteBuffer out = dst.duplicate();
                out.position(dst.position() + (int) (from - offset));
                out.put(r.data, (int) (from - r.offset), (int) (to - from));
                at = to;
            }
        }
        if (at < end) {
            overlayPending(s, at, end, offset, dst, reads, gaps);
        }
    }

    private static void overlayPending(
            FileState s, long from, long to, long base, ByteBuffer dst, List<FromBlock> reads, List<Gap> gaps) {
        long at = from;
        if (!s.pending.isEmpty()) {
            for (Piece whole : s.pending.overlapping(from, to)) {
                Piece p = whole.clip(Math.max(whole.offset(), from), Math.min(whole.end(), to));
                if (p.offset() > at) {
                    gaps.add(new Gap(at, (int) (p.offset() - at)));
                }
                byte[] data = p.encoding().data;
                BlockRef ref = p.encoding().ref;
                if (ref != null) {
                    reads.add(new FromBlock(ref, p.from(), (int) (p.offset() - base), p.length()));
                } else if (data != null) {
                    ByteBuffer out = dst.duplicate();
                    out.position(dst.position() + (int) (p.offset() - base));
                    out.put(data, p.from(), p.length());
                }
                at = p.end();
            }
        }
        if (at < to) {
            gaps.add(new Gap(at, (int) (to - at)));
        }
    }

    private @Nullable Extent fromExtents(
            long ino, Gap gap, long base, long limit, @Nullable Extent last, ByteBuffer dst, List<FromBlock> reads) {
        long end = gap.offset + gap.length;
        if (last != null && last.offset() <= gap.offset && last.end() >= end && end <= limit) {
            addRead(last, gap.offset, end, base, reads);
            return last;
        }
        long visible = Math.min(end, limit);
        List<Extent> extents = gap.offset < visible ? extents(ino, gap.offset, visible) : List.of();
        place(extents, gap.offset, end, visible, base, dst, reads);
        return extents.isEmpty() ? null : extents.get(extents.size() - 1);
    }

    /**
     * Lists the reads of [from, end) of a file and puts zeros where no extent is.
     *
     * @param visible extents count up to here only
     * @param base offset of the file that {@code dst}'s position stands for
     */
    static void place(
            List<Extent> extents, long from, long end, long visible, long base, ByteBuffer dst, List<FromBlock> reads) {
        long at = from;
        for (Extent e : extents) {
            long start = Math.max(e.offset(), from);
            long to = Math.min(e.end(), visible);
            if (start > at) {
                zero(dst, (int) (at - base), (int) (start - at));
            }
            addRead(e, start, to, base, reads);
            at = to;
        }
        if (at < end) {
            zero(dst, (int) (at - base), (int) (end - at));
        }
    }

    private static void addRead(Extent e, long from, long to, long base, List<FromBlock> reads) {
        reads.add(new FromBlock(
                e.ref(), e.blockOffset() + (int) (from - e.offset()), (int) (from - base), (int) (to - from)));
    }

    /** Extents of the map that overlap [from, to). No extent crosses a block boundary of the file. */
    List<Extent> extents(long ino, long from, long to) {
        return Records.extents(map, blockSize, ino, from, to);
    }

    // ---- flush ----------------------------------------------------------------------------------------------------

    /** The extents of one block-sized window of a file, edited in memory and emitted as the difference. */
    private final class WindowEdit {
        private final long ino;
        private final TreeMap<Long, Extent> before = new TreeMap<>();
        private final TreeMap<Long, Extent> now = new TreeMap<>();

        WindowEdit(long ino, long start) {
            this.ino = ino;
            long end = start > Long.MAX_VALUE - blockSize ? Long.MAX_VALUE : start + blockSize;
            map.scan(Keys.extent(ino, start), Keys.extent(ino, end), (k, v) -> {
                Extent e = Extent.decode(Keys.extentOffset(k), v);
                before.put(e.offset(), e);
                return true;
            });
            now.putAll(before);
        }

        /** @return the change of held bytes, ≤ 0 */
        long clear(long from, long to) {
            long delta = 0;
            for (Extent e : List.copyOf(now.values())) {
                if (e.end() <= from || e.offset() >= to) {
                    continue;
                }
                now.remove(e.offset());
                delta -= e.length();
                if (e.offset() < from) {
                    Extent left = e.clip(e.offset(), from);
                    now.put(left.offset(), left);
                    delta += left.length();
                }
                if (e.end() > to) {
                    Extent right = e.clip(to, e.end());
                    now.put(right.offset(), right);
                    delta += right.length();
                }
            }
            droppedBytes.addAndGet(-delta);
            return delta;
        }

        long put(Extent e) {
            long delta = clear(e.offset(), e.end());
            now.put(e.offset(), e);
            return delta + e.length();
        }

        /**
         * Puts first: a ref that moves to a later key is found at the one or the other by whoever marks meanwhile.
         *
         * @param all also what is as before: an earlier change of the same transaction may have deleted it
         */
        void emit(Transaction tx, boolean all) {
            for (Extent e : now.values()) {
                if (all || !e.equals(before.get(e.offset()))) {
                    tx.put(Keys.extent(ino, e.offset()), e.encode());
                }
            }
            for (Extent e : before.values()) {
                if (!now.containsKey(e.offset())) {
                    tx.delete(Keys.extent(ino, e.offset()));
                }
            }
        }

        int extents() {
            return now.size();
        }
    }

    /** Everything that the file's writers wrote before this call is in the map when it returns (not yet durable). */
    void flush(FileState s) {
        if (!hold(s)) {
            return;
        }
        try {
            s.flushing.lock();
            try {
                flushLocked(s);
            } finally {
                s.flushing.unlock();
            }
        } finally {
            letGo(s);
        }
    }

    private void flushLocked(FileState s) {
        List<Long> fragmented = new ArrayList<>(0);
        boolean barrier = false;
        try {
            for (int round = 0; ; round++) {
                long snapshotSize;
                List<Encoding> work;
                Lock stripe = stripes.apply(s.ino);
                stripe.lock();
                s.lock.lock();
                try {
                    s.queued = false;
                    if (s.dead || s.clean()) {
                        discardIfDead(s);
                        return;
                    }
                    if (fitsInline(s)) {
                        commitInline(s);
                        return;
                    }
                    snapshotSize = s.size;
                    s.truncateFloor = FileState.NO_LIMIT;
                    for (Run run : List.copyOf(runsOf(s))) {
                        moveToPending(s, run);
                    }
                    if (round == 3) {
                        barrier = true;
                        s.barrier = true;
                    }
                    work = unfinished(s);
                } finally {
                    s.lock.unlock();
                    stripe.unlock();
                }
                encodeAll(s, work);
                stripe.lock();
                s.lock.lock();
                try {
                    long size = Math.min(Math.min(snapshotSize, s.size), s.truncateFloor);
                    if (commitExtents(s, size, fragmented)) {
                        break;
                    }
                } finally {
                    s.lock.unlock();
                    stripe.unlock();
                }
            }
        } catch (RuntimeException | Error failed) {
            requeue(s);
            throw failed;
        } finally {
            if (barrier) {
                liftBarrier(s);
            }
        }
        for (long window : fragmented) {
            mergeWindow(s, window);
        }
    }

    private static List<Run> runsOf(FileState s) {
        List<Run> all = new ArrayList<>();
        s.dirty.runs().forEach(all::add);
        return all;
    }

    private void requeue(FileState s) {
        s.lock.lock();
        try {
            if (!s.clean()) {
                enqueue(s);
            }
        } finally {
            s.lock.unlock();
        }
    }

    private static void liftBarrier(FileState s) {
        s.lock.lock();
        try {
            s.barrier = false;
            s.writersMayGo.signalAll();
        } finally {
            s.lock.unlock();
        }
    }

    private void discardIfDead(FileState s) {
        if (s.dead) {
            forget(s, 0, Long.MAX_VALUE);
            s.changed = false;
            settleJournalled(s);
        }
    }

    private List<Encoding> unfinished(FileState s) {
        List<Encoding> list = new ArrayList<>();
        for (Piece p : s.pending.pieces()) {
            Encoding e = p.encoding();
            if (!e.done() && (list.isEmpty() || list.get(list.size() - 1) != e)) {
                list.add(e);
            }
        }
        return list;
    }

    /**
     * Encodes what nobody encodes yet, and waits for the rest. The lock was free since {@code work} was collected, and is
     * while blocks are sealed: what was dropped meanwhile counts for nothing.
     */
    private void encodeAll(FileState s, List<Encoding> work) {
        List<Encoding> mine = new ArrayList<>();
        s.lock.lock();
        try {
            for (Encoding e : work) {
                if (e.done() || e.running || e.dropped()) {
                    continue;
                }
                e.running = true;
                e.failure = null;
                mine.add(e);
            }
        } finally {
            s.lock.unlock();
        }
        for (Encoding e : mine) {
            if (e.length <= SMALL_RUN || mine.size() == 1) {
                encode(s, e);
            } else {
                encodeElsewhere(s, e);
            }
        }
        RuntimeException failure = null;
        s.lock.lock();
        try {
            for (Encoding e : work) {
                while (e.running) {
                    s.writersMayGo.awaitUninterruptibly();
                }
                if (!e.done() && !e.dropped()) {
                    failure = e.failure;
                }
            }
        } finally {
            s.lock.unlock();
        }
        if (failure != null) {
            throw failure;
        }
    }

    private void encodeElsewhere(FileState s, Encoding e) {
        try {
            encoders.execute(() -> encode(s, e));
        } catch (java.util.concurrent.RejectedExecutionException closing) {
            encode(s, e);
        }
    }

    private static boolean fitsInline(FileState s) {
        return s.size <= INLINE_MAX
                && s.pending.isEmpty()
                && (s.baseLimit == 0 || s.held == 0 || s.inline)
                && (!s.inline || s.inlineLoaded || s.dirty.isEmpty());
    }

    /** Small content goes into the map itself. Caller holds stripe and lock. */
    private void commitInline(FileState s) {
        InodeRecord record = recordOf(s);
        if (record == null) {
            return;
        }
        Transaction tx = transactions.get();
        if (s.baseLimit == 0 && record.held > 0) {
            tx = dropExtents(s, 0, tx, record);
        }
        boolean rewrite = !s.inline || s.inlineLoaded;
        if (rewrite && s.size > 0) {
            byte[] content = new byte[(int) s.size];
            for (Run r : s.dirty.overlapping(0, s.size)) {
                int n = (int) Math.min(r.length, s.size - r.offset);
                System.arraycopy(r.data, 0, content, (int) r.offset, n);
            }
            tx.put(Keys.inline(s.ino), content);
            record.flags |= InodeRecord.FLAG_INLINE;
        } else if (rewrite && s.inline) {
            tx.delete(Keys.inline(s.ino));
            record.flags &= ~InodeRecord.FLAG_INLINE;
        }
        record.held = 0;
        finishRecord(s, record, s.size, tx);
        map.commit(tx);
        forget(s, 0, Long.MAX_VALUE);
        s.inline = record.inline();
        s.inlineLoaded = false;
        s.held = 0;
        s.baseLimit = FileState.NO_LIMIT;
        s.extentsVersion++;
        s.changed = false;
        settleJournalled(s);
    }

    private @Nullable InodeRecord recordOf(FileState s) {
        byte[] value = map.get(Keys.inode(s.ino));
        if (value == null) {
            s.dead = true;
            discardIfDead(s);
            return null;
        }
        return InodeRecord.decode(value);
    }

    private void finishRecord(FileState s, InodeRecord record, long size, Transaction tx) {
        record.size = size;
        record.allocated = s.allocated;
        record.mtime(s.mtime);
        if (s.ctime.compareTo(record.ctime()) > 0) {
            record.ctime(s.ctime);
        }
        record.stampContent(tx.dot, tx.slot);
        record.stampTimes(tx.dot, tx.slot);
        tx.put(Keys.inode(s.ino), record.encode());
        if (s.journalled > 0) {
            tx.flushed(s.ino);
        }
    }

    private void settleJournalled(FileState s) {
        journalledTotal.addAndGet(-s.journalled);
        s.journalled = 0;
    }

    /** Deletes the extents from {@code limit} on; commits slices of its own if they are many. */
    private Transaction dropExtents(FileState s, long limit, Transaction tx, InodeRecord record) {
        WindowEdit edge = new WindowEdit(s.ino, limit - limit % blockSize);
        record.held += edge.clear(limit, Long.MAX_VALUE);
        edge.emit(tx, false);
        long next = limit - limit % blockSize + blockSize;
        if (next <= 0) {
            return tx;
        }
        Transaction current = tx;
        while (deleteSlice(s.ino, next, current, record)) {
            long size = record.size;
            record.size = Math.min(size, limit);
            map.commit(current.put(Keys.inode(s.ino), record.encode()));
            record.size = size;
            current = transactions.get();
        }
        return current;
    }

    /** @return true if there are more */
    private boolean deleteSlice(long ino, long from, Transaction tx, InodeRecord record) {
        int[] n = {0};
        map.scan(Keys.extent(ino, from), Keys.after(Keys.EXTENT, ino), (k, v) -> {
            int length = Extent.decode(Keys.extentOffset(k), v).length();
            record.held -= length;
            droppedBytes.addAndGet(length);
            tx.delete(k);
            return ++n[0] < SLICE;
        });
        return n[0] == SLICE;
    }

    /**
     * Puts the pending pieces below {@code size} and the size itself into the map. Caller holds stripe and lock.
     *
     * @return false if a piece below {@code size} is not encoded yet (it came after the flush looked)
     */
    private boolean commitExtents(FileState s, long size, List<Long> fragmented) {
        List<Piece> pieces = s.pending.below(size);
        for (Piece p : pieces) {
            if (!p.encoding().done()) {
                return false;
            }
        }
        InodeRecord record = recordOf(s);
        if (record == null) {
            return true;
        }
        Transaction tx = transactions.get();
        if (s.inline) {
            tx.delete(Keys.inline(s.ino));
            record.flags &= ~InodeRecord.FLAG_INLINE;
        }
        long oldSize = Math.min(record.size, s.baseLimit);
        if (s.baseLimit != FileState.NO_LIMIT) {
            tx = dropExtents(s, s.baseLimit, tx, record);
        }
        int i = 0;
        while (i < pieces.size()) {
            long window = pieces.get(i).offset() - pieces.get(i).offset() % blockSize;
            // what a truncation drops is in this transaction, not yet in the map that the edit reads
            WindowEdit edit = new WindowEdit(s.ino, window);
            if (s.baseLimit != FileState.NO_LIMIT) {
                edit.clear(s.baseLimit, Long.MAX_VALUE);
            }
            for (; i < pieces.size() && pieces.get(i).offset() - window < blockSize; i++) {
                Piece p = pieces.get(i);
                long end = Math.min(p.end(), size);
                BlockRef ref = p.encoding().ref;
                if (ref == null) {
                    throw new IllegalStateException("piece is not encoded");
                }
                record.held += edit.put(new Extent(p.offset(), (int) (end - p.offset()), ref, p.from()));
            }
            edit.emit(tx, s.baseLimit != FileState.NO_LIMIT);
            if (edit.extents() > FRAGMENTED) {
                fragmented.add(window);
            }
            if (tx.size() > TRANSACTION_MAX) {
                long whole = s.size;
                record.size = oldSize;
                tx.put(Keys.inode(s.ino), record.encode());
                map.commit(tx);
                tx = transactions.get();
                record.size = whole;
            }
        }
        finishRecord(s, record, size, tx);
        map.commit(tx);
        for (Piece p : pieces) {
            if (p.end() <= size) {
                s.pending.remove(p);
            }
        }
        s.inline = false;
        s.inlineLoaded = false;
        s.held = record.held;
        s.again = 0;
        s.baseLimit = FileState.NO_LIMIT;
        s.extentsVersion++;
        settleJournalled(s);
        s.changed = size != s.size || !s.dirty.isEmpty() || !s.pending.isEmpty();
        if (s.changed) {
            s.dirtySince = System.nanoTime();
            enqueue(s);
        }
        return true;
    }

    /**
     * Brings the extents of one window back into dirty runs where they touch, so that the next flush makes one block
     * of them: a file that is overwritten in small pieces does not stay in pieces.
     */
    private void mergeWindow(FileState s, long window) {
        long version;
        s.lock.lock();
        try {
            version = s.extentsVersion;
            if (s.baseLimit != FileState.NO_LIMIT || s.dead) {
                return;
            }
        } finally {
            s.lock.unlock();
        }
        List<Extent> extents = extents(s.ino, window, window + blockSize);
        int runs = 0;
        long end = -1;
        for (Extent e : extents) {
            runs += e.offset() == end ? 0 : 1;
            end = e.end();
        }
        if (runs > extents.size() / 2) {
            return; // holes keep them apart: merging would not make fewer
        }
        ByteBuffer bytes = ByteBuffer.allocate(blockSize);
        for (Extent e : extents) {
            bytes.clear().position((int) (e.offset() - window)).limit((int) (e.end() - window));
            blocks.read(BlockType.DATA, e.ref(), e.blockOffset(), bytes);
        }
        s.lock.lock();
        try {
            if (s.extentsVersion != version || s.baseLimit != FileState.NO_LIMIT || s.dead) {
                return;
            }
            long before = s.dirty.bytes();
            for (Extent e : extents) {
                putUnderneath(s, window, e, bytes);
            }
            long grown = s.dirty.bytes() - before;
            s.again += grown;
            budget.add(grown);
            space.charge(grown);
            s.markChanged();
            enqueue(s);
        } finally {
            s.lock.unlock();
        }
    }

    /** Puts an extent's bytes where nothing newer lies over them. */
    private static void putUnderneath(FileState s, long window, Extent e, ByteBuffer bytes) {
        List<Gap> free = new ArrayList<>(2);
        long at = e.offset();
        for (Run r : s.dirty.overlapping(e.offset(), e.end())) {
            if (r.offset > at) {
                free.add(new Gap(at, (int) (r.offset - at)));
            }
            at = Math.max(at, r.end());
        }
        if (at < e.end()) {
            free.add(new Gap(at, (int) (e.end() - at)));
        }
        for (Gap g : free) {
            List<Gap> clear = new ArrayList<>(2);
            long pos = g.offset;
            for (Piece p : s.pending.overlapping(g.offset, g.offset + g.length)) {
                if (p.offset() > pos) {
                    clear.add(new Gap(pos, (int) (p.offset() - pos)));
                }
                pos = Math.max(pos, p.end());
            }
            if (pos < g.offset + g.length) {
                clear.add(new Gap(pos, (int) (g.offset + g.length - pos)));
            }
            for (Gap c : clear) {
                bytes.clear().position((int) (c.offset - window)).limit((int) (c.offset - window) + c.length);
                s.dirty.put(c.offset, bytes);
            }
        }
    }

    // ---- fsync through the journal ----------------------------------------------------------------------------------

    /** How long the bytes of a rewrite may take to come after its truncation. */
    private static final long REWRITE_NANOS = TimeUnit.SECONDS.toNanos(3);

    /** Journal payload of bytes that fsync made durable without a block: kind, ino, size, times, offset, bytes. */
    static final int WRITE_KIND = 2;

    /**
     * Puts little dirt into the journal, much into blocks. Everything written before is in the journal's buffer when it
     * returns; the caller commits the journal.
     */
    void flushForFsync(FileState s) {
        s.flushing.lock();
        try {
            s.lock.lock();
            try {
                if (s.clean()) {
                    return;
                }
                boolean little = s.pending.isEmpty()
                        && s.baseLimit == FileState.NO_LIMIT
                        && !s.dead
                        && !fitsInline(s)
                        && !(s.inline && !s.inlineLoaded)
                        && s.dirty.bytes() <= JOURNALLED_MAX * 8L;
                if (little && journalDirt(s)) {
                    return;
                }
            } finally {
                s.lock.unlock();
            }
            flushLocked(s);
        } finally {
            s.flushing.unlock();
        }
        dropIfIdle(s);
    }

    /** Caller holds the lock. @return false if it is too much */
    private boolean journalDirt(FileState s) {
        List<Run> fresh = new ArrayList<>();
        long bytes = 0;
        for (Run r : s.dirty.runs()) {
            if (r.unjournalledTo > r.unjournalledFrom) {
                fresh.add(r);
                bytes += r.unjournalledTo - r.unjournalledFrom;
            }
        }
        if (bytes > JOURNALLED_MAX || journalledTotal.get() + bytes > JOURNALLED_TOTAL) {
            return false;
        }
        if (fresh.isEmpty()) {
            journalWrite(s, s.size, new byte[0], 0, 0);
        }
        for (Run r : fresh) {
            int n = r.unjournalledTo - r.unjournalledFrom;
            journalWrite(s, r.offset + r.unjournalledFrom, r.data, r.unjournalledFrom, n);
            r.unjournalledFrom = 0;
            r.unjournalledTo = 0;
        }
        s.journalled += bytes + 1;
        journalledTotal.addAndGet(bytes + 1);
        return true;
    }

    private void journalWrite(FileState s, long offset, byte[] data, int from, int n) {
        RecordWriter w = new RecordWriter(96 + n);
        w.u8(WRITE_KIND).i64(s.ino).varint(s.size);
        w.zigzag(s.mtime.seconds()).varint(s.mtime.nanos());
        w.zigzag(s.ctime.seconds()).varint(s.ctime.nanos());
        w.varint(offset).varint(n).bytes(data, from, n);
        map.journalOnly(w);
    }

    /** Replays a write record into the dirty runs. */
    void replayWrite(RecordReader r) {
        long ino = r.i64();
        long size = r.size();
        Timestamp mtime = r.time();
        Timestamp ctime = r.time();
        long offset = r.size();
        byte[] data = r.blob();
        r.end();
        if (offset > Long.MAX_VALUE - data.length) {
            throw r.corrupt("it writes behind the largest offset");
        }
        if (map.get(Keys.inode(ino)) == null) {
            return; // removed later in the journal's past: an orphan that was reaped
        }
        FileState s = pin(ino);
        try {
            loadInline(s);
            s.lock.lock();
            try {
                long before = s.dirty.bytes();
                s.dirty.put(offset, ByteBuffer.wrap(data));
                budget.add(s.dirty.bytes() - before);
                space.charge(s.dirty.bytes() - before);
                s.size = size;
                s.mtime = mtime;
                s.ctime = ctime;
                s.markChanged();
                s.journalled += data.length + 1; // its flush must say so, as in the run that wrote the record
                journalledTotal.addAndGet(data.length + 1);
                enqueue(s);
            } finally {
                s.lock.unlock();
            }
        } finally {
            unpin(s);
        }
    }

    /** Times that were set explicitly while content brought by write records was dirty. */
    void replayTimes(long ino, Timestamp mtime, Timestamp ctime) {
        FileState s = states.get(ino);
        if (s == null) {
            return;
        }
        s.lock.lock();
        try {
            s.mtime = mtime;
            s.ctime = ctime;
        } finally {
            s.lock.unlock();
        }
    }

    /** A later transaction of the journal holds what the write records of this inode brought. */
    void replayFlushed(long ino) {
        FileState s = states.remove(ino);
        if (s != null) {
            s.lock.lock();
            try {
                forget(s, 0, Long.MAX_VALUE);
                settleJournalled(s);
                s.changed = false;
                s.dead = true;
            } finally {
                s.lock.unlock();
            }
        }
    }

    // ---- flusher's view ---------------------------------------------------------------------------------------------

    /** Flushes every file that is dirty now. */
    void flushAll() {
        flushAll(true);
    }

    /**
     * Flushes every file that is dirty now, as {@link #flushAll} but for those that are being rewritten: a truncation that
     * reached the map before what is written next would become durable without it.
     *
     * @return whether there were such
     */
    boolean flushAllButRewritten() {
        return flushAll(false);
    }

    private boolean flushAll(boolean rewritten) {
        for (int n = dirtyQueue.size(); n > 0 && flushNext(rewritten); n--) {}
        boolean left = false;
        // a file that another thread is flushing has left the queue: wait for it
        for (FileState s : states.values()) {
            if (!rewritten && isBeingRewritten(s)) {
                left = true;
            } else if (!isClean(s)) {
                flush(s);
            }
        }
        return left;
    }

    private static boolean isBeingRewritten(FileState s) {
        s.lock.lock();
        try {
            return s.emptiedAt != FileState.NEVER
                    && s.changed
                    && !s.dead
                    && s.size == 0
                    && s.dirty.isEmpty()
                    && s.pending.isEmpty()
                    && s.journalled == 0 // a checkpoint would trim what was fsynced
                    && System.nanoTime() - s.emptiedAt < REWRITE_NANOS;
        } finally {
            s.lock.unlock();
        }
    }

    private static boolean isClean(FileState s) {
        s.lock.lock();
        try {
            return s.clean();
        } finally {
            s.lock.unlock();
        }
    }

    /** Flushes the file that waits longest and is not being rewritten. @return false if none waits */
    boolean flushNext() {
        return flushNext(false);
    }

    private boolean flushNext(boolean rewritten) {
        for (int n = dirtyQueue.size(); n > 0; n--) {
            FileState s = dirtyQueue.poll();
            if (s == null) {
                return false;
            }
            if (rewritten || !isBeingRewritten(s)) {
                flush(s);
                return true;
            }
            dirtyQueue.add(s); // it has no bytes to give back
        }
        return false;
    }

    boolean anythingDirty() {
        return !dirtyQueue.isEmpty();
    }

    /** Files whose dirt stands in the journal. */
    List<FileState> journalledFiles() {
        List<FileState> found = new ArrayList<>();
        for (FileState s : states.values()) {
            s.lock.lock();
            try {
                if (s.journalled > 0) {
                    found.add(s);
                }
            } finally {
                s.lock.unlock();
            }
        }
        return found;
    }

    /** The inode is gone: content will not be flushed. */
    void kill(long ino) {
        FileState s = states.get(ino);
        if (s == null) {
            return;
        }
        s.lock.lock();
        try {
            s.dead = true;
            discardIfDead(s);
        } finally {
            s.lock.unlock();
        }
        dropIfIdle(s);
    }

    /** Bytes of extents dropped since the last call. */
    long takeDroppedBytes() {
        return droppedBytes.getAndSet(0);
    }

    long droppedBytes() {
        return droppedBytes.get();
    }

    void countDropped(long bytes) {
        droppedBytes.addAndGet(bytes);
    }

    /** Refs that no map entry holds yet. */
    void visitPending(java.util.function.Consumer<BlockRef> visitor) {
        for (FileState s : states.values()) {
            s.lock.lock();
            try {
                for (Piece p : s.pending.pieces()) {
                    BlockRef ref = p.encoding().ref;
                    if (ref != null) {
                        visitor.accept(ref);
                    }
                }
            } finally {
                s.lock.unlock();
            }
        }
    }
}
