package io.ppiofs.node.storage;

import io.netty.util.concurrent.DefaultThreadFactory;
import io.ppiofs.blockstore.segment.SegmentBlockStore;
import io.ppiofs.blockstore.segment.SegmentOptions;
import io.ppiofs.blockstore.space.SpaceBudget;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.audit.HostedProver;
import io.ppiofs.node.capacity.IdleKeeper;
import io.ppiofs.node.sectors.HostedSeals;
import io.ppiofs.node.sectors.HostedSlots;
import io.ppiofs.node.sectors.SealConsent;
import io.ppiofs.node.sectors.SectorOperations;
import io.ppiofs.node.sectors.Sectors;
import io.ppiofs.overlay.audit.AuditServer;
import io.ppiofs.overlay.audit.CapacityServer;
import io.ppiofs.overlay.audit.SealServer;
import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.blocks.BlockClient;
import io.ppiofs.overlay.blocks.BlockServer;
import io.ppiofs.overlay.blocks.ClientOptions;
import io.ppiofs.overlay.blocks.ServerStatistics;
import io.ppiofs.overlay.blocks.StreamBlockClient;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.repair.ClientBlockMover;
import io.ppiofs.overlay.repair.RepairService;
import io.ppiofs.overlay.storage.StorageClient;
import io.ppiofs.overlay.storage.StorageDirectory;
import io.ppiofs.overlay.storage.StorageHost;
import io.ppiofs.overlay.storage.StorageOptions;
import io.ppiofs.overlay.storage.StorageServer;
import io.ppiofs.proofs.sector.SectorOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The storage role of a node in a network. Thread-safe. */
public final class StorageService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StorageService.class);
    private static final Duration LAST_REQUESTS = Duration.ofSeconds(10);
    private static final long SCRUB_BYTES_PER_SECOND = 20_000_000;
    private static final int THREADS = 3;

    /** What gathers before it is written: one write past the page cache, long enough to keep a disk busy. */
    private static final int BATCH = 1 << 20;

    private final SpaceBudget budget;
    private final StorageHost storage;
    private final StorageServer server;
    private final BlockServer blocks;
    private final AuditServer audits;
    private final IdleKeeper idle;
    private final CapacityServer capacity;
    private final Host host;
    private final Network network;
    private final SealConsent consent;
    private final ExecutorService work;
    private final ExecutorService repairWork;
    private final BlockClient repairClient;
    private final RepairService repair;
    private final Scheduler.Timer scrubbing;
    private final Semaphore scrubs = new Semaphore(1);
    private volatile boolean closing;

    /** Null until there are sectors to seal into. */
    private volatile @Nullable Sealing sealing;

    private record Sealing(HostedSeals seals, SealServer server) {}

    private StorageService(
            Path directory,
            SpaceBudget budget,
            StorageHost storage,
            IdleKeeper idle,
            Host host,
            Network network,
            StorageDirectory operators,
            StorageOrder order,
            Supplier<Reachability> reachability,
            ToLongFunction<PeerId> storedForUs) {
        this.budget = budget;
        this.storage = storage;
        this.idle = idle;
        this.capacity = new CapacityServer(host, network, idle);
        this.host = host;
        this.network = network;
        this.consent = order.seal();
        this.work = Executors.newFixedThreadPool(THREADS, new DefaultThreadFactory("storage", true));
        this.repairWork = Executors.newSingleThreadExecutor(new DefaultThreadFactory("repair", true));
        this.server = new StorageServer(host, network, storage, work, reachability, storedForUs);
        this.blocks = new BlockServer(host, network.blocks(), storage, order.traffic(), THREADS);
        this.audits = new AuditServer(host, network, new HostedProver(network.id(), storage));
        this.repairClient = new StreamBlockClient(
                host, network.blocks(), ClientOptions.on(work).withWrongBytes((peer, cid) -> operators.failed(peer)));
        this.repair = new RepairService(
                host,
                network,
                server,
                new StorageClient(host, network),
                operators,
                new ClientBlockMover(repairClient),
                order.repair(),
                directory.resolve("repair"),
                repairWork);
        this.scrubbing = host.scheduler().scheduleRepeating(order.scrub(), () -> work.execute(this::scrub));
    }

    private void begin(StorageDirectory operators) {
        server.serve();
        blocks.serve();
        audits.serve();
        capacity.serve();
        operators.advertise(server::advert);
        repair.start();
    }

    private void scrub() {
        if (!scrubs.tryAcquire()) {
            return; // the last one is still under way
        }
        try {
            int damaged = storage.scrub(SCRUB_BYTES_PER_SECOND, () -> closing);
            if (damaged > 0) {
                LOG.warn(
                        "{} hosted blocks were damaged on the disk; they are fetched anew from other holders", damaged);
            }
        } catch (PpiofsException e) {
            LOG.info("hosted blocks were not scrubbed: {}", e.getMessage());
        } finally {
            scrubs.release();
        }
    }

    /**
     * Opens what is hosted, serves it, and makes it known.
     *
     * @param directory of the hosted blocks
     * @param idleDirectory of the units that fill what they leave
     * @param storedForUs bytes that a peer holds of this node's own volumes
     * @throws PpiofsException IO, IN_USE, CORRUPT
     */
    public static StorageService start(
            Path directory,
            Path idleDirectory,
            StorageOrder order,
            Host host,
            Network network,
            StorageDirectory operators,
            Supplier<Reachability> reachability,
            ToLongFunction<PeerId> storedForUs) {
        StorageHost storage = null;
        SpaceBudget budget = SpaceBudget.open(directory, Long.MAX_VALUE);
        try {
            storage = StorageHost.open(
                    directory,
                    host.key(),
                    network.id(),
                    StorageOptions.of(order.capacity())
                            .withPlace(order.domain(), order.regions())
                            .withDeletionDelay(order.deletion()),
                    SegmentBlockStore.open(
                            directory.resolve("blocks"),
                            SegmentOptions.defaults().withBatchBytes(BATCH),
                            budget),
                    host.scheduler()::wallMillis);
        } finally {
            if (storage == null) {
                budget.close();
            }
        }
        StorageHost lending = storage;
        IdleKeeper idle = new IdleKeeper(
                idleDirectory,
                new SectorOptions(storage.operator().toBytes(), SectorOperations.porepId(), 1),
                order.capacity(),
                () -> lending.usage().bytes(),
                host.scheduler()::nanoTime);
        storage.observeUse(idle::used);
        storage.whenDiskIsFull(idle::giveUp);
        StorageService service = new StorageService(
                directory, budget, storage, idle, host, network, operators, order, reachability, storedForUs);
        service.begin(operators);
        return service;
    }

    /** From now on hosted slots are sealed into these as their tenants order, as far as the operator consents. Once. */
    public void seal(Sectors sectors) {
        HostedSeals seals = new HostedSeals(sectors, HostedSlots.of(storage, idle::bytes), network.id(), consent);
        Sealing begun = new Sealing(seals, new SealServer(host, network, seals));
        sealing = begun;
        seals.start();
        begun.server().serve();
    }

    /** What is hosted: also what the block protocol serves. */
    public StorageHost storage() {
        return storage;
    }

    /** The idle space beside it. */
    public IdleKeeper idle() {
        return idle;
    }

    /** Capacity, bytes, leases, groups, grants: numbers, which become metrics. */
    public Map<String, @Nullable Object> facts() {
        StorageHost.Usage usage = storage.usage();
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("capacityBytes", usage.capacity());
        facts.put("hostedBytes", usage.bytes());
        facts.put("freeBytes", Math.max(0, usage.capacity() - usage.bytes()));
        facts.put("leases", (long) usage.leases());
        facts.put("groups", (long) usage.groups());
        facts.put("grants", (long) usage.accounts());
        facts.put("heads", (long) usage.heads());
        facts.put("keptJournals", (long) usage.journals());
        ServerStatistics served = blocks.statistics();
        facts.put("blockStreams", (long) served.streams());
        facts.put("bytesServed", served.sent());
        facts.put("bytesTaken", served.received());
        facts.put("blocksServed", served.found());
        facts.put("blocksMissing", served.missing());
        facts.put("blocksTaken", served.stored());
        facts.put("blocksRefused", served.refused());
        facts.put("idleBytes", idle.bytes());
        facts.put("capacityQuestionsAnswered", capacity.answered());
        facts.put("auditsAnswered", audits.answered());
        facts.put("auditsRefused", audits.refused());
        Sealing seals = sealing;
        if (seals != null) {
            facts.putAll(seals.seals().facts());
            facts.put("sealQuestionsAnswered", seals.server().answered());
            facts.put("sealQuestionsRefused", seals.server().refused());
        }
        RepairService.Statistics repairs = repair.statistics();
        facts.put("coHolders", (long) repairs.watched());
        facts.put("coHoldersSilent", (long) repairs.notAlive());
        facts.put("repairsWaiting", (long) repairs.waiting());
        facts.put("repairsDone", repairs.repaired());
        facts.put("repairsAbandoned", repairs.abandoned());
        facts.put("repairBytesSent", repairs.bytesSent());
        facts.put("repairBytesFetched", repairs.bytesFetched());
        RepairService.Leaving left = repair.leaving();
        facts.put("leaving", storage.isLeaving());
        facts.put("groupsToMove", (long) left.groups());
        facts.put("bytesToMove", left.bytes());
        facts.put("groupsMoved", left.moved());
        facts.put("groupsHindered", (long) left.hindered());
        facts.put("hinderedBy", left.why());
        facts.put("domain", storage.options().domain());
        facts.put("regions", storage.options().regions());
        return facts;
    }

    /** Repair: what is watched, waiting, done; bytes moved. */
    public RepairService.Statistics repair() {
        return repair.statistics();
    }

    /**
     * Gives everything that is hosted to others and takes nothing new, from now on and over restarts.
     *
     * @return once it is known what is to be moved
     */
    public CompletableFuture<Void> leave() {
        return repair.leave();
    }

    /** Takes {@link #leave} back. */
    public void stay() {
        repair.stay();
    }

    /** How far {@link #leave} is. */
    public RepairService.Leaving leaving() {
        return repair.leaving();
    }

    @Override
    public void close() {
        closing = true;
        scrubbing.cancel();
        repair.close();
        server.close();
        blocks.close();
        audits.close();
        capacity.close();
        Sealing seals = sealing;
        if (seals != null) {
            seals.server().close();
            seals.seals().close();
        }
        storage.observeUse(bytes -> {});
        storage.whenDiskIsFull(() -> false);
        idle.close();
        repairClient.close();
        repairWork.shutdown();
        work.shutdown();
        try {
            if (!work.awaitTermination(LAST_REQUESTS.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warn("requests to the hosted blocks have not ended in {} s", LAST_REQUESTS.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        storage.close();
        budget.close();
    }
}
