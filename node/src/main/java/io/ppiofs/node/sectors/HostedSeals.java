package io.ppiofs.node.sectors;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.control.Progress;
import io.ppiofs.overlay.audit.SealAcceptance;
import io.ppiofs.overlay.audit.SealAsk;
import io.ppiofs.overlay.audit.SealHolder;
import io.ppiofs.overlay.audit.SealOrder;
import io.ppiofs.overlay.audit.SealStatus;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.storage.StorageHost;
import io.ppiofs.proofs.audit.SealChallenge;
import io.ppiofs.proofs.audit.SealStatement;
import io.ppiofs.proofs.porep.ReplicationProver;
import io.ppiofs.proofs.porep.SealedReplica;
import io.ppiofs.proofs.post.SpaceTimeProver;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sector.SectorRecord;
import io.ppiofs.proofs.sector.SectorState;
import io.ppiofs.proofs.sector.SectorStore;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.verify.ReplicationVerifier;
import io.ppiofs.proofs.verify.SpaceTimeChallenges;
import io.ppiofs.proofs.verify.SpaceTimeVerifier;
import io.ppiofs.proofs.verify.Verdict;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Seals hosted slots as their tenants order, one after the other, and proves them. The blocks stay hosted as they were. Orders that are carried out, or have
 * begun to be, are on disk beside their sectors and go on after a restart; those that wait are given again by who wants them. Thread-safe.
 */
public final class HostedSeals implements SealHolder, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HostedSeals.class);
    private static final String SEAL = "seal";
    private static final int MOST_WAITING = 1024;
    private static final long LAST_SECONDS = 10;
    private static final Duration PAUSE = Duration.ofMinutes(1);

    /** How long it is waited for an order until one looks what may go. */
    private static final Duration IDLE = Duration.ofMinutes(10);

    /** How long a sector waits for its acceptance: as long it takes many times its size. */
    private static final long UNACCEPTED_MILLIS = TimeUnit.HOURS.toMillis(48);

    /** How often a tenant may have a slot sealed in another way. */
    private static final long REPLACED_MILLIS = TimeUnit.DAYS.toMillis(1);

    /** Beside the layers, in sizes of a sector: payload, replica, the graph's table (56 bytes a node of 32), trees. */
    private static final int BESIDE_LAYERS = 5;

    private final Sectors sectors;
    private final HostedSlots storage;
    private final NetworkId network;
    private final SealConsent consent;
    private final LongSupplier wallMillis;
    private final Duration pause;
    private final SecureRandom random = new SecureRandom();
    private final Thread thread;

    /** Which slot of whom. */
    private record Place(PeerId tenant, GroupId group, int slot) {
        static Place of(SealOrder order) {
            return new Place(order.tenant(), order.group(), order.slot());
        }
    }

    /** Orders that are to be carried out; guarded by this, as are those below. */
    private final Map<Place, SealOrder> waiting = new LinkedHashMap<>();

    /** Sectors that were ordered, by slot: known after {@link #load}. */
    private final Map<Place, Long> made = new HashMap<>();

    /** How many orders of each tenant were carried out: who had least is next. */
    private final Map<PeerId, Long> served = new HashMap<>();

    /** When slots were sealed last in another way than before, ms since 1970. */
    private final Map<Place, Long> replaced = new HashMap<>();

    private boolean loaded;
    private boolean closed;

    /** @param consent to what new orders are taken; what was sealed before is proven in any case */
    public HostedSeals(Sectors sectors, HostedSlots storage, NetworkId network, SealConsent consent) {
        this(sectors, storage, network, consent, System::currentTimeMillis, PAUSE);
    }

    /**
     * The same by another clock.
     *
     * @param wallMillis since 1970
     * @param pause after something went wrong
     */
    HostedSeals(
            Sectors sectors,
            HostedSlots storage,
            NetworkId network,
            SealConsent consent,
            LongSupplier wallMillis,
            Duration pause) {
        this.sectors = sectors;
        this.storage = storage;
        this.network = network;
        this.consent = consent;
        this.wallMillis = wallMillis;
        this.pause = pause;
        this.thread = new Thread(this::run, "seal-orders");
        thread.setDaemon(true);
        thread.setPriority(Thread.MIN_PRIORITY);
    }

    /** Begins to carry orders out, those of before the last restart first. */
    public void start() {
        thread.start();
    }

    /** Numbers for status; names are stable. */
    public synchronized Map<String, Long> facts() {
        Map<String, Long> facts = new LinkedHashMap<>();
        facts.put("orderedSectors", (long) made.size());
        facts.put("ordersWaiting", (long) waiting.size());
        return facts;
    }

    // ---- what is there ------------------------------------------------------------------------------------------

    /** Reads whose the sectors are. Once; later it costs nothing. */
    private void load() {
        if (loaded || !sectors.exist()) {
            return;
        }
        try {
            for (SectorRecord record : sectors.store().sectors()) {
                load(record);
            }
            for (long number : sectors.store().damaged().keySet()) {
                SectorOrder ordered = SectorOrder.load(directory(number), network);
                if (ordered != null) {
                    made.putIfAbsent(Place.of(ordered.order()), number); // unless it was sealed again already
                }
            }
        } catch (PpiofsException e) {
            throw notLost(e);
        }
        loaded = true;
    }

    private void load(SectorRecord record) {
        SectorOrder ordered = SectorOrder.load(directory(record.number()), network);
        if (ordered == null) {
            return;
        }
        Place place = Place.of(ordered.order());
        made.put(place, record.number());
        boolean begun = record.state() == SectorState.FULL || record.state() == SectorState.SEALING;
        if (begun || isUnaccepted(record, ordered)) {
            waiting.put(place, ordered.order()); // what is sealed, too: nobody may have compared it with the blocks
        }
    }

    private static boolean isUnaccepted(SectorRecord sector, SectorOrder ordered) {
        return sector.state() == SectorState.SEALED && ordered.accepted() == null;
    }

    /** CORRUPT is this node's word that it has lost the replica that it is asked about: of nothing else. */
    private static PpiofsException notLost(PpiofsException e) {
        return e.kind() == ErrorKind.CORRUPT ? new PpiofsException(ErrorKind.IO, SEAL, e.subject(), e.detail(), e) : e;
    }

    private Path directory(long number) {
        return sectors.store().filesOf(number).directory();
    }

    /**
     * The sector of a slot; null if there is none, or its operator removed it.
     *
     * @throws PpiofsException CORRUPT if it, and nothing else, is damaged
     */
    private @Nullable SectorRecord sectorAt(Place place) {
        load();
        Long number = made.get(place);
        if (number == null) {
            return null;
        }
        try {
            return sectors.store().sector(number);
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.NOT_FOUND) {
                throw e;
            }
            made.remove(place);
            return null;
        }
    }

    private @Nullable SectorOrder ordered(SectorRecord sector) {
        return SectorOrder.load(directory(sector.number()), network);
    }

    /** The same, but null for one that is damaged: it stays until its operator removes it, and another takes its place. */
    private @Nullable SectorRecord intactAt(Place place) {
        try {
            return sectorAt(place);
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.CORRUPT) {
                throw e;
            }
            return null;
        }
    }

    /** Takes long, so not within the monitor. */
    private void remove(Place place, long number) {
        try {
            sectors.store().remove(number);
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.NOT_FOUND) {
                throw e;
            }
        }
        synchronized (this) {
            made.remove(place, number);
        }
    }

    /** Sectors of slots that are no longer here go, and those whose replication nobody accepts. */
    private void tidy() {
        for (Map.Entry<Place, Long> each : useless().entrySet()) {
            try {
                remove(each.getKey(), each.getValue());
            } catch (PpiofsException e) {
                if (e.kind() == ErrorKind.INTERRUPTED) {
                    throw e;
                }
                LOG.warn("sector {} stays for now: {}", each.getValue(), e.getMessage());
            }
        }
    }

    private synchronized Map<Place, Long> useless() {
        load();
        Set<Place> hosted = new HashSet<>();
        storage.hosted().forEach(one -> hosted.add(new Place(one.tenant(), one.group(), one.slot())));
        Map<Place, Long> useless = new HashMap<>();
        Map.copyOf(made).forEach((place, number) -> {
            String why = uselessness(place, hosted.contains(place));
            if (why != null) {
                LOG.info("sector {} goes: {}", number, why);
                useless.put(place, number);
            }
        });
        useless.keySet().forEach(waiting::remove); // or it is made again at once
        long now = wallMillis.getAsLong();
        replaced.values().removeIf(at -> now - at >= REPLACED_MILLIS);
        return useless;
    }

    private @Nullable String uselessness(Place place, boolean hosted) {
        SectorRecord sector = intactAt(place);
        if (sector == null) {
            return null;
        }
        if (!hosted) {
            return "its slot is not here any more";
        }
        return isExpired(sector) ? "nobody has accepted its replication" : null;
    }

    private boolean isExpired(SectorRecord sector) {
        SectorOrder ordered = ordered(sector);
        return ordered != null
                && isUnaccepted(sector, ordered)
                && wallMillis.getAsLong() - sectors.store().changedMillis(sector.number()) >= UNACCEPTED_MILLIS;
    }

    // ---- orders -------------------------------------------------------------------------------------------------

    @Override
    public SealStatus order(SealOrder order) {
        Place place = Place.of(order);
        try {
            SectorRecord sector;
            boolean good;
            synchronized (this) {
                sector = intactAt(place);
                SectorOrder ordered = sector == null ? null : ordered(sector);
                SealStatus status = sector == null || ordered == null ? null : status(sector, ordered);
                if (status != null && ordered != null && ordered.order().wantsSameAs(order)) {
                    return goingOn(status, place, ordered.order());
                }
                SealOrder waits = waiting.get(place);
                if (waits != null && waits.wantsSameAs(order)) {
                    return SealStatus.waiting(SealStatus.State.QUEUED, 0, waits);
                }
                requireLatest(order, ordered == null ? null : ordered.order());
                requireLatest(order, waits);
                good = status != null;
                requireTurn(order, waits == null, good);
                requireConsent(order, inventory(order));
            }
            if (sector != null) {
                remove(place, sector.number()); // damaged, proven to nobody, or sealed otherwise than is wanted now
            }
            queue(place, order, good);
        } catch (PpiofsException e) {
            throw notLost(e);
        }
        return SealStatus.waiting(SealStatus.State.QUEUED, 0, order);
    }

    private synchronized void queue(Place place, SealOrder order, boolean replaces) {
        waiting.put(place, order);
        if (replaces) {
            replaced.put(place, wallMillis.getAsLong());
        }
        notifyAll();
    }

    /** A sealing that was begun, and given up because its files could not be removed, goes on. */
    private SealStatus goingOn(SealStatus status, Place place, SealOrder order) {
        if (status.state() == SealStatus.State.SEALING && waiting.putIfAbsent(place, order) == null) {
            notifyAll();
        }
        return status;
    }

    /** @param replaces what is sealed well, otherwise: that costs hours of this node, so it is not done as often as somebody likes */
    private void requireTurn(SealOrder order, boolean isNew, boolean replaces) {
        if (isNew && waiting.size() >= MOST_WAITING) {
            throw refused(ErrorKind.BUSY, order, "too many slots wait to be sealed");
        }
        Long last = replaces ? replaced.get(Place.of(order)) : null;
        if (last != null && wallMillis.getAsLong() - last < REPLACED_MILLIS) {
            throw refused(ErrorKind.BUSY, order, "the slot was sealed in another way less than a day ago");
        }
    }

    private static void requireLatest(SealOrder order, @Nullable SealOrder known) {
        if (known != null && known.issued() > order.issued()) {
            throw refused(ErrorKind.EXISTS, order, "a later order holds for the slot");
        }
    }

    /** Null if the sector is of no use: it cannot prove windows, and not its replication any more. */
    private @Nullable SealStatus status(SectorRecord sector, SectorOrder ordered) {
        SealAcceptance accepted = ordered.accepted();
        return switch (sector.state()) {
            case FULL, SEALING -> SealStatus.waiting(SealStatus.State.SEALING, sector.number(), ordered.order());
            case SEALED -> sealed(SealStatus.State.SEALED, sector, ordered);
            case PROVING, RECOVERING -> accepted == null ? null : sealed(SealStatus.State.PROVING, sector, ordered);
            default -> null;
        };
    }

    private SealStatus sealed(SealStatus.State state, SectorRecord sector, SectorOrder ordered) {
        SealedReplica sealed = replica(sector);
        SealAcceptance accepted = ordered.accepted();
        return new SealStatus(
                state,
                sector.number(),
                sealed.statement().commD(),
                sealed.statement().commR(),
                ordered.order().envelope(),
                accepted == null ? new byte[0] : accepted.envelope());
    }

    private SealedReplica replica(SectorRecord sector) {
        return sector.sealed(sectors.options().porepId());
    }

    private void requireConsent(SealOrder order, Inventory inventory) {
        if (!consent.takes(order.parameters())) {
            throw refused(
                    ErrorKind.NOT_SUPPORTED,
                    order,
                    "this node does not seal for others as '" + order.parameters() + "'");
        }
        ReplicaGeometry geometry = geometry(order, inventory);
        long wanted = whileSealed(geometry);
        long used = 0;
        for (Map.Entry<Place, Long> each : made.entrySet()) {
            used += each.getKey().equals(Place.of(order)) ? 0 : sizeOf(each.getValue()); // it would go
        }
        if (used + wanted > consent.bytes() || !sectors.fits(wanted, storage.unusedBytes())) {
            throw refused(
                    ErrorKind.BUSY,
                    order,
                    "there is no room for a sector of " + geometry.sectorBytes() + " bytes, which takes " + wanted
                            + " until its replication is accepted");
        }
    }

    private static long whileSealed(ReplicaGeometry geometry) {
        return geometry.sectorBytes() * (geometry.layers() + BESIDE_LAYERS);
    }

    /** What a sector takes of the disk. */
    private long sizeOf(long number) {
        try {
            SectorRecord sector = sectors.store().sector(number);
            return switch (sector.state()) {
                case PROVING, RECOVERING, FAULTY -> sector.geometry().sectorBytes();
                default -> whileSealed(sector.geometry());
            };
        } catch (PpiofsException e) {
            return 0; // its operator removed it, or one cannot read how large it is
        }
    }

    private static ReplicaGeometry geometry(SealOrder order, Inventory inventory) {
        SealParameters parameters = SealParameters.named(order.parameters());
        int nodes = ReplicaGeometry.nodesFor(Sectors.slotBytes(inventory, order.slot()))
                .orElseThrow(() -> refused(ErrorKind.NOT_SUPPORTED, order, "the slot is larger than a sector"));
        return new ReplicaGeometry(nodes, parameters.layers());
    }

    /** What is to be sealed. */
    private Inventory inventory(SealOrder order) {
        TableChain chain = storage.table(order.tenant(), order.group());
        SlotTable table = chain == null ? null : chain.newest();
        if (table == null
                || generation(order) == 0
                || order.slot() >= table.holders().size()
                || !table.holders().get(order.slot()).equals(storage.operator())) {
            throw refused(ErrorKind.NOT_FOUND, order, "the slot is not here");
        }
        if (table.state() != SlotTable.State.CLOSED || !order.inventory().equals(table.inventory())) {
            throw refused(ErrorKind.EXISTS, order, "the group is open, given up, or has another inventory here");
        }
        Inventory inventory = storage.inventory(table);
        if (inventory == null || Sectors.slotBytes(inventory, order.slot()) == 0) {
            throw refused(ErrorKind.NOT_FOUND, order, "the group's inventory is not here, or the slot has no blocks");
        }
        return inventory;
    }

    /** Of the slot that is hosted here; 0 if none is. */
    private long generation(SealOrder order) {
        for (StorageHost.Hosted one : storage.hosted()) {
            if (!one.ending()
                    && one.tenant().equals(order.tenant())
                    && one.group().equals(order.group())
                    && one.slot() == order.slot()) {
                return one.generation();
            }
        }
        return 0;
    }

    private static PpiofsException refused(ErrorKind kind, SealOrder order, String detail) {
        return new PpiofsException(kind, SEAL, order.group() + "/" + order.slot(), detail);
    }

    // ---- carrying out -------------------------------------------------------------------------------------------

    private void run() {
        try {
            while (!isClosed()) {
                if (!oneMore()) {
                    pause();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    /** @return whether all is well: whatever goes wrong with one order or sector, the next is carried out */
    private boolean oneMore() throws InterruptedException {
        try {
            tidy();
            SealOrder next = next();
            return next == null || carryOut(next);
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.INTERRUPTED) {
                throw new InterruptedException(e.getMessage());
            }
            LOG.error("sealing pauses: {}", e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("sealing pauses: a defect", e);
        }
        return false;
    }

    private synchronized void pause() throws InterruptedException {
        await(pause, () -> false);
    }

    private synchronized void await(Duration most, BooleanSupplier until) throws InterruptedException {
        long end = System.nanoTime() + most.toNanos();
        for (long left = most.toNanos(); !closed && left > 0 && !until.getAsBoolean(); left = end - System.nanoTime()) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }

    /** Waits for one, of the tenant who had least, for some minutes. @return null for none */
    private synchronized @Nullable SealOrder next() throws InterruptedException {
        await(IDLE, () -> !waiting.isEmpty());
        return closed
                ? null
                : waiting.values().stream()
                        .min(Comparator.comparing(order -> served.getOrDefault(order.tenant(), 0L)))
                        .orElse(null);
    }

    /** @return whether what is sealed is what is hosted */
    private boolean carryOut(SealOrder order) {
        Place place = Place.of(order);
        SectorRecord sector = null;
        boolean again = false;
        try {
            sector = filled(order, place);
            SectorRecord sealed = sector.state() == SectorState.SEALED
                    ? sector
                    : sectors.seal(sector.number(), order.ticket(), Progress.NONE);
            again = !isOfBlocks(order, sealed);
            if (again) {
                LOG.error("sector {} goes, it was sealed from something else than the slot", sector.number());
                remove(place, sector.number());
            } else {
                LOG.info("slot {} is sealed, sector {}", order, sector.number());
            }
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.INTERRUPTED) {
                throw e;
            }
            LOG.info("slot {} is not sealed: {}", order, e.getMessage());
            giveUp(place, sector);
        } catch (RuntimeException e) {
            LOG.error("slot {} is not sealed: a defect", order, e);
            giveUp(place, sector);
        } finally {
            carriedOut(place, order, again);
        }
        return !again;
    }

    private synchronized void carriedOut(Place place, SealOrder order, boolean again) {
        if (waiting.remove(place, order) && again) {
            waiting.put(place, order); // behind the others
        }
        served.merge(order.tenant(), 1L, Long::sum);
    }

    /** A payload that the disk lost makes a replica that proves itself well, and of which the tenant says for ever that it is of other data. */
    private boolean isOfBlocks(SealOrder order, SectorRecord sector) {
        byte[] commD = Sectors.commD(storage, inventory(order), order.slot(), sector.nodes());
        return Arrays.equals(commD, replica(sector).statement().commD());
    }

    /** What a sealing that failed leaves takes room that it may have lacked. */
    private void giveUp(Place place, @Nullable SectorRecord sector) {
        SectorRecord now;
        synchronized (this) {
            now = sector == null ? null : intactAt(place);
        }
        if (now != null && now.state() != SectorState.SEALED && now.state() != SectorState.PROVING) {
            remove(place, now.number());
        }
    }

    private SectorRecord filled(SealOrder order, Place place) {
        Inventory inventory;
        synchronized (this) {
            SectorRecord begun = intactAt(place);
            if (begun != null) {
                return begun;
            }
            inventory = inventory(order);
            requireConsent(order, inventory);
        }
        SectorRecord full = sectors.fromOrder(storage, inventory, order, generation(order));
        synchronized (this) {
            load();
            made.put(place, full.number());
        }
        return full;
    }

    // ---- proofs -------------------------------------------------------------------------------------------------

    /** The sector that was sealed under exactly this order. */
    private synchronized SectorRecord sealedUnder(SealOrder order) {
        SectorRecord sector = sectorAt(Place.of(order));
        SectorOrder ordered = sector == null ? null : ordered(sector);
        if (sector == null || ordered == null || !ordered.order().equals(order)) {
            throw refused(ErrorKind.NOT_FOUND, order, "the slot is not sealed under this order");
        }
        return sector;
    }

    private byte[] seed(SealOrder order, SealAsk question, SealStatement.Kind kind, byte[] commR) {
        SealChallenge challenge = new SealChallenge(
                new SealStatement(network.bytes(), order.digest(), commR, kind, question.epoch()),
                order.verifier(),
                question.signature());
        if (!challenge.isGenuine()) {
            throw refused(ErrorKind.INVALID, order, "its verifier did not sign the challenge");
        }
        return challenge.seed();
    }

    @Override
    public byte[] replication(SealOrder order, SealAsk question) {
        SectorRecord sector;
        try {
            sector = sealedUnder(order);
        } catch (PpiofsException e) {
            throw notLost(e); // nobody counts on it yet
        }
        if (sector.state() != SectorState.SEALED) {
            throw refused(ErrorKind.NOT_FOUND, order, "the slot is not sealed, or only proves windows by now");
        }
        SealedReplica sealed = replica(sector);
        byte[] seed = seed(
                order,
                question,
                SealStatement.Kind.REPLICATION,
                sealed.statement().commR());
        byte[] proof = proof(sector.number(), sealed, seed);
        if (proof == null) {
            sealAgain(order, sector.number());
            throw refused(ErrorKind.BUSY, order, "the replica does not prove itself; the slot is sealed again");
        }
        return proof;
    }

    /** Null if it does not hold. */
    private byte @Nullable [] proof(long number, SealedReplica sealed, byte[] seed) {
        String reason;
        try (ReplicationProver prover = sectors.store().prover(number)) {
            byte[] proof = prover.prove(seed);
            Verdict verdict = new ReplicationVerifier(sealed.statement()).verify(seed, sealed.parameters(), proof);
            if (verdict.accepted()) {
                return proof;
            }
            reason = verdict.reason();
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.CORRUPT && e.kind() != ErrorKind.NOT_FOUND) {
                throw e;
            }
            reason = e.getMessage();
        }
        LOG.warn("sector {} does not prove its replication: {}", number, reason);
        return null;
    }

    private void sealAgain(SealOrder order, long number) {
        Place place = Place.of(order);
        remove(place, number);
        queue(place, order, false);
    }

    @Override
    public byte[] window(SealOrder order, SealAcceptance acceptance, SealAsk question) {
        SectorRecord sector = sealedUnder(order);
        SealedReplica sealed = replicaOf(sector, order, acceptance);
        byte[] seed = seed(order, question, SealStatement.Kind.WINDOW, acceptance.commR());
        if (sector.state() == SectorState.SEALED) {
            sector = accepted(order, sector, acceptance);
        }
        if (sector.state() != SectorState.PROVING && sector.state() != SectorState.RECOVERING) {
            throw refused(ErrorKind.CORRUPT, order, "the replica is damaged");
        }
        return leaves(order, sector, sealed, seed);
    }

    private SealedReplica replicaOf(SectorRecord sector, SealOrder order, SealAcceptance acceptance) {
        boolean has = sector.commitments() != null && sector.number() == acceptance.sector();
        SealedReplica sealed = has ? replica(sector) : null;
        if (sealed == null
                || !Arrays.equals(sealed.statement().commR(), acceptance.commR())
                || !Arrays.equals(sealed.statement().commD(), acceptance.commD())) {
            throw refused(ErrorKind.NOT_FOUND, order, "the replica that was accepted is not here");
        }
        return sealed;
    }

    /** From here on only windows are proven. What goes with that cannot be made again in seconds: it is proven once more before. */
    private SectorRecord accepted(SealOrder order, SectorRecord sector, SealAcceptance acceptance) {
        SectorStore store = sectors.store();
        byte[] own = new byte[SealStatement.SEED_BYTES];
        random.nextBytes(own);
        byte[] proof = proof(sector.number(), replica(sector), own);
        if (proof == null) {
            sealAgain(order, sector.number());
            throw refused(ErrorKind.CORRUPT, order, "the replica is damaged");
        }
        SectorOrder.save(directory(sector.number()), acceptance);
        return store.proven(sector.number(), own, proof);
    }

    /** Whoever finds his own replica damaged says so, and does not go on proving what is left of it. */
    private byte[] leaves(SealOrder order, SectorRecord sector, SealedReplica sealed, byte[] seed) {
        SectorStore store = sectors.store();
        long number = sector.number();
        Map<Long, String> unreadable = new HashMap<>();
        TreeMap<Long, SpaceTimeProver.ProvingSector> provers = new TreeMap<>();
        provers.put(number, new SpaceTimeProver.ProvingSector(sealed, store.filesOf(number)));
        byte[] proof = new SpaceTimeProver((bad, failure) -> unreadable.put(bad, failure.detail()))
                .prove(provers, seed, SpaceTimeChallenges.WINDOW);
        Verdict verdict = new SpaceTimeVerifier()
                .verify(Map.of(number, sealed.statement()), seed, SpaceTimeChallenges.WINDOW, proof)
                .getOrDefault(number, Verdict.reject("it was not checked"));
        if (!verdict.accepted() && Thread.currentThread().isInterrupted()) {
            throw refused(ErrorKind.BUSY, order, "the node is ending"); // which closes files that are read
        }
        if (!verdict.accepted()) {
            store.declareFault(number);
            LOG.warn("sector {} is damaged: {}", number, unreadable.getOrDefault(number, verdict.reason()));
            throw refused(ErrorKind.CORRUPT, order, "the replica is damaged");
        }
        if (sector.state() == SectorState.RECOVERING) {
            store.recovered(number);
        }
        return proof;
    }

    /** The sectors are closed before: what waits for a sealing goes on waiting otherwise, on a thread that keeps nothing from ending. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        // no interrupt: it would close the files that the thread writes; a sealing is stopped by who closes the sectors
        try {
            thread.join(TimeUnit.SECONDS.toMillis(LAST_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
