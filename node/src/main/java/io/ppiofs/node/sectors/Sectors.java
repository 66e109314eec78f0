package io.ppiofs.node.sectors;

import com.google.common.base.Suppliers;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.node.control.Progress;
import io.ppiofs.overlay.audit.SealOrder;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.storage.StorageHost;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sector.SectorOptions;
import io.ppiofs.proofs.sector.SectorRecord;
import io.ppiofs.proofs.sector.SectorState;
import io.ppiofs.proofs.sector.SectorStore;
import io.ppiofs.proofs.verify.DataCommitment;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A home's sector store with what is sealed in it. Thread-safe. */
public final class Sectors implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Sectors.class);
    private static final int NODE = 32;
    private static final int PIECE = 1 << 20;
    private static final long MOST_RESERVE = 1L << 30;
    private static final long RESERVE_PART = 20;
    private static final long REPORT_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private final Path directory;
    private final Supplier<SectorOptions> options;
    private final ExecutorService work = Executors.newSingleThreadExecutor(new DefaultThreadFactory("seal", true));
    private final SecureRandom random = new SecureRandom();
    private @Nullable SectorStore store;
    private boolean closed;

    /**
     * @param directory is made when the first sector is
     * @param options the peer that replicas are bound to, and the graph; asked for once, when they are needed
     */
    public Sectors(Path directory, Supplier<SectorOptions> options) {
        this.directory = directory;
        this.options = Suppliers.memoize(options::get);
    }

    SectorOptions options() {
        return options.get();
    }

    /** Opens the store, and drops sectors whose making was cut short. */
    synchronized SectorStore store() {
        if (closed) {
            throw new PpiofsException(ErrorKind.INTERRUPTED, "use sectors", directory.toString(), "the node is ending");
        }
        SectorStore open = store;
        if (open == null) {
            open = SectorStore.open(directory, options());
            open.damaged().forEach((number, why) -> LOG.error("sector {} is damaged and is not used: {}", number, why));
            for (SectorRecord record : open.sectors()) {
                if (record.state() == SectorState.OPEN) {
                    LOG.info("sector {} was not filled to its end and goes", record.number());
                    open.remove(record.number());
                }
            }
            store = open;
        }
        return open;
    }

    /** Whether there is anything to open. */
    boolean exist() {
        return Files.isDirectory(directory);
    }

    @Nullable
    SectorSource source(long number) {
        return SectorSource.load(store().filesOf(number).directory());
    }

    /**
     * Makes a full sector from a file, the smallest that has room.
     *
     * @throws PpiofsException NOT_FOUND, IO; INVALID if it is empty or too big for any sector
     */
    SectorRecord fromFile(Path file, SealParameters parameters, int copy, boolean keepUnsealed) {
        try (FileChannel in = FileChannel.open(file)) {
            long size = in.size();
            return filled(size, parameters, copy, keepUnsealed, SectorSource.ofFile(file), null, (into, number) -> {
                ByteBuffer piece = ByteBuffer.allocate(PIECE);
                while (in.read(piece.clear()) > 0) {
                    into.append(number, piece.flip());
                }
            });
        } catch (IOException e) {
            throw new PpiofsException(
                    Files.exists(file) ? ErrorKind.IO : ErrorKind.NOT_FOUND,
                    "seal",
                    file.toString(),
                    "cannot be read (" + e.getMessage() + ")",
                    e);
        }
    }

    /**
     * Makes full sectors from the slots of a closed group that are hosted here. A slot that has a sector already, of the same
     * generation, gets no other.
     *
     * @throws PpiofsException NOT_FOUND if no slot of the group is hosted here, or it lacks blocks; INVALID while it is open, and
     *     when all its slots here are to be deleted
     */
    List<SectorRecord> fromGroup(StorageHost storage, String group, SealParameters parameters, boolean keepUnsealed) {
        List<SectorRecord> made = new ArrayList<>();
        boolean ends = false;
        for (StorageHost.Hosted hosted : storage.hosted()) {
            if (!hosted.group().toString().equals(group)) {
                continue;
            }
            if (hosted.ending()) {
                ends = true;
                continue;
            }
            TableChain chain = storage.table(hosted.tenant(), hosted.group());
            Inventory inventory = chain == null ? null : storage.inventory(chain.newest());
            if (chain == null || inventory == null || chain.newest().state() != SlotTable.State.CLOSED) {
                throw new PpiofsException(
                        ErrorKind.INVALID, "seal", "group " + group, "it still takes blocks; wait until it is closed");
            }
            SectorSource source = new SectorSource(
                    group + "/" + hosted.slot(), hosted.tenant().toString(), hosted.generation());
            SectorRecord known = sectorOf(source);
            made.add(
                    known != null
                            ? known
                            : fromSlot(
                                    HostedSlots.of(storage, () -> 0),
                                    inventory,
                                    source,
                                    hosted.slot(),
                                    parameters,
                                    keepUnsealed,
                                    null));
        }
        if (made.isEmpty() && ends) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "seal", "group " + group, "it was given up; its blocks are in another group");
        }
        if (made.isEmpty()) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND,
                    "seal",
                    group,
                    "is neither a file nor a group that this node hosts; 'ppiofs sectors groups' lists them");
        }
        return made;
    }

    private @Nullable SectorRecord sectorOf(SectorSource source) {
        for (SectorRecord record : store().sectors()) {
            if (source.equals(source(record.number()))) {
                return record;
            }
        }
        return null;
    }

    /**
     * Makes a full sector of a hosted slot as its tenant ordered. Its unsealed copy goes once it is proven: the blocks stay hosted.
     *
     * @param inventory that the order names
     * @throws PpiofsException NOT_FOUND if the slot lacks blocks; NO_SPACE, IO
     */
    SectorRecord fromOrder(HostedSlots storage, Inventory inventory, SealOrder order, long generation) {
        SectorSource source = new SectorSource(
                order.group() + "/" + order.slot(), order.tenant().toString(), generation);
        return fromSlot(
                storage,
                inventory,
                source,
                order.slot(),
                SealParameters.named(order.parameters()),
                false,
                sector -> SectorOrder.save(sector, order));
    }

    /** Stored bytes of what a slot must hold. */
    static long slotBytes(Inventory inventory, int slot) {
        return inventory.ofSlot(slot).stream()
                .filter(entry -> !entry.isEmpty())
                .mapToLong(Inventory.Entry::length)
                .sum();
    }

    /** What a sector is committed to that was sealed from a hosted slot. Reads the slot. */
    static byte[] commD(HostedSlots storage, Inventory inventory, int slot, int nodes) {
        DataCommitment made = new DataCommitment(nodes);
        for (Inventory.Entry entry : inventory.ofSlot(slot)) {
            if (!entry.isEmpty()) {
                made.append(block(storage, entry.cid()).duplicate());
            }
        }
        return made.commD();
    }

    /** Whether the disk has so many bytes left, beside those that are promised and a reserve for all else. */
    boolean fits(long bytes, long promised) {
        Path home = directory.getParent(); // the directory itself is made with the first sector
        Path there = home == null || Files.isDirectory(directory) ? directory : home;
        try {
            FileStore disk = Files.getFileStore(there);
            long reserve = Math.min(MOST_RESERVE, disk.getTotalSpace() / RESERVE_PART);
            return disk.getUsableSpace() - reserve - promised >= bytes;
        } catch (IOException e) {
            throw DurableFile.failure("seal", there, e);
        }
    }

    private SectorRecord fromSlot(
            HostedSlots storage,
            Inventory inventory,
            SectorSource source,
            int slot,
            SealParameters parameters,
            boolean keepUnsealed,
            @Nullable Consumer<Path> note) {
        long bytes = slotBytes(inventory, slot);
        return filled(bytes, parameters, slot, keepUnsealed, source, note, (into, number) -> {
            for (Inventory.Entry entry : inventory.ofSlot(slot)) {
                if (!entry.isEmpty()) {
                    into.append(number, block(storage, entry.cid()));
                }
            }
        });
    }

    private static ByteBuffer block(HostedSlots storage, Cid cid) {
        ByteBuffer block = storage.block(cid);
        if (block == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND, "seal", "block " + cid, "the slot lacks it; wait until it is repaired");
        }
        return block;
    }

    /** Writes a sector's payload. */
    @FunctionalInterface
    private interface Filling {
        void fill(SectorStore into, long number) throws IOException;
    }

    private SectorRecord filled(
            long bytes,
            SealParameters parameters,
            int copy,
            boolean keepUnsealed,
            SectorSource source,
            @Nullable Consumer<Path> note,
            Filling filling)
            throws PpiofsException {
        SectorStore open = store();
        SectorRecord record = open.create(nodesFor(bytes, source.text()), parameters, copy, keepUnsealed);
        boolean full = false;
        try {
            Path sector = open.filesOf(record.number()).directory();
            source.save(sector);
            if (note != null) {
                note.accept(sector);
            }
            filling.fill(open, record.number());
            SectorRecord done = open.fill(record.number());
            full = true;
            return done;
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.IO, "seal", source.text(), "cannot be read (" + e.getMessage() + ")", e);
        } finally {
            if (!full) {
                open.remove(record.number());
            }
        }
    }

    private static int nodesFor(long bytes, String what) {
        return ReplicaGeometry.nodesFor(bytes)
                .orElseThrow(() -> new PpiofsException(
                        ErrorKind.INVALID, "seal", what, "has " + bytes + " bytes; that is more than a sector takes"));
    }

    /** Seals a sector that is full, or goes on with one whose sealing was stopped. Waits for the end, or for its turn. */
    SectorRecord seal(long number, Progress progress) {
        byte[] ticket = new byte[NODE];
        random.nextBytes(ticket);
        return seal(number, ticket, progress);
    }

    /** The same with a ticket that somebody else drew. */
    SectorRecord seal(long number, byte[] ticket, Progress progress) {
        return await(number, () -> store().seal(number, ticket, reporting("sealing sector " + number, progress)));
    }

    /** Makes the payload of a sector again. */
    SectorRecord unseal(long number, Progress progress) {
        return await(number, () -> {
            store().unseal(number, reporting("unsealing sector " + number, progress));
            return store().sector(number);
        });
    }

    /** Shows a task's progress, a few times a second. */
    public static SealListener reporting(String task, Progress progress) {
        long[] last = {System.nanoTime() - REPORT_NANOS};
        return (step, fraction, left) -> {
            long now = System.nanoTime();
            if (now - last[0] >= REPORT_NANOS) {
                last[0] = now;
                String doing = step.name().toLowerCase(Locale.ROOT).replace('_', ' ');
                progress.report(
                        task + ", " + doing + ", " + left.toSeconds() + " s left", (long) (fraction * 1_000), 1_000);
            }
        };
    }

    private SectorRecord await(long number, Callable<SectorRecord> task) {
        try {
            return work.submit(task).get();
        } catch (CancellationException | RejectedExecutionException e) {
            throw new PpiofsException(ErrorKind.INTERRUPTED, "seal", "sector " + number, "the node is ending", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof PpiofsException p) {
                throw p;
            }
            throw new PpiofsException(
                    ErrorKind.INTERNAL, "seal", "sector " + number, "failed: " + e.getCause(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "seal", "sector " + number, "the node is ending", e);
        }
    }

    /** Stops a sealing that is under way; it goes on when it is asked for again. */
    @Override
    public void close() {
        SectorStore open;
        synchronized (this) {
            closed = true;
            open = store;
            store = null;
        }
        for (Runnable waits : work.shutdownNow()) {
            if (waits instanceof Future<?> task) {
                task.cancel(false); // or whoever asked for it waits for ever
            }
        }
        try {
            if (!work.awaitTermination(30, TimeUnit.SECONDS)) {
                LOG.warn("a sealing has not stopped in 30 s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (open != null) {
            open.close();
        }
    }
}
