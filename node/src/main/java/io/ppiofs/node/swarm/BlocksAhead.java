package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.blocks.BlockSink;
import io.ppiofs.overlay.fetch.StreamTransfer;
import io.ppiofs.overlay.fetch.Want;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Blocks of files that are read in order, on their way before anybody asks for them: all holders send at once, each what it is predicted to
 * have first. Only where peers are slow or far ({@link #SLOW}): among near ones the kernel's own read-ahead is enough, and the processors,
 * not the network, are what is waited for. Thread-safe.
 *
 * <p>The window is what comes in two seconds, {@link #LEAST} to {@link #MOST}; so much is in memory here at most, beside
 * what {@link FetchedBlocks} holds for the disk.
 */
final class BlocksAhead implements AutoCloseable {
    /** Blocks for which somebody waited longer on average come from peers that are slow or far. */
    private static final long SLOW = Duration.ofMillis(50).toNanos();

    private static final double NEW_WAIT = 0.25;

    /** Bytes a second at which the processors are what is waited for. */
    private static final double FAST = 100_000_000;

    /** From the last sign of slowness on. */
    private static final long AFTER_SLOWNESS = Duration.ofMinutes(1).toNanos();

    private static final int LEAST = 4 << 20;
    private static final int MOST = 32 << 20;
    private static final double WINDOW_SECONDS = 2;

    /** After this the holders are asked directly, too, for a block that should have come. */
    private static final long PATIENCE = Duration.ofSeconds(2).toNanos();

    /** Over so much time is the speed measured. */
    private static final long MEASURE = Duration.ofMillis(500).toNanos();

    /** Blocks of one transfer, whose bookkeeping grows with them. */
    private static final int MOST_OF_ONE = 4096;

    private static final double NEW = 0.5;
    private static final double NANOS = 1e9;

    /** Where blocks come from. */
    interface Source {
        /** Where these blocks are, in order; those that nobody has or that must be restored are left out. */
        List<Want> wants(List<Cid> cids);

        StreamTransfer stream(BlockSink sink);

        /** A stream has brought this block: its holders are there. */
        void delivered(Cid cid);
    }

    private final Source source;
    private final Predicate<Cid> isHere;
    private final BiConsumer<Cid, ByteBuffer> arrived;
    private final LongSupplier clock;
    private final Map<Cid, Coming> coming = new HashMap<>(); // guarded by this
    private @Nullable Stream stream; // guarded by this
    /** The one above and those before it that have not ended. */
    private final Set<Stream> streams = new HashSet<>(); // guarded by this

    private boolean closed; // guarded by this
    private volatile long slowUntil;
    private volatile boolean slow;
    private volatile int window = LEAST;
    private double wait; // nanoseconds, guarded by this
    private double bytesPerSecond; // guarded by this
    private long measuredFrom; // guarded by this
    private long measured; // guarded by this

    /** A block under way, and for which reader. */
    private static final class Coming {
        final long reader;
        final Stream stream;
        final CompletableFuture<@Nullable ByteBuffer> bytes = new CompletableFuture<>();
        /** Somebody has waited long enough for it: nobody does again. */
        volatile boolean late;

        Coming(long reader, Stream stream) {
            this.reader = reader;
            this.stream = stream;
        }
    }

    /**
     * @param isHere blocks that need not come
     * @param arrived takes a block over, from a thread of the source; may wait for a disk
     * @param clock nanoseconds
     */
    BlocksAhead(Source source, Predicate<Cid> isHere, BiConsumer<Cid, ByteBuffer> arrived, LongSupplier clock) {
        this.source = source;
        this.isHere = isHere;
        this.arrived = arrived;
        this.clock = clock;
    }

    /** Somebody waited for a block so long, which was not expected. */
    void waited(long nanos) {
        boolean late;
        synchronized (this) {
            wait = wait * (1 - NEW_WAIT) + nanos * NEW_WAIT;
            late = nanos > SLOW && wait > SLOW;
        }
        if (late) {
            slowUntil = clock.getAsLong() + AFTER_SLOWNESS;
            slow = true;
        }
    }

    /** Bytes that are to be expected ahead of a reader; 0 while peers are fast. */
    int window() {
        if (!slow) {
            return 0;
        }
        if (clock.getAsLong() - slowUntil > 0) {
            slow = false;
            return 0;
        }
        return window;
    }

    /** See {@link io.ppiofs.blockstore.BlockStore#expect}. */
    void expect(long reader, List<Cid> next, boolean anew) {
        List<Cid> wanted = next.stream().filter(isHere.negate()).toList();
        if (anew) {
            forget(reader);
        }
        List<Want> wants = source.wants(wanted);
        if (wants.isEmpty()) {
            return;
        }
        for (boolean taken = false; !taken; ) {
            Stream into;
            List<Want> fresh = new ArrayList<>();
            synchronized (this) {
                if (closed) {
                    return;
                }
                if (stream == null || stream.count > MOST_OF_ONE) {
                    if (stream != null) {
                        stream.transfer.finish();
                    }
                    stream = new Stream();
                    streams.add(stream);
                }
                into = stream;
                for (Want want : wants) {
                    if (!coming.containsKey(want.cid())) {
                        coming.put(want.cid(), new Coming(reader, into));
                        fresh.add(want);
                    }
                }
                into.count += fresh.size();
            }
            taken = fresh.isEmpty() || into.transfer.want(fresh);
            if (!taken) {
                replace(into);
                fresh.forEach(want -> settle(want.cid(), null));
            }
        }
    }

    /** It takes no more blocks; what it was asked for may still come. */
    private synchronized void replace(Stream ending) {
        if (stream == ending) {
            stream = null;
        }
    }

    private void forget(long reader) {
        List<Cid> unwanted = new ArrayList<>();
        Stream of;
        synchronized (this) {
            of = stream;
            coming.forEach((cid, c) -> {
                if (c.reader == reader && c.stream == of) {
                    unwanted.add(cid);
                }
            });
        }
        if (of != null && !unwanted.isEmpty()) {
            of.transfer.drop(unwanted).forEach(cid -> settle(cid, null));
        }
    }

    /**
     * A block that was expected: waits until it is here, for a bounded time.
     *
     * @return the stored form, at its start; null if it is not on its way, or late
     * @throws PpiofsException INTERRUPTED
     */
    @Nullable
    ByteBuffer await(Cid cid) {
        Coming c;
        synchronized (this) {
            c = coming.get(cid);
        }
        if (c == null || (c.late && !c.bytes.isDone())) {
            return null;
        }
        if (!c.bytes.isDone() && !c.stream.transfer.hasBegun(cid)) {
            // it is far behind others: whoever waits now asks for it directly
            c.stream.transfer.drop(List.of(cid)).forEach(gone -> settle(gone, null));
            return null;
        }
        try {
            ByteBuffer bytes = c.bytes.get(PATIENCE, TimeUnit.NANOSECONDS);
            return bytes == null ? null : bytes.duplicate();
        } catch (TimeoutException | ExecutionException e) {
            c.late = true;
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "read", "blocks of peers", "interrupted", e);
        }
    }

    private void settle(Cid cid, @Nullable ByteBuffer bytes) {
        Coming c;
        synchronized (this) {
            c = coming.remove(cid);
        }
        if (c != null) {
            c.bytes.complete(bytes);
        }
    }

    private synchronized void measure(int bytes) {
        long now = clock.getAsLong();
        measured += bytes;
        if (now - measuredFrom < MEASURE) {
            return;
        }
        double last = now - measuredFrom > 4 * MEASURE ? 0 : measured * NANOS / (now - measuredFrom);
        bytesPerSecond = bytesPerSecond == 0 ? last : bytesPerSecond * (1 - NEW) + last * NEW;
        if (bytesPerSecond < FAST) {
            slowUntil = now + AFTER_SLOWNESS;
        }
        window = (int) Math.max(LEAST, Math.min(MOST, bytesPerSecond * WINDOW_SECONDS));
        measuredFrom = now;
        measured = 0;
    }

    /** One transfer and what is expected of it. */
    private final class Stream implements BlockSink {
        final StreamTransfer transfer;
        int count;

        @SuppressWarnings("this-escape") // calls come when there is a block, which nobody can want yet
        Stream() {
            transfer = source.stream(this);
            var unused = transfer.done().whenComplete((nothing, failure) -> ended());
        }

        @Override
        public void onBlock(int index, Cid cid, ByteBuffer bytes) {
            synchronized (BlocksAhead.this) {
                if (closed) {
                    return;
                }
            }
            measure(bytes.remaining());
            source.delivered(cid);
            arrived.accept(cid, bytes.duplicate());
            settle(cid, bytes);
        }

        @Override
        public void onMissing(int index, Cid cid) {
            settle(cid, null);
            replace(this); // peers that failed too often are asked by a new transfer only
            transfer.finish();
        }

        /** Nothing comes from it any more. */
        void ended() {
            List<Cid> left = new ArrayList<>();
            synchronized (BlocksAhead.this) {
                replace(this);
                streams.remove(this);
                coming.forEach((cid, c) -> {
                    if (c.stream == this) {
                        left.add(cid);
                    }
                });
            }
            left.forEach(cid -> settle(cid, null));
        }
    }

    /** Ends what is under way. */
    @Override
    public void close() {
        List<Stream> left;
        synchronized (this) {
            closed = true;
            left = List.copyOf(streams);
        }
        left.forEach(under -> under.transfer.cancel());
    }
}
