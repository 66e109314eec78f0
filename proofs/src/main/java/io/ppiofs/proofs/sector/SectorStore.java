package io.ppiofs.proofs.sector;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.proofs.fr32.Fr32;
import io.ppiofs.proofs.porep.ReplicaFiles;
import io.ppiofs.proofs.porep.ReplicaIdentity;
import io.ppiofs.proofs.porep.ReplicationProver;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.porep.SealedReplica;
import io.ppiofs.proofs.porep.Sealer;
import io.ppiofs.proofs.sdr.ApiVersion;
import io.ppiofs.proofs.sdr.ParentCache;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.verify.ReplicationVerifier;
import io.ppiofs.proofs.verify.Verdict;
import io.ppiofs.proofs.work.Workers;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The sectors of one peer in one directory, which one process owns at a time. Thread-safe: a call about a sector waits for
 * no sealing; while a sector is sealed, only that sector refuses to be changed.
 *
 * <p>Directory: {@code lock}, {@code next} (the next sector's number, decimal), {@code parents/}, and a directory for each sector, named by
 * its number, with {@code record} (CBOR, replaced atomically) and {@link ReplicaFiles}.
 */
public final class SectorStore implements Closeable {
    private static final String RECORD = "record";

    private final Path directory;
    private final SectorOptions options;
    private final Workers workers;
    private final FileChannel lockFile;
    /** Guarded by this, as are the three below. */
    private final SortedMap<Long, SectorRecord> records = new TreeMap<>();

    /** Why sectors cannot be used whose record or payload is damaged. */
    private final SortedMap<Long, String> damaged = new TreeMap<>();

    private final Set<Long> busy = new HashSet<>();
    private final Map<Integer, ParentCache> parents = new HashMap<>();

    private SectorStore(Path directory, SectorOptions options, FileChannel lockFile) {
        this.directory = directory;
        this.options = options;
        this.lockFile = lockFile;
        this.workers = new Workers(options.threads());
    }

    /**
     * Opens or makes the store, and finishes what a crash left half done: removals, and deletions that follow a proof.
     * Sealings go on when {@link #seal} is called for the sectors in {@link SectorState#SEALING}. A sector that is damaged keeps
     * none of the others from being used: it is {@link #damaged}, and stays on the disk until it is removed.
     *
     * @throws PpiofsException IN_USE, IO
     */
    public static SectorStore open(Path directory, SectorOptions options) {
        FileChannel lock = lock(directory);
        SectorStore store = new SectorStore(directory, options, lock);
        boolean opened = false;
        try {
            store.load();
            opened = true;
            return store;
        } finally {
            if (!opened) {
                store.close();
            }
        }
    }

    private static FileChannel lock(Path directory) {
        try {
            Files.createDirectories(directory);
            FileChannel channel =
                    FileChannel.open(directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            boolean locked = false;
            try {
                FileLock lock = channel.tryLock();
                locked = lock != null;
            } catch (OverlappingFileLockException e) {
                throw inUse(directory, e);
            } finally {
                if (!locked) {
                    channel.close();
                }
            }
            if (!locked) {
                throw inUse(directory, null);
            }
            return channel;
        } catch (IOException e) {
            throw DurableFile.failure("open sector store", directory, e);
        }
    }

    private static PpiofsException inUse(Path directory, @Nullable Throwable cause) {
        return new PpiofsException(
                ErrorKind.IN_USE,
                "open sector store",
                directory.toString(),
                "another ppiofs process is using it; stop that one",
                cause);
    }

    private void load() {
        try (DirectoryStream<Path> sectors = Files.newDirectoryStream(directory, "[0-9]*")) {
            for (Path sector : sectors) {
                long number = numberOf(sector);
                if (number >= 0) {
                    load(sector, number);
                }
            }
        } catch (IOException e) {
            throw DurableFile.failure("open sector store", directory, e);
        }
    }

    /** @return negative if it is no sector's directory */
    private static long numberOf(Path sector) {
        String name = String.valueOf(sector.getFileName());
        return name.matches("[0-9]{1,18}") ? Long.parseLong(name) : -1;
    }

    private void load(Path sector, long number) throws IOException {
        try {
            byte[] bytes = DurableFile.read(sector.resolve(RECORD), SectorRecord.MAX_BYTES, "open sector");
            if (bytes == null) {
                // nobody was told of a sector without a record
                deleteDirectory(sector);
            } else {
                settle(parse(number, bytes));
            }
        } catch (MalformedException | IllegalArgumentException e) {
            damage(number, String.valueOf(e.getMessage()));
        } catch (NoSuchFileException e) {
            damage(number, "its file " + e.getMessage() + " is missing");
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.CORRUPT && e.kind() != ErrorKind.INVALID) {
                throw e;
            }
            damage(number, e.detail());
        }
    }

    private synchronized void damage(long number, String why) {
        damaged.put(number, why);
    }

    private static SectorRecord parse(long number, byte[] bytes) throws MalformedException {
        SectorRecord record = SectorRecord.fromBytes(bytes);
        if (record.number() != number || record.geometry().nodes() != record.nodes()) {
            throw new MalformedException("its record is of another sector");
        }
        return record;
    }

    /** Brings the files into the state that the record says. */
    private void settle(SectorRecord record) throws IOException {
        ReplicaFiles files = files(record.number());
        switch (record.state()) {
            case REMOVED -> {
                deleteDirectory(files.directory());
                return;
            }
            case FULL -> extend(files.unsealed(), capacity(record));
            case PROVING, FAULTY, RECOVERING -> deleteWhatProofsDoNotNeed(record);
            default -> {
                // OPEN: what the file has counts; SEALING and SEALED: each file is whole or absent
            }
        }
        records.put(record.number(), record);
    }

    private ReplicaFiles files(long number) {
        return new ReplicaFiles(directory.resolve(Long.toString(number)));
    }

    /** Bytes of payload that fit into a sector. */
    public static long capacity(SectorRecord record) {
        return Fr32.unpaddedBytes((long) record.nodes() * SdrGraph.NODE_BYTES);
    }

    /** All sectors by number. */
    public synchronized List<SectorRecord> sectors() {
        return List.copyOf(records.values());
    }

    /** Why the sectors cannot be used that are damaged, by number; they are none of {@link #sectors}. */
    public synchronized SortedMap<Long, String> damaged() {
        return new TreeMap<>(damaged);
    }

    /** @throws PpiofsException NOT_FOUND; CORRUPT if it is one of {@link #damaged} */
    public synchronized SectorRecord sector(long number) {
        SectorRecord record = records.get(number);
        String why = damaged.get(number);
        if (why != null) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "use sector",
                    Long.toString(number),
                    why + "; remove it, and have its data sealed again");
        }
        if (record == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND, "use sector", Long.toString(number), "there is no such sector; list them");
        }
        return record;
    }

    /**
     * A new, open sector.
     *
     * @param nodes 32 bytes each, see {@link ReplicaGeometry}
     * @param parameters a named set
     * @param copy index among the copies of the same data
     * @param keepUnsealed whether the payload stays once the sector is proven
     */
    public synchronized SectorRecord create(int nodes, SealParameters parameters, int copy, boolean keepUnsealed) {
        SealParameters named = SealParameters.named(parameters.name());
        ReplicaGeometry geometry = new ReplicaGeometry(nodes, named.layers());
        long number = nextNumber();
        SectorRecord record =
                new SectorRecord(number, SectorState.OPEN, geometry.nodes(), named, copy, 0, keepUnsealed, null, null);
        ReplicaFiles files = files(number);
        try {
            Files.createDirectories(files.directory());
            Files.write(files.unsealed(), new byte[0]);
            DurableFile.syncDirectory(directory);
        } catch (IOException e) {
            throw DurableFile.failure("create sector", files.directory(), e);
        }
        return put(record);
    }

    private long nextNumber() {
        Path file = directory.resolve("next");
        byte[] bytes = DurableFile.read(file, 20, "create sector");
        long number = bytes == null ? 1 : Long.parseLong(new String(bytes, US_ASCII));
        DurableFile.replace(file, Long.toString(number + 1).getBytes(US_ASCII), "create sector");
        return number;
    }

    /** On the disk first. */
    private SectorRecord put(SectorRecord record) {
        DurableFile.replace(files(record.number()).directory().resolve(RECORD), record.toBytes(), "change sector");
        records.put(record.number(), record);
        return record;
    }

    private SectorRecord require(long number, SectorState... allowed) {
        SectorRecord record = sector(number);
        if (busy.contains(number)) {
            throw new PpiofsException(
                    ErrorKind.BUSY, "change sector", Long.toString(number), "it is being sealed; wait for the end");
        }
        if (!List.of(allowed).contains(record.state())) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "change sector",
                    Long.toString(number),
                    "it is " + record.state() + ", and this needs " + List.of(allowed));
        }
        return record;
    }

    /**
     * Adds payload to an open sector. It survives the process at once and the machine after {@link #fill}.
     *
     * @return the offset of its first byte in the sector
     * @throws PpiofsException NO_SPACE if it does not fit, with nothing added; INVALID if the sector is not open
     */
    public synchronized long append(long number, ByteBuffer payload) {
        SectorRecord record = require(number, SectorState.OPEN);
        Path file = files(number).unsealed();
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE)) {
            long at = out.size();
            if (at + payload.remaining() > capacity(record)) {
                throw new PpiofsException(
                        ErrorKind.NO_SPACE,
                        "append to sector",
                        Long.toString(number),
                        capacity(record) - at + " bytes are left; fill it and create another");
            }
            long end = at;
            while (payload.hasRemaining()) {
                end += out.write(payload, end);
            }
            return at;
        } catch (IOException e) {
            throw DurableFile.failure("append to sector", file, e);
        }
    }

    /**
     * Ends the payload: what is left of the sector is zeros. Other sectors are not held up while the payload goes to the disk,
     * which it does before the record says that it is there.
     */
    public SectorRecord fill(long number) {
        synchronized (this) {
            require(number, SectorState.OPEN);
            busy.add(number);
        }
        Path file = files(number).unsealed();
        try {
            long bytes = flush(file);
            SectorRecord full;
            synchronized (this) {
                full = put(sector(number).filled(bytes));
            }
            extend(file, capacity(full));
            return full;
        } catch (IOException e) {
            throw DurableFile.failure("fill sector", file, e);
        } finally {
            end(number);
        }
    }

    /** @return how long it is */
    private static long flush(Path file) throws IOException {
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE)) {
            out.force(true);
            return out.size();
        }
    }

    private static void extend(Path file, long bytes) throws IOException {
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE)) {
            if (out.size() < bytes) {
                out.write(ByteBuffer.allocate(1), bytes - 1);
            }
            out.force(true);
        }
    }

    /**
     * Seals a full sector, or goes on with one whose sealing was stopped. Runs on the caller's thread for as long as it
     * takes; {@link #read} and all other sectors go on meanwhile.
     *
     * @param ticket 32 bytes of public randomness; ignored where the sealing had begun
     * @throws PpiofsException INTERRUPTED if the thread was: the sector stays {@link SectorState#SEALING}
     */
    public SectorRecord seal(long number, byte[] ticket, SealListener listener) {
        if (ticket.length != Sha256.BYTES) {
            throw new IllegalArgumentException("ticket has " + ticket.length + " bytes, not 32");
        }
        SectorRecord record = begin(number, ticket.clone());
        try {
            SealedReplica sealed = sealer(record).seal(files(number), identity(record), listener);
            Commitments commitments = new Commitments(
                    sealed.statement().replicaId(), sealed.statement().commD(), sealed.commC(), sealed.commRLast());
            synchronized (this) {
                return put(record.sealedWith(commitments));
            }
        } catch (PpiofsException e) {
            throw stoppedOr(e, number);
        } finally {
            end(number);
        }
    }

    private ReplicaIdentity identity(SectorRecord record) {
        return ReplicaIdentity.of(
                options.peer(), record.number(), record.copy(), record.requireTicket(), options.porepId());
    }

    /** A channel that is used by an interrupted thread fails as if the disk had. */
    private PpiofsException stoppedOr(PpiofsException e, long number) {
        return e.getCause() instanceof ClosedByInterruptException
                ? Workers.interrupted("seal or unseal sector", files(number).directory())
                : e;
    }

    private synchronized SectorRecord begin(long number, byte[] ticket) {
        SectorRecord record = require(number, SectorState.FULL, SectorState.SEALING);
        SectorRecord sealing = record.state() == SectorState.SEALING ? record : put(record.sealing(ticket));
        busy.add(number);
        return sealing;
    }

    private synchronized void end(long number) {
        busy.remove(number);
    }

    private Sealer sealer(SectorRecord record) {
        return new Sealer(parents(record.nodes()), record.parameters(), workers, System::nanoTime);
    }

    private ParentCache parents(int nodes) {
        synchronized (parents) {
            return parents.computeIfAbsent(
                    nodes,
                    n -> ParentCache.open(
                            directory.resolve("parents"),
                            new SdrGraph(n, options.porepId(), ApiVersion.V1_2),
                            workers));
        }
    }

    /** What a sealed sector is held to. */
    public SealedReplica sealed(long number) {
        return sector(number).sealed(options.porepId());
    }

    /** Answers for the proof of replication of a sector that is {@link SectorState#SEALED}. The caller closes it. */
    public ReplicationProver prover(long number) {
        synchronized (this) {
            require(number, SectorState.SEALED);
        }
        return new ReplicationProver(files(number), sealed(number));
    }

    /**
     * Makes the replica and the layers of a sector once more, whose payload is zeros, to prove its replication when the layers are
     * gone. Takes as long as sealing did; reads nothing of the sector itself.
     *
     * @param scratch a directory for it, emptied before and deleted after
     * @param proof gets a prover, which is closed after it
     * @throws PpiofsException CORRUPT if the sector was sealed from something else; otherwise as {@link #seal}
     */
    public <T> T proveZerosAgain(
            long number, Path scratch, SealListener listener, Function<ReplicationProver, T> proof) {
        SectorRecord record = sector(number);
        SealedReplica expected = sealed(number);
        ReplicaFiles files = new ReplicaFiles(scratch);
        try {
            deleteIfThere(scratch);
            Files.createDirectories(scratch);
            Files.write(files.unsealed(), new byte[0]);
            extend(files.unsealed(), capacity(record));
            SealedReplica again = sealer(record).seal(files, identity(record), listener);
            if (!Arrays.equals(again.statement().commR(), expected.statement().commR())) {
                throw new PpiofsException(
                        ErrorKind.CORRUPT,
                        "prove sector",
                        Long.toString(number),
                        "it was not sealed from zeros, or wrongly; release it");
            }
            try (ReplicationProver prover = new ReplicationProver(files, again)) {
                return proof.apply(prover);
            }
        } catch (IOException e) {
            throw DurableFile.failure("prove sector", scratch, e);
        } catch (PpiofsException e) {
            throw stoppedOr(e, number);
        } finally {
            try {
                deleteIfThere(scratch);
            } catch (IOException ignored) {
                // what is left goes before the next use
            }
        }
    }

    private static void deleteIfThere(Path scratch) throws IOException {
        if (Files.isDirectory(scratch)) {
            deleteDirectory(scratch);
        }
    }

    /**
     * Makes a sealed sector a proving one, after a proof of its replication was accepted. The layers go, and the payload
     * if it is not to be kept. The proof is checked once more: what goes cannot be made again in seconds.
     *
     * @param seed of the proof
     * @throws PpiofsException INVALID if the proof does not hold
     */
    public SectorRecord proven(long number, byte[] seed, byte[] proof) {
        SealedReplica sealed = sealed(number);
        Verdict verdict = new ReplicationVerifier(sealed.statement()).verify(seed, sealed.parameters(), proof);
        if (!verdict.accepted()) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "prove sector",
                    Long.toString(number),
                    verdict.reason() + "; unseal and check the sector");
        }
        return change(number, SectorState.PROVING, SectorState.SEALED);
    }

    private SectorRecord change(long number, SectorState next, SectorState... from) {
        SectorRecord record;
        synchronized (this) {
            record = put(require(number, from).with(next));
            busy.add(number);
        }
        try {
            deleteWhatProofsDoNotNeed(record); // may be many gigabytes: others do not wait for it
            return record;
        } finally {
            end(number);
        }
    }

    private void deleteWhatProofsDoNotNeed(SectorRecord record) {
        ReplicaFiles files = files(record.number());
        try {
            for (int layer = 1; layer <= record.parameters().layers(); layer++) {
                Files.deleteIfExists(files.layer(layer));
                Files.deleteIfExists(ReplicaFiles.unfinished(files.layer(layer)));
            }
            Files.deleteIfExists(files.columnTree());
            Files.deleteIfExists(files.dataTree());
            Files.deleteIfExists(ReplicaFiles.unfinished(files.unsealed()));
            if (!record.keepsUnsealed()) {
                Files.deleteIfExists(files.unsealed());
            }
        } catch (IOException e) {
            throw DurableFile.failure("tidy sector", files.directory(), e);
        }
    }

    /** Declares that the sector cannot prove for now. */
    public SectorRecord declareFault(long number) {
        return change(number, SectorState.FAULTY, SectorState.PROVING, SectorState.RECOVERING);
    }

    /** Declares that a faulty sector will prove in its next window. */
    public SectorRecord declareRecovery(long number) {
        return change(number, SectorState.RECOVERING, SectorState.FAULTY);
    }

    /** A recovering sector has proven. */
    public SectorRecord recovered(long number) {
        return change(number, SectorState.PROVING, SectorState.RECOVERING);
    }

    /**
     * Makes the payload of a sector again that has only the replica, and keeps it from then on. As slow as sealing.
     *
     * @throws PpiofsException CORRUPT if the replica does not decode to what was sealed
     */
    public void unseal(long number, SealListener listener) {
        SectorRecord record;
        synchronized (this) {
            record = require(number, SectorState.PROVING, SectorState.FAULTY, SectorState.RECOVERING);
            if (Files.exists(files(number).unsealed())) {
                return;
            }
            busy.add(number);
        }
        try {
            Commitments c = record.requireCommitments();
            synchronized (this) {
                // first: a crash after the payload is whole must not drop it
                put(record.keeping(true));
            }
            sealer(record).unseal(files(number), c.replicaId(), c.commD(), listener);
        } catch (PpiofsException e) {
            throw stoppedOr(e, number);
        } finally {
            end(number);
        }
    }

    /** Drops the payload of a proving sector; the replica stays. */
    public synchronized void dropUnsealed(long number) {
        SectorRecord record = require(number, SectorState.PROVING, SectorState.FAULTY, SectorState.RECOVERING);
        SectorRecord without = put(record.keeping(false));
        deleteWhatProofsDoNotNeed(without);
    }

    /**
     * Reads payload, in any state in which the unsealed copy is there; while the sector is sealed, too.
     *
     * @return bytes read: fewer than asked for at the end of the payload, 0 behind it
     * @throws PpiofsException NOT_FOUND if there is no unsealed copy: unseal first
     */
    public int read(long number, long offset, ByteBuffer into) {
        SectorRecord record = sector(number);
        Path file = files(number).unsealed();
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            long end = record.state() == SectorState.OPEN ? in.size() : record.payloadBytes();
            int start = into.position();
            int wanted = (int) Math.max(0, Math.min(into.remaining(), end - offset));
            ByteBuffer part = into.slice(start, wanted);
            while (part.hasRemaining() && in.read(part, offset + part.position()) >= 0) {
                // until it is full or the file ends
            }
            into.position(start + part.position());
            return part.position();
        } catch (NoSuchFileException e) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND,
                    "read sector",
                    Long.toString(number),
                    "it keeps no unsealed copy; unseal it first",
                    e);
        } catch (IOException e) {
            throw DurableFile.failure("read sector", file, e);
        }
    }

    /** The names of a sector's files, also of one that is damaged, for provers of space-time. */
    public synchronized ReplicaFiles filesOf(long number) {
        return files(damaged.containsKey(number) ? number : sector(number).number());
    }

    /** When the sector's record was written last: since when it is in its state, or keeps its payload. Milliseconds since 1970. */
    public long changedMillis(long number) {
        Path record = filesOf(number).directory().resolve(RECORD);
        try {
            return Files.getLastModifiedTime(record).toMillis();
        } catch (IOException e) {
            throw DurableFile.failure("use sector", record, e);
        }
    }

    /** Removes a sector in any state but while it is sealed or filled, also on a full disk. Others are not held up while its files go. */
    public void remove(long number) {
        Path sector;
        synchronized (this) {
            sector = files(number).directory();
            if (damaged.remove(number) == null) {
                SectorRecord record = sector(number);
                require(number, record.state());
                retire(record);
            }
        }
        try {
            deleteDirectory(sector);
        } catch (IOException e) {
            throw DurableFile.failure("remove sector", directory, e);
        }
    }

    /** From here on the sector goes, also after a crash. */
    private void retire(SectorRecord record) {
        try {
            put(record.with(SectorState.REMOVED));
        } catch (PpiofsException e) {
            // a disk that is full takes no new record; a directory without any goes as well
            Path sector = files(record.number()).directory();
            try {
                Files.deleteIfExists(sector.resolve(RECORD));
                DurableFile.syncDirectory(sector);
            } catch (IOException deleting) {
                e.addSuppressed(deleting);
                throw e;
            }
        }
        records.remove(record.number());
    }

    /** The record goes last: as long as anything is left, it says that it has to go. */
    private static void deleteDirectory(Path sector) throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(sector)) {
            all.forEach(files::add);
        }
        for (Path file : files) {
            if (!file.endsWith(RECORD)) {
                Files.deleteIfExists(file);
            }
        }
        Files.deleteIfExists(sector.resolve(RECORD));
        Files.deleteIfExists(sector);
    }

    /** Sealings must have ended: interrupt their threads and wait for them. */
    @Override
    public void close() {
        workers.close();
        try {
            lockFile.close();
        } catch (IOException e) {
            throw DurableFile.failure("close sector store", directory, e);
        }
    }
}
