package io.ppiofs.node.capacity;

import io.netty.util.concurrent.DefaultThreadFactory;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.sectors.Sectors;
import io.ppiofs.overlay.audit.CapacityAsk;
import io.ppiofs.overlay.audit.CapacityProver;
import io.ppiofs.proofs.lpoc.CapacityStatement;
import io.ppiofs.proofs.lpoc.LedgerChanges;
import io.ppiofs.proofs.lpoc.store.IdleSpace;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sector.SectorOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The idle space of a node that lends: what its hosted blocks leave of the lent bytes. Filling runs on a thread of its own and is
 * stopped when room is needed; releasing on another. Thread-safe.
 */
public final class IdleKeeper implements CapacityProver, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(IdleKeeper.class);
    /** Of the time, what is spent on labelling for others: one part in so many. */
    private static final long LABELLING_SHARE = 20;
    /** A labelling notices within milliseconds that it shall stop, a tree within a second. */
    private static final long STOP_SECONDS = 20;

    private final Path directory;
    private final SectorOptions options;
    private final LongSupplier hosted;
    private final long lent;
    private final LongSupplier nanoTime;
    private final ExecutorService fillWork = thread("idle-fill");
    private final ExecutorService releaseWork = thread("idle-release");
    private final AtomicBoolean shrinking = new AtomicBoolean();
    /** Held while units are made. */
    private final ReentrantLock working = new ReentrantLock();

    private final Object giving = new Object();
    private volatile long idleBytes;
    private volatile boolean roomNeeded;
    /** Guarded by this, as are those below. */
    private @Nullable IdleSpace space;

    private @Nullable Future<String> filling;
    private @Nullable Long labelsAgainAt;
    private boolean closed;

    /**
     * @param directory is made when the first unit is
     * @param options of the peer's sectors
     * @param lent bytes that hosted blocks and units may take together
     * @param hosted bytes of hosted blocks
     * @param nanoTime a clock
     */
    public IdleKeeper(Path directory, SectorOptions options, long lent, LongSupplier hosted, LongSupplier nanoTime) {
        this.directory = directory;
        this.options = options;
        this.lent = lent;
        this.hosted = hosted;
        this.nanoTime = nanoTime;
        if (Files.isDirectory(directory)) {
            try {
                account(open());
            } catch (PpiofsException e) {
                LOG.warn("idle space is not proven: {}", e.getMessage());
            }
        }
        used(hosted.getAsLong());
    }

    private static ExecutorService thread(String name) {
        return Executors.newSingleThreadExecutor(new DefaultThreadFactory(name, true));
    }

    private synchronized IdleSpace open() {
        if (closed) {
            throw new PpiofsException(
                    ErrorKind.INTERRUPTED, "use idle space", directory.toString(), "the node is ending");
        }
        IdleSpace open = space;
        if (open == null) {
            open = IdleSpace.open(directory, options);
            space = open;
        }
        return open;
    }

    private synchronized @Nullable IdleSpace current() {
        return space;
    }

    private IdleSpace required() {
        IdleSpace open = current();
        if (open == null || open.statement().root().count() == 0) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND,
                    "prove",
                    "idle space",
                    "there is none; its operator fills some with 'ppiofs capacity fill SIZE'");
        }
        return open;
    }

    private void account(IdleSpace idle) {
        idleBytes = idle.bytes();
    }

    /** Bytes that idle units take on the disk. */
    public long bytes() {
        return idleBytes;
    }

    /** What this node says of its idle space; null if it never had any. */
    public @Nullable CapacityStatement statement() {
        IdleSpace open = current();
        return open == null ? null : open.statement();
    }

    public List<Long> units() {
        IdleSpace open = current();
        return open == null ? List.of() : open.units();
    }

    public synchronized boolean isFilling() {
        return filling != null && !filling.isDone();
    }

    // --------------------------------------------------------------------------------------------------- filling

    /**
     * Makes units until they are {@code bytes} in all, nothing more fits, or hosted data needs the room. Goes on when the caller is
     * interrupted.
     *
     * @param unitBytes a power of two from 2 KiB to 1 GiB
     * @return why it ended before; empty if it did not
     * @throws PpiofsException BUSY if units are made already; INVALID if there are others of another kind; NO_SPACE, IO
     */
    public String fill(long bytes, long unitBytes, SealParameters parameters, Progress progress) {
        Future<String> mine;
        synchronized (this) {
            IdleSpace idle = open();
            if (isFilling()) {
                throw new PpiofsException(
                        ErrorKind.BUSY, "fill", "idle space", "it is being filled already; wait for the end");
            }
            roomNeeded = false;
            mine = fillWork.submit(() -> fillAll(idle, bytes, unitBytes, parameters, progress));
            filling = mine;
        }
        try {
            return mine.get();
        } catch (CancellationException e) {
            return "hosted data needs the room";
        } catch (ExecutionException e) {
            if (e.getCause() instanceof PpiofsException p) {
                throw p;
            }
            throw new PpiofsException(ErrorKind.INTERNAL, "fill", "idle space", "failed: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "fill", "idle space", "the node is ending", e);
        }
    }

    private String fillAll(IdleSpace idle, long bytes, long unitBytes, SealParameters parameters, Progress progress) {
        long whole = bytes / unitBytes;
        long before = idle.statement().root().count();
        working.lock();
        try {
            for (long unit = before; unit < whole && !roomNeeded; unit++) {
                if (!hasRoom(unitBytes, unitBytes * (1 + parameters.layers()))) {
                    return "what is lent has no more room";
                }
                idleBytes = idle.bytes() + unitBytes * (1 + parameters.layers());
                SealListener listener = Sectors.reporting("filling unit " + (unit + 1) + " of " + whole, progress);
                idle.fill((int) (unitBytes / SdrGraph.NODE_BYTES), parameters, listener);
                account(idle);
            }
            return roomNeeded ? "hosted data needs the room" : "";
        } finally {
            account(idle);
            working.unlock();
        }
    }

    /** The disk also takes the graph's table, once: 56 bytes for each node of 32. */
    private boolean hasRoom(long unitBytes, long bytes) {
        try {
            return hosted.getAsLong() + idleBytes + bytes <= lent
                    && Files.getFileStore(directory).getUsableSpace() > bytes + 2 * unitBytes;
        } catch (IOException e) {
            throw DurableFile.failure("fill idle space", directory, e);
        }
    }

    // ------------------------------------------------------------------------------------------------- releasing

    /** Looks whether hosted bytes and units are more than what is lent, and has some released if so. Returns at once. */
    public void used(long hostedBytes) {
        if (idleBytes > 0 && hostedBytes + idleBytes > lent && shrinking.compareAndSet(false, true)) {
            try {
                releaseWork.execute(this::shrink);
            } catch (RejectedExecutionException e) {
                LOG.debug("no idle unit is released: {}", e.toString());
            }
        }
    }

    private void shrink() {
        try {
            while (hosted.getAsLong() + idleBytes > lent && giveUp()) {
                // one more
            }
        } finally {
            shrinking.set(false);
        }
    }

    /** Frees the space of a unit: of one that is being made, else of the one with the highest number. @return whether there was one */
    public boolean giveUp() {
        synchronized (giving) {
            return giveOne();
        }
    }

    private boolean giveOne() {
        IdleSpace idle = current();
        if (idle == null) {
            return false;
        }
        try {
            stopFilling();
            if (!idle.releaseUnfinished()) {
                List<Long> units = idle.units();
                if (units.isEmpty()) {
                    return false;
                }
                long last = units.get(units.size() - 1);
                idle.release(Set.of(last));
                LOG.info("hosted data needs room: idle unit {} is released", last);
            }
            account(idle);
            return true;
        } catch (PpiofsException e) {
            // the operator was faster with the same unit, or the node is ending
            LOG.info("no idle unit is released: {}", e.getMessage());
            return false;
        }
    }

    private void stopFilling() {
        roomNeeded = true;
        synchronized (this) {
            if (filling != null) {
                filling.cancel(true);
            }
        }
        try {
            if (working.tryLock(STOP_SECONDS, TimeUnit.SECONDS)) {
                working.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Gives these units back. @return the proof that exactly they went */
    public LedgerChanges release(Set<Long> units) {
        IdleSpace idle = required();
        LedgerChanges changes = idle.release(units);
        account(idle);
        return changes;
    }

    // --------------------------------------------------------------------------------------------------- proving

    @Override
    public Said statement(long since) {
        IdleSpace.History history = required().history(since);
        LedgerChanges changes = history.changes();
        return new Said(history.statement().toBytes(), changes == null ? new byte[0] : changes.toBytes());
    }

    @Override
    public byte[] prove(CapacityAsk question) {
        IdleSpace idle = required();
        CapacityStatement statement = idle.statement();
        if (!Arrays.equals(statement.digest(), question.digest())) {
            throw new PpiofsException(ErrorKind.EXISTS, "prove", "idle space", "a newer statement holds; ask for it");
        }
        return question.kind() == CapacityAsk.Kind.SPACE
                ? idle.prove(statement, question.seed(), question.leaves()).toBytes()
                : labels(idle, statement, question.seed());
    }

    /** Others may make this node label for a small part of its time only. */
    private byte[] labels(IdleSpace idle, CapacityStatement statement, byte[] seed) {
        long began = nanoTime.getAsLong();
        synchronized (this) {
            if (labelsAgainAt != null && began - labelsAgainAt < 0) {
                throw new PpiofsException(
                        ErrorKind.BUSY,
                        "prove",
                        "labels",
                        "a unit was labelled for somebody just now; ask again in "
                                + TimeUnit.NANOSECONDS.toSeconds(labelsAgainAt - began + 999_999_999) + " s");
            }
        }
        long unitBytes = statement.terms().unitBytes();
        if (!hasRoom(unitBytes, unitBytes * (2 + statement.terms().parameters().layers()))) {
            throw new PpiofsException(ErrorKind.BUSY, "prove", "labels", "there is no room to label a unit once more");
        }
        try {
            return idle.proveLabels(statement, seed, SealListener.NONE).toBytes();
        } finally {
            synchronized (this) { // also after a failure: it took the time all the same
                long now = nanoTime.getAsLong();
                labelsAgainAt = now + (now - began) * (LABELLING_SHARE - 1);
            }
        }
    }

    /** Stops what is being made; it goes on when it is asked for again. */
    @Override
    public void close() {
        IdleSpace open;
        synchronized (this) {
            closed = true;
            open = space;
            space = null;
        }
        fillWork.shutdownNow();
        releaseWork.shutdownNow();
        try {
            if (!fillWork.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)
                    || !releaseWork.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn("work on idle space has not stopped in {} s", STOP_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (open != null) {
            open.close();
        }
    }
}
