package io.ppiofs.proofs.lpoc.store;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.proofs.lpoc.CapacityStatement;
import io.ppiofs.proofs.lpoc.CapacityTerms;
import io.ppiofs.proofs.lpoc.LabelProof;
import io.ppiofs.proofs.lpoc.LedgerChanges;
import io.ppiofs.proofs.lpoc.LedgerChanges.Change;
import io.ppiofs.proofs.lpoc.SpaceChallenge;
import io.ppiofs.proofs.lpoc.SpaceProof;
import io.ppiofs.proofs.lpoc.UnitLedger;
import io.ppiofs.proofs.merkle.MerkleTree;
import io.ppiofs.proofs.porep.ReplicaFiles;
import io.ppiofs.proofs.porep.ReplicaReader;
import io.ppiofs.proofs.porep.ReplicationProver;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.porep.SealedReplica;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sector.SectorOptions;
import io.ppiofs.proofs.sector.SectorRecord;
import io.ppiofs.proofs.sector.SectorState;
import io.ppiofs.proofs.sector.SectorStore;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.work.Workers;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The idle units of one peer in one directory, which one process owns at a time. Thread-safe: filling and label proofs take
 * minutes and hold up nothing else; one of either at a time.
 *
 * <p>Directory: {@code units/}, a {@link SectorStore} whose sectors have zeros for payload, and {@code ledger}. A unit is in the ledger once its
 * sector is {@link SectorState#PROVING}, and out of it before the sector is removed; opening finishes what a crash left between.
 */
public final class IdleSpace implements Closeable {
    private static final SealParameters NONE_YET = SealParameters.FAST;
    private static final String FILL = "fill idle space";

    private final Path directory;
    private final byte[] peer;
    private final byte[] porepId;
    private final SectorStore store;
    private final SecureRandom random = new SecureRandom();
    private final ReentrantLock labelling = new ReentrantLock();
    /** Guarded by this. */
    private LedgerFile ledger;

    private IdleSpace(Path directory, SectorOptions options, SectorStore store) {
        this.directory = directory;
        this.peer = options.peer().clone();
        this.porepId = options.porepId().clone();
        this.store = store;
        LedgerFile known = LedgerFile.load(directory.resolve("ledger"));
        this.ledger = known != null
                ? known
                : new LedgerFile(ReplicaGeometry.MIN_NODES, NONE_YET, firstSequence(), UnitLedger.EMPTY, List.of());
    }

    /**
     * Of a ledger that begins: not one that an earlier ledger of this peer may have had, or whoever has seen that one would
     * take the new one for a contradiction.
     */
    private static long firstSequence() {
        return System.currentTimeMillis();
    }

    /**
     * @param options of the peer's sectors; units get a graph of their own, see {@link CapacityTerms#porepId(byte[])}
     * @throws PpiofsException IN_USE, CORRUPT, IO
     */
    public static IdleSpace open(Path directory, SectorOptions options) {
        SectorOptions own =
                new SectorOptions(options.peer(), CapacityTerms.porepId(options.porepId()), options.threads());
        SectorStore store = SectorStore.open(directory.resolve("units"), own);
        boolean opened = false;
        try {
            IdleSpace space = new IdleSpace(directory, own, store);
            space.settle();
            opened = true;
            return space;
        } finally {
            if (!opened) {
                store.close();
            }
        }
    }

    /** Brings ledger and sectors together. */
    private synchronized void settle() {
        Set<Long> whole = new TreeSet<>();
        for (SectorRecord record : store.sectors()) {
            long number = record.number();
            if (record.state() == SectorState.OPEN || ledger.hasReleased(number)) {
                store.remove(number);
            } else if (record.state() == SectorState.PROVING) {
                whole.add(number);
                if (ledger.ledger().commitment(number) == null) {
                    come(record);
                }
            }
        }
        for (long number : ledger.ledger().numbers()) {
            if (!whole.contains(number)) {
                // somebody deleted its files: it cannot be counted
                save(ledger.with(gone(number)));
            }
        }
    }

    private void come(SectorRecord record) {
        SealedReplica sealed = store.sealed(record.number());
        LedgerFile now = ledger;
        if (now.ledger().count() == 0) {
            now = now.of(record.nodes(), record.parameters());
        }
        save(now.with(new Change(record.number(), true, sealed.statement().commR())));
    }

    private Change gone(long number) {
        return new Change(number, false, Objects.requireNonNull(ledger.ledger().commitment(number)));
    }

    /** On the disk first. */
    private void save(LedgerFile next) {
        next.save(directory.resolve("ledger"));
        ledger = next;
    }

    /** What the peer says of its idle space now. */
    public synchronized CapacityStatement statement() {
        CapacityTerms terms = new CapacityTerms(peer, porepId, ledger.nodes(), ledger.parameters());
        return new CapacityStatement(terms, ledger.sequence(), ledger.ledger().root());
    }

    /** The numbers of all units, ascending. */
    public synchronized List<Long> units() {
        return ledger.ledger().numbers();
    }

    /** Bytes on the disk: of units that are there, and what those take that are being made. */
    public long bytes() {
        return store.sectors().stream()
                .mapToLong(record -> record.geometry().sectorBytes()
                        * (record.state() == SectorState.PROVING
                                ? 1
                                : 1 + record.parameters().layers()))
                .sum();
    }

    /**
     * Makes one unit, or ends one whose making was stopped. Runs on the caller's thread for as long as it takes.
     *
     * @param nodes of the unit, 32 bytes each
     * @return the unit's number
     * @throws PpiofsException INVALID if there are units of another kind; INTERRUPTED if the thread was; NO_SPACE, IO
     */
    public long fill(int nodes, SealParameters parameters, SealListener listener) {
        await();
        try {
            requireKind(nodes, parameters);
            Long kept = counted(nodes, parameters);
            if (kept != null) {
                return kept;
            }
            SectorRecord record = begun(nodes, parameters);
            long number = record.number();
            if (record.state() != SectorState.SEALED) {
                store.seal(number, statement().terms().ticket(), listener);
            }
            byte[] seed = new byte[SpaceChallenge.SEED_BYTES];
            random.nextBytes(seed);
            try (ReplicationProver prover = store.prover(number)) {
                store.proven(number, seed, prover.prove(seed));
            }
            synchronized (this) {
                come(store.sector(number));
            }
            return number;
        } finally {
            labelling.unlock();
        }
    }

    /** Counts a unit that is whole, and of which the ledger could not be written when it was made. @return its number; null if there is none */
    private synchronized @Nullable Long counted(int nodes, SealParameters parameters) {
        for (SectorRecord record : store.sectors()) {
            boolean fits = record.nodes() == nodes && record.parameters().equals(parameters);
            if (fits && isOrphan(record) && !ledger.hasReleased(record.number())) {
                come(record);
                return record.number();
            }
        }
        return null;
    }

    /** Whether a sector is whole and no unit of the ledger, which could not be written, or is out of it already; while nobody makes one. */
    private synchronized boolean isOrphan(SectorRecord record) {
        return record.state() == SectorState.PROVING && ledger.ledger().commitment(record.number()) == null;
    }

    private void await() {
        try {
            labelling.lockInterruptibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Workers.interrupted(FILL, directory);
        }
    }

    private synchronized void requireKind(int nodes, SealParameters parameters) {
        LedgerFile now = ledger;
        long count = now.ledger().count();
        if (count > 0 && (now.nodes() != nodes || !now.parameters().equals(parameters))) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    FILL,
                    "units of " + 32L * nodes + " bytes, " + parameters.name(),
                    "there are units of " + 32L * now.nodes() + " bytes, "
                            + now.parameters().name() + "; release them first");
        }
        if (count >= LedgerFile.MAX_UNITS) {
            throw new PpiofsException(ErrorKind.NO_SPACE, FILL, count + " units", "there may be no more");
        }
    }

    private SectorRecord begun(int nodes, SealParameters parameters) {
        for (SectorRecord record : store.sectors()) {
            boolean begun = record.state() == SectorState.FULL
                    || record.state() == SectorState.SEALING
                    || record.state() == SectorState.SEALED;
            if (begun && record.nodes() == nodes && record.parameters().equals(parameters)) {
                return record;
            }
            if (begun) {
                store.remove(record.number()); // of another kind: it could never be counted
            }
        }
        return store.fill(store.create(nodes, parameters, 0, false).number());
    }

    /**
     * Gives units back: first the ledger is without them, then their files go.
     *
     * @param numbers at most {@link LedgerChanges#MAX_STEPS}
     * @return the proof that exactly they went; see {@link io.ppiofs.proofs.lpoc.CapacityVerifier#release}
     * @throws PpiofsException NOT_FOUND if one is not there, and then none goes
     */
    public synchronized LedgerChanges release(Set<Long> numbers) {
        long before = ledger.sequence();
        for (long number : numbers) {
            if (number < 0 || number > UnitLedger.MAX_NUMBER || ledger.ledger().commitment(number) == null) {
                throw new PpiofsException(
                        ErrorKind.NOT_FOUND,
                        "release idle space",
                        "unit " + number,
                        "there is no such unit; 'ppiofs capacity list' has them");
            }
        }
        LedgerFile next = ledger;
        for (long number : numbers) {
            next = next.with(gone(number));
        }
        LedgerChanges changes = next.since(before);
        if (changes == null) {
            throw new IllegalArgumentException(numbers.size() + " units at once");
        }
        save(next);
        numbers.forEach(store::remove);
        return changes;
    }

    /** Gives back what was begun and is not whole, and what is whole and not counted, unless somebody works on it. @return whether there was something */
    public boolean releaseUnfinished() {
        if (!labelling.tryLock()) {
            return false;
        }
        try {
            boolean found = false;
            synchronized (this) { // or somebody else releases what is found here
                for (SectorRecord record : store.sectors()) {
                    if (record.state() != SectorState.PROVING || isOrphan(record)) {
                        store.remove(record.number());
                        found = true;
                    }
                }
            }
            return found;
        } finally {
            labelling.unlock();
        }
    }

    /** How the ledger of {@code since} became the present one; null if that is too long ago. */
    public synchronized @Nullable LedgerChanges changesSince(long since) {
        return ledger.since(since);
    }

    /** A statement, and how it came from an earlier one; null if that is too long ago. */
    public record History(
            CapacityStatement statement, @Nullable LedgerChanges changes) {}

    /** {@link #statement} and {@link #changesSince} of the same moment. */
    public synchronized History history(long since) {
        return new History(statement(), changesSince(since));
    }

    private synchronized LedgerFile at(CapacityStatement statement) {
        if (!statement.equals(statement())) {
            throw new PpiofsException(
                    ErrorKind.EXISTS, "prove idle space", "sequence " + statement.sequence(), "the ledger is newer");
        }
        return ledger;
    }

    /**
     * Opens the leaves that a challenge names.
     *
     * @param count 1 to {@link SpaceChallenge#MAX_LEAVES}
     * @throws PpiofsException EXISTS if the statement is not the present one; CORRUPT, IO if a unit cannot be read: release it
     */
    public SpaceProof prove(CapacityStatement statement, byte[] seed, int count) {
        UnitLedger units = at(statement).ledger();
        List<SpaceProof.Opening> openings = new ArrayList<>();
        SpaceChallenge challenge = new SpaceChallenge(statement, seed);
        for (int i = 0; i < count; i++) {
            SpaceChallenge.Leaf leaf = challenge.leaf();
            SpaceProof.Opening opening = open(units, units.at(leaf.rank()), leaf.leaf());
            openings.add(opening);
            challenge.advance(opening.leaf());
        }
        return new SpaceProof(openings);
    }

    private SpaceProof.Opening open(UnitLedger units, long number, long leaf) {
        SealedReplica sealed = store.sealed(number);
        ReplicaFiles files = store.filesOf(number);
        ReplicaGeometry geometry = sealed.statement().geometry();
        byte[] bytes = new byte[geometry.replicaLeafBytes()];
        try (ReplicaReader replica = new ReplicaReader(files.replica())) {
            replica.replicaLeaves(geometry).read(leaf, 1, bytes);
            byte[] path = MerkleTree.readPath(files.replicaTree(), geometry.replicaTree(), leaf);
            return new SpaceProof.Opening(number, sealed.commC(), sealed.commRLast(), units.path(number), bytes, path);
        } catch (IOException e) {
            throw DurableFile.failure("prove idle space", files.replica(), e);
        }
    }

    /**
     * Shows that a random unit was labelled right: labels it once more beside it, which takes as long as filling it did and four times
     * its size on the disk.
     *
     * @throws PpiofsException as {@link #prove}; BUSY if units are being filled or labelled
     */
    public LabelProof proveLabels(CapacityStatement statement, byte[] seed, SealListener listener) {
        if (!labelling.tryLock()) {
            throw new PpiofsException(
                    ErrorKind.BUSY, "prove labels", directory.toString(), "units are being filled or labelled");
        }
        try {
            UnitLedger units = at(statement).ledger();
            long number = units.at(SpaceChallenge.labelRank(statement, seed));
            byte[] replication = store.proveZerosAgain(
                    number,
                    directory.resolve("again"),
                    listener,
                    prover -> prover.prove(SpaceChallenge.labelSeed(statement, seed)));
            return new LabelProof(number, units.path(number), replication);
        } finally {
            labelling.unlock();
        }
    }

    @Override
    public void close() {
        store.close();
    }
}
