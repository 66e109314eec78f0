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
import io.ppiofs.proofs.verify.SpaceTimeChallenges;
import io.ppiofs.proofs.verify.SpaceTimeVerifier;
import io.ppiofs.proofs.verify.Verdict;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
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

    /** Beside the layers, in sizes of a sector: payload, replica, the graph's table (56 bytes a node of 32), trees. */
    private static final int BESIDE_LAYERS = 5;

    private final Sectors sectors;
    private final HostedSlots storage;
    private final NetworkId network;
    private final SealConsent consent;
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

    private boolean loaded;
    private boolean closed;

    /** @param consent to what new orders are taken; what was sealed before is proven in any case */
    public HostedSeals(Sectors sectors, StorageHost storage, NetworkId network, SealConsent consent) {
        this(sectors, HostedSlots.of(storage), network, consent);
    }

    /** The same for what is hosted in some other way. */
    public HostedSeals(Sectors sectors, HostedSlots storage, NetworkId network, SealConsent consent) {
        this.sectors = sectors;
        this.storage = storage;
        this.network = network;
        this.consent = consent;
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
        for (SectorRecord record : sectors.store().sectors()) {
            SectorOrder ordered = SectorOrder.load(directory(record.number()), network);
            if (ordered != null) {
                Place place = Place.of(ordered.order());
                made.put(place, record.number());
                if (record.state() == SectorState.FULL || record.state() == SectorState.SEALING) {
                    waiting.put(place, ordered.order());
                }
            }
        }
        loaded = true;
    }

    private Path directory(long number) {
        return sectors.store().filesOf(number).directory();
    }

    /** The sector of a slot; null if there is none, or its operator removed it. */
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

    private void remove(Place place, long number) {
        sectors.store().remove(number);
        made.remove(place);
    }

    /** Sectors of slots that are no longer here go. */
    private synchronized void tidy() {
        load();
        Set<Place> hosted = new HashSet<>();
        storage.hosted().forEach(one -> hosted.add(new Place(one.tenant(), one.group(), one.slot())));
        for (Map.Entry<Place, Long> each : Map.copyOf(made).entrySet()) {
            if (!hosted.contains(each.getKey()) && sectorAt(each.getKey()) != null) {
                LOG.info("sector {} goes: its slot is not here any more", each.getValue());
                remove(each.getKey(), each.getValue());
            }
        }
    }

    // ---- orders -------------------------------------------------------------------------------------------------

    @Override
    public synchronized SealStatus order(SealOrder order) {
        Place place = Place.of(order);
        SectorRecord sector = sectorAt(place);
        SectorOrder ordered = sector == null ? null : ordered(sector);
        if (sector != null && ordered != null) {
            SealStatus status = status(sector, ordered);
            if (status != null && ordered.order().wantsSameAs(order)) {
                return status;
            }
            requireLatest(order, ordered.order());
        }
        SealOrder waits = waiting.get(place);
        if (waits != null && waits.wantsSameAs(order)) {
            return SealStatus.waiting(SealStatus.State.QUEUED, 0, waits);
        }
        requireLatest(order, waits);
        requireConsent(order, inventory(order));
        if (sector != null) {
            remove(place, sector.number()); // damaged, proven to nobody, or sealed otherwise than is wanted now
        }
        waiting.put(place, order);
        notifyAll();
        return SealStatus.waiting(SealStatus.State.QUEUED, 0, order);
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
        if (waiting.size() >= MOST_WAITING) {
            throw refused(ErrorKind.BUSY, order, "too many slots wait to be sealed");
        }
        ReplicaGeometry geometry = geometry(order, inventory);
        long used = 0;
        for (Map.Entry<Place, Long> each : made.entrySet()) {
            used += each.getKey().equals(Place.of(order)) ? 0 : sizeOf(each.getValue()); // it would go
        }
        if (used + geometry.sectorBytes() > consent.bytes()
                || !sectors.fits(geometry.sectorBytes() * (geometry.layers() + BESIDE_LAYERS))) {
            throw refused(
                    ErrorKind.BUSY, order, "there is no room for a sector of " + geometry.sectorBytes() + " bytes");
        }
    }

    private long sizeOf(long number) {
        try {
            return sectors.store().sector(number).geometry().sectorBytes();
        } catch (PpiofsException e) {
            return 0; // its operator removed it
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
            tidy();
            for (SealOrder next = next(); next != null; next = next()) {
                carryOut(next);
                tidy();
            }
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.INTERRUPTED) {
                LOG.error("no slot is sealed any more: {}", e.getMessage());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits for one, of the tenant who had least. @return null at the end */
    private synchronized @Nullable SealOrder next() throws InterruptedException {
        while (!closed && waiting.isEmpty()) {
            wait(TimeUnit.MINUTES.toMillis(10));
            if (!closed && waiting.isEmpty()) {
                tidy();
            }
        }
        return closed
                ? null
                : waiting.values().stream()
                        .min(Comparator.comparing(order -> served.getOrDefault(order.tenant(), 0L)))
                        .orElse(null);
    }

    private void carryOut(SealOrder order) {
        Place place = Place.of(order);
        SectorRecord sector = null;
        try {
            sector = filled(order, place);
            sectors.seal(sector.number(), order.ticket(), Progress.NONE);
            LOG.info("slot {} is sealed, sector {}", order, sector.number());
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.INTERRUPTED) {
                throw e;
            }
            LOG.info("slot {} is not sealed: {}", order, e.getMessage());
            giveUp(place, sector);
        } catch (RuntimeException e) {
            LOG.error("slot {} is not sealed: a defect", order, e);
            giveUp(place, sector);
        }
        synchronized (this) {
            waiting.remove(place, order);
            served.merge(order.tenant(), 1L, Long::sum);
        }
    }

    /** What a sealing that failed leaves takes room that it may have lacked. */
    private synchronized void giveUp(Place place, @Nullable SectorRecord sector) {
        SectorRecord now = sector == null ? null : sectorAt(place);
        if (now != null && now.state() != SectorState.SEALED && now.state() != SectorState.PROVING) {
            remove(place, now.number());
        }
    }

    private SectorRecord filled(SealOrder order, Place place) {
        Inventory inventory;
        synchronized (this) {
            SectorRecord begun = sectorAt(place);
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
        SectorRecord sector = sealedUnder(order);
        if (sector.state() != SectorState.SEALED) {
            throw refused(ErrorKind.NOT_FOUND, order, "the slot is not sealed, or only proves windows by now");
        }
        byte[] commR = replica(sector).statement().commR();
        byte[] seed = seed(order, question, SealStatement.Kind.REPLICATION, commR);
        try (ReplicationProver prover = sectors.store().prover(sector.number())) {
            return prover.prove(seed);
        }
    }

    @Override
    public byte[] window(SealOrder order, SealAcceptance acceptance, SealAsk question) {
        SectorRecord sector = sealedUnder(order);
        SealedReplica sealed = replicaOf(sector, order, acceptance);
        byte[] seed = seed(order, question, SealStatement.Kind.WINDOW, acceptance.commR());
        if (sector.state() == SectorState.SEALED) {
            sector = accepted(sector, acceptance);
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
    private SectorRecord accepted(SectorRecord sector, SealAcceptance acceptance) {
        SectorStore store = sectors.store();
        byte[] own = new byte[SealStatement.SEED_BYTES];
        random.nextBytes(own);
        byte[] proof;
        try (ReplicationProver prover = store.prover(sector.number())) {
            proof = prover.prove(own);
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
