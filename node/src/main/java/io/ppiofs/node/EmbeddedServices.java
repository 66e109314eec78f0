package io.ppiofs.node;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.blockstore.gc.LiveSet;
import io.ppiofs.blockstore.segment.CorruptBlock;
import io.ppiofs.blockstore.segment.ScrubReport;
import io.ppiofs.blockstore.segment.ScrubWatcher;
import io.ppiofs.blockstore.segment.SegmentBlockStore;
import io.ppiofs.blockstore.segment.SegmentOptions;
import io.ppiofs.blockstore.segment.StoreStatistics;
import io.ppiofs.blockstore.space.SpaceBudget;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.GarbageCollector;
import io.ppiofs.fs.core.VolumeFileSystem;
import io.ppiofs.fs.fuse.FuseDriver;
import io.ppiofs.fs.volume.Capability;
import io.ppiofs.fs.volume.OwnerKey;
import io.ppiofs.fs.volume.Protection;
import io.ppiofs.fs.volume.UnlockedVolume;
import io.ppiofs.fs.volume.Unlocker;
import io.ppiofs.fs.volume.VolumeDirectory;
import io.ppiofs.fs.volume.VolumeParameters;
import io.ppiofs.fs.volume.VolumePlacement;
import io.ppiofs.node.config.NodeConfig;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.deals.DealPolicy;
import io.ppiofs.node.network.NetworkOrder;
import io.ppiofs.node.network.NetworkService;
import io.ppiofs.node.network.OverlayNetwork;
import io.ppiofs.node.swarm.Custodies;
import io.ppiofs.node.swarm.SwarmService;
import io.ppiofs.node.swarm.SwarmVolume;
import io.ppiofs.node.swarm.Verifications;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.proofs.sdr.SealParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The embedded default: volumes and one segment store in the home, mounts through a FUSE driver. The store opens at the
 * first need, in the background if {@link #warmUp} was called.
 */
public final class EmbeddedServices implements NodeServices {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedServices.class);

    /** How long a writer on a full disk waits for another collection before it hears that the disk is full. */
    private static final long PATIENCE_SECONDS = 30;

    private final Home home;
    private final NodeConfig config;
    private final MountDrivers driver;

    /**
     * Held while a volume is made and while garbage is collected: a volume that appeared between the list of volumes
     * and the mark would lose its first blocks.
     */
    private final ReentrantLock volumeSet = new ReentrantLock();

    /** The volumes that are open now. */
    private final Set<EmbeddedVolume> live = ConcurrentHashMap.newKeySet();

    /** What this node does in its network for its volumes; null while it is in none. */
    private volatile @Nullable SwarmService swarm;

    private volatile @Nullable Verifications verifications;

    private volatile @Nullable VolumeAccess access;
    private @Nullable CompletableFuture<Opened> opening;
    private boolean closed;

    private record Opened(SegmentBlockStore store, SpaceBudget budget, HomeSpace space, GarbageCollector collector) {}

    private EmbeddedServices(Home home, NodeConfig config) {
        this.home = home;
        this.config = config;
        this.driver = new MountDrivers(config.get(NodeConfig.MOUNT_DRIVER));
    }

    /** Opens nothing yet. */
    public static NodeServices open(Home home, NodeConfig config) {
        return new EmbeddedServices(home, config);
    }

    @Override
    public void warmUp() {
        opening();
        inBackground("load-fuse", driver::load);
        inBackground("load-crypto", EmbeddedServices::loadCrypto);
        // verifies a signature, which loads what unlocking needs
        inBackground("load-volumes", this::volumes);
    }

    /** Unpacks and loads its library: a quarter of a second. */
    private static void loadCrypto() {
        Throwable failed = AmazonCorrettoCryptoProvider.INSTANCE.getLoadingError();
        if (failed != null) {
            LOG.debug("the fast ciphers cannot be loaded", failed);
        }
    }

    @Override
    public void prepare() {
        driver.load();
        loadCrypto();
        volumes();
    }

    private static void inBackground(String name, Runnable task) {
        Thread thread = new Thread(
                () -> {
                    try {
                        task.run();
                    } catch (RuntimeException | LinkageError e) {
                        // whoever needs it meets the same failure and reports it
                        LOG.debug("{} failed", name, e);
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
    }

    private synchronized CompletableFuture<Opened> opening() {
        if (closed) {
            throw new PpiofsException(ErrorKind.NOT_CONNECTED, "open", home.toString(), "the node is ending");
        }
        CompletableFuture<Opened> current = opening;
        if (current == null || current.isCompletedExceptionally()) {
            CompletableFuture<Opened> next = new CompletableFuture<>();
            opening = next;
            inBackground("open-store", () -> {
                try {
                    next.complete(openStore());
                } catch (RuntimeException | LinkageError e) {
                    next.completeExceptionally(e);
                }
            });
            return next;
        }
        return current;
    }

    private Opened openStore() {
        SpaceBudget budget = SpaceBudget.open(
                home.blocksDirectory(), config.get(NodeConfig.STORE_CAPACITY).bytes());
        try {
            SegmentBlockStore store = SegmentBlockStore.open(home.blocksDirectory(), SegmentOptions.defaults(), budget);
            return new Opened(
                    store,
                    budget,
                    new HomeSpace(budget, this::collectForRoom, this::garbage),
                    new GarbageCollector(store));
        } catch (RuntimeException e) {
            budget.close();
            throw e;
        }
    }

    private Opened opened() {
        try {
            return opening().join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof PpiofsException cause) {
                throw cause;
            }
            throw new PpiofsException(
                    ErrorKind.INTERNAL, "open", home.blocksDirectory().toString(), "failed: " + e.getCause(), e);
        }
    }

    @Override
    public List<VolumeSummary> volumes() {
        VolumeDirectory.Listing listing = VolumeDirectory.list(home.volumesDirectory());
        listing.problems().forEach(p -> LOG.warn("a volume cannot be listed: {}", p.getMessage()));
        List<VolumeSummary> volumes = new ArrayList<>();
        listing.volumes().forEach(v -> volumes.add(summary(v)));
        return volumes;
    }

    @Override
    public @Nullable VolumeSummary find(String nameOrId) {
        VolumeDirectory volume = VolumeDirectory.find(home.volumesDirectory(), nameOrId);
        return volume == null ? null : summary(volume);
    }

    private static VolumeSummary summary(VolumeDirectory volume) {
        return summary(volume, volume.protection());
    }

    /** A volume of another machine goes by its id: its name may be that of a volume that was made here. */
    private static VolumeSummary summary(VolumeDirectory volume, Protection.Kind protection) {
        return new VolumeSummary(
                volume.isImported()
                        ? volume.config().id().toString()
                        : volume.config().name(),
                volume.config().id().toString(),
                volume.config().created(),
                switch (protection) {
                    case UNPROTECTED -> "unprotected";
                    case PASSPHRASE -> "passphrase";
                    case KEY_FILE -> "key file";
                },
                placed(volume, placement -> placement.scheme().toString()),
                placed(volume, VolumePlacement::seal));
    }

    private static @Nullable String placed(VolumeDirectory volume, Function<VolumePlacement, @Nullable String> what) {
        try {
            VolumePlacement placement = volume.placement();
            return placement == null || placement.swarm() == null ? null : what.apply(placement);
        } catch (PpiofsException e) {
            LOG.warn("volume {}: {}", volume.config().name(), e.getMessage());
            return "unreadable";
        }
    }

    @Override
    public VolumeSummary createVolume(NewVolume order) {
        if (order.scheme() != null) {
            Scheme.parse(order.scheme());
            swarm("create volume", order.name());
        }
        Integer blockSize = order.blockSize();
        VolumeParameters parameters = new VolumeParameters(
                order.name(),
                blockSize == null ? VolumeParameters.DEFAULT_BLOCK_SIZE : blockSize,
                order.dedup(),
                order.padding());
        volumeSet.lock();
        try {
            UnlockedVolume volume =
                    VolumeDirectory.create(home.volumesDirectory(), parameters, protection(order.protection()));
            if (order.scheme() != null) {
                place(order.name(), volume, order.scheme(), null);
            }
            LOG.info("made volume {} ({})", order.name(), volume.config().id());
        } finally {
            volumeSet.unlock();
        }
        VolumeSummary made = find(order.name());
        if (made == null) {
            throw new PpiofsException(ErrorKind.INTERNAL, "create volume", order.name(), "is not there after all");
        }
        return made;
    }

    private static Protection protection(Unlock unlock) {
        char[] passphrase = unlock.passphrase();
        if (passphrase != null) {
            return new Protection.Passphrase(passphrase);
        }
        return unlock.keyFile() != null ? new Protection.KeyFile(unlock.keyFile()) : new Protection.Unprotected();
    }

    /** Answers with what was given, or says which option is missing. */
    private static Unlocker unlocker(String name, Unlock unlock) {
        return (kind, subject) -> {
            boolean given = kind == Protection.Kind.PASSPHRASE ? unlock.passphrase() != null : unlock.keyFile() != null;
            if (!given) {
                throw new PpiofsException(
                        ErrorKind.WRONG_KEY,
                        "unlock",
                        "volume " + name,
                        "it is " + kind.description() + "; give it with "
                                + (kind == Protection.Kind.PASSPHRASE ? "--passphrase-file" : "--key-file"));
            }
            return kind == Protection.Kind.PASSPHRASE
                    ? protection(new Unlock(unlock.passphrase(), null))
                    : protection(new Unlock(null, unlock.keyFile()));
        };
    }

    @Override
    public OpenVolume open(String name, Unlock unlock, Map<String, Supplier<byte[]>> virtualFiles) {
        VolumeDirectory directory = directory(name);
        return open(name, directory, directory.unlock(unlocker(name, unlock)), virtualFiles, false);
    }

    @Override
    public OpenVolume resume(String name, byte[] secrets, Map<String, Supplier<byte[]>> virtualFiles) {
        VolumeDirectory directory = directory(name);
        return open(name, directory, directory.unlock(secrets), virtualFiles, true);
    }

    private OpenVolume open(
            String name,
            VolumeDirectory directory,
            UnlockedVolume volume,
            Map<String, Supplier<byte[]>> virtualFiles,
            boolean resumes) {
        Opened opened = opened();
        SwarmService service = swarm;
        boolean served = service != null && service.serves(directory);
        if (volume.writer() == null) {
            if (service == null || !served) {
                throw new PpiofsException(
                        ErrorKind.NOT_CONNECTED,
                        "open",
                        "volume " + name,
                        "is read from its network, and this node is not in it; set network.bootstrap and network.name");
            }
            return FollowedVolume.open(
                    volume, service, service.open(volume, directory, opened.store(), config), config, virtualFiles);
        }
        SwarmVolume part = service != null && served ? service.open(volume, directory, opened.store(), config) : null;
        try {
            return EmbeddedVolume.open(
                    volume, opened.store(), part, opened.space(), config, virtualFiles, live, resumes);
        } catch (RuntimeException e) {
            if (part != null) {
                part.close();
            }
            throw e;
        }
    }

    private SwarmService swarm(String operation, String subject) {
        SwarmService service = swarm;
        if (service == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED,
                    operation,
                    subject,
                    "this node is in no network; set network.bootstrap and network.name, or start it with 'ppiofs node'");
        }
        return service;
    }

    @Override
    public VolumeSummary importVolume(String text, Unlock unlock) {
        Capability capability = Capability.parse(text);
        VolumeDirectory known = VolumeDirectory.find(
                home.volumesDirectory(), capability.volumeId().toString());
        if (known != null) {
            return summary(known);
        }
        volumeSet.lock();
        try {
            VolumeDirectory made = swarm("import", "volume " + capability.volumeId())
                    .importVolume(home.volumesDirectory(), capability, protection(unlock));
            LOG.info("made volume {} ({}) known", made.config().name(), capability.volumeId());
            return summary(made);
        } finally {
            volumeSet.unlock();
        }
    }

    @Override
    public @Nullable Verifications verifications() {
        return verifications;
    }

    @Override
    public String share(String name, Unlock unlock, String right) {
        Capability capability = unlocked(name, unlock).capability();
        if (capability instanceof Capability.ReadWrite rw && !right.equals("rw")) {
            Capability.ReadOnly reading =
                    rw.readOnly(unlocked(name, unlock).keys().currentEpoch());
            if (right.equals("verify")) {
                SwarmService.shareTags(directory(name));
            }
            return right.equals("verify") ? reading.verify().text() : reading.text();
        }
        if (capability instanceof Capability.ReadOnly ro && right.equals("verify")) {
            return ro.verify().text();
        }
        boolean same = capability instanceof Capability.ReadWrite && right.equals("rw")
                || capability instanceof Capability.ReadOnly && right.equals("ro");
        if (!same) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED, "share", "volume " + name, "this home holds less than that of it");
        }
        return capability.text();
    }

    @Override
    public String custodian(String name, Unlock unlock, PeerId peer, Duration lasts) {
        if (!(unlocked(name, unlock).capability() instanceof Capability.ReadWrite rw)) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    "custodian",
                    "volume " + name,
                    "only a home that can write it names its custodians");
        }
        return Custodies.text(swarm("custodian", "volume " + name).custody(rw, peer, lasts));
    }

    @Override
    public boolean place(String name, Unlock unlock, @Nullable String scheme, @Nullable String seal) {
        VolumePlacement placed = place(name, unlocked(name, unlock), scheme, seal);
        boolean mounted = false;
        for (var volume : live) {
            mounted |= volume.keepAs(placed);
        }
        return mounted;
    }

    private VolumePlacement place(String name, UnlockedVolume volume, @Nullable String scheme, @Nullable String seal) {
        OwnerKey owner = volume.owner();
        if (owner == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    "place",
                    "volume " + name,
                    "only its owner's home can say where it belongs");
        }
        VolumeDirectory directory = directory(name);
        VolumePlacement last = directory.placement();
        if (scheme == null && (last == null || last.swarm() == null)) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "place", "volume " + name, "it is not on peers; give --copies N or --code K+M");
        }
        Scheme wanted = scheme == null && last != null ? last.scheme() : Scheme.parse(String.valueOf(scheme));
        return directory.place(
                owner,
                wanted,
                swarm("place", "volume " + name).network(),
                seal == null ? (last == null ? null : last.seal()) : sealing(seal));
    }

    private static @Nullable String sealing(String seal) {
        return "off".equals(seal) ? null : SealParameters.named(seal).name();
    }

    private VolumeDirectory directory(String name) {
        VolumeDirectory directory = VolumeDirectory.find(home.volumesDirectory(), name);
        if (directory == null) {
            throw NodeServices.unknown(name);
        }
        return directory;
    }

    private UnlockedVolume unlocked(String name, Unlock unlock) {
        return directory(name).unlock(unlocker(name, unlock));
    }

    @Override
    public void attach(VolumeAccess volumeAccess) {
        access = volumeAccess;
    }

    @Override
    public GcReport gc(Progress progress) {
        volumeSet.lock();
        try {
            return collect(progress);
        } finally {
            volumeSet.unlock();
        }
    }

    /** The disk refused a reservation: makes room if nobody else is about to. */
    private void collectForRoom() {
        try {
            if (!volumeSet.tryLock(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                return;
            }
            try {
                collect(Progress.NONE);
            } finally {
                volumeSet.unlock();
            }
        } catch (PpiofsException e) {
            LOG.warn("no room, and nothing could be collected: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Dropped file bytes that the open volumes know of; an orphan counts as one until its content is dropped. */
    private long garbage() {
        return live.stream()
                .map(v -> v.fileSystem().stats())
                .mapToLong(s -> s.garbageBytes() + s.orphans())
                .sum();
    }

    private GcReport collect(Progress progress) {
        VolumeAccess volumes = access;
        if (volumes == null) {
            throw new IllegalStateException("collection before attach");
        }
        List<String> held = new ArrayList<>();
        List<EmbeddedVolume> written = new ArrayList<>();
        try {
            for (VolumeSummary v : volumesOrFailure()) {
                if (isOnlyRead(v.name())) {
                    continue;
                }
                OpenVolume volume = acquire(volumes, v.name());
                held.add(v.name());
                if (volume instanceof EmbeddedVolume core) {
                    written.add(core);
                }
            }
            List<VolumeFileSystem> cores =
                    written.stream().map(EmbeddedVolume::fileSystem).toList();
            GarbageCollector.Report report = opened().collector().collect(cores, onPeers(written), stages(progress));
            opened().budget().restoreBallast();
            return new GcReport(
                    report.marked(), report.swept().blocks(), report.swept().bytes());
        } catch (RuntimeException e) {
            written.forEach(EmbeddedVolume::markFailed);
            throw e;
        } finally {
            held.forEach(volumes::release);
        }
    }

    private static GarbageCollector.Also onPeers(List<EmbeddedVolume> volumes) {
        return new GarbageCollector.Also() {
            @Override
            public void markBegins() {
                volumes.forEach(EmbeddedVolume::markBegins);
            }

            @Override
            public void marked(LiveSet live) {
                volumes.forEach(volume -> volume.marked(live));
            }
        };
    }

    /** Of a volume that is only read here there is nothing here but a cache. One that is locked counts as written. */
    private boolean isOnlyRead(String name) {
        VolumeDirectory directory = directory(name);
        try {
            return directory.isImported()
                    && directory.unlock(unlocker(name, Unlock.NONE)).writer() == null;
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.WRONG_KEY) {
                return false;
            }
            throw e;
        }
    }

    /** Marking counts against the blocks there are; what share of them is live nobody knows before. */
    private GarbageCollector.Stages stages(Progress progress) {
        long stored = Math.max(0, opened().store().statistics().blocks());
        Paced marking = new Paced(progress, "finding live blocks");
        Paced sweeping = new Paced(progress, "deleting the others");
        return new GarbageCollector.Stages() {
            @Override
            public void marked(long blocks) {
                marking.report(blocks, stored);
            }

            @Override
            public void examined(long blocks) {
                sweeping.report(blocks, stored);
            }
        };
    }

    @Override
    public ScrubFindings scrub(long bytesPerSecond, Progress progress, BooleanSupplier cancelled) {
        SegmentBlockStore store = opened().store();
        Paced hashing = new Paced(progress, "hashing MiB");
        List<FsckReport.Finding> findings = new ArrayList<>();
        ScrubReport report = store.verifyAll(bytesPerSecond, new ScrubWatcher() {
            @Override
            public void damaged(CorruptBlock block) {
                LOG.error("scrub: {}", block);
                if (findings.size() < ScrubFindings.MAX_LISTED) {
                    findings.add(finding(block));
                }
            }

            @Override
            public void progress(long bytes) {
                hashing.report(bytes >> 20, store.statistics().liveBytes() >> 20);
            }

            @Override
            public boolean cancelled() {
                return cancelled.getAsBoolean();
            }
        });
        return new ScrubFindings(report.blocks(), report.bytes(), report.damaged(), findings);
    }

    private static FsckReport.Finding finding(CorruptBlock block) {
        Cid cid = block.cid();
        String place = "segment " + block.segment() + " at " + block.offset();
        return cid == null
                ? new FsckReport.Finding(place, block.detail())
                : new FsckReport.Finding("block " + cid, block.detail() + " (" + place + ")");
    }

    /** A volume that cannot be read cannot be marked, and its blocks would go. */
    private List<VolumeSummary> volumesOrFailure() {
        VolumeDirectory.Listing listing = VolumeDirectory.list(home.volumesDirectory());
        if (!listing.problems().isEmpty()) {
            throw listing.problems().get(0);
        }
        return listing.volumes().stream().map(EmbeddedServices::summary).toList();
    }

    private static OpenVolume acquire(VolumeAccess access, String name) {
        try {
            return access.acquire(name);
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.WRONG_KEY) {
                throw e;
            }
            throw new PpiofsException(
                    ErrorKind.WRONG_KEY,
                    "gc",
                    "volume " + name,
                    "is locked, and without it nobody knows which blocks it needs; mount it first",
                    e);
        }
    }

    @Override
    public @Nullable StoreFacts store() {
        CompletableFuture<Opened> current;
        synchronized (this) {
            current = opening;
        }
        if (current == null || !current.isDone() || current.isCompletedExceptionally()) {
            return null;
        }
        StoreStatistics now = current.join().store().statistics();
        SpaceBudget budget = current.join().budget();
        return new StoreFacts(
                now.blocks(), now.liveBytes(), now.diskBytes(), now.segments(), budget.available(), budget.total());
    }

    @Override
    public NetworkService join(NetworkOrder order) {
        OverlayNetwork network = OverlayNetwork.start(home, order, DealPolicy.of(config));
        SwarmService service = network.swarm();
        swarm = service;
        verifications = service.verify(home.verifyingDirectory(), config);
        return network;
    }

    @Override
    public FuseDriver driver() {
        return driver;
    }

    @Override
    public void close() {
        CompletableFuture<Opened> current;
        synchronized (this) {
            closed = true;
            current = opening;
        }
        if (current == null) {
            return;
        }
        Opened opened = current.handle((o, failed) -> o).join();
        if (opened != null) {
            try (SpaceBudget budget = opened.budget()) {
                opened.store().close();
                LOG.debug("closed the store, {} bytes were available", budget.available());
            }
        }
    }
}
