package io.ppiofs.node;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.gc.LiveSet;
import io.ppiofs.blockstore.sealed.SealStatistics;
import io.ppiofs.blockstore.sealed.SealedBlocks;
import io.ppiofs.blockstore.sealed.SealedOptions;
import io.ppiofs.blockstore.segment.SegmentBlockStore;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.CoreOptions;
import io.ppiofs.fs.core.CoreStats;
import io.ppiofs.fs.core.CoreVolume;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.Fsck;
import io.ppiofs.fs.core.HeadCheckpoints;
import io.ppiofs.fs.core.SpaceAccount;
import io.ppiofs.fs.core.VolumeFileSystem;
import io.ppiofs.fs.fuse.CoarseClock;
import io.ppiofs.fs.journal.JournalReplica;
import io.ppiofs.fs.journal.ReplicaSeal;
import io.ppiofs.fs.tree.SipHash;
import io.ppiofs.fs.volume.Capability;
import io.ppiofs.fs.volume.HybridLogicalClock;
import io.ppiofs.fs.volume.UnlockedVolume;
import io.ppiofs.fs.volume.VolumeId;
import io.ppiofs.fs.volume.VolumeParameters;
import io.ppiofs.fs.volume.VolumePlacement;
import io.ppiofs.fs.volume.VolumeSecrets;
import io.ppiofs.fs.volume.WriterIdentity;
import io.ppiofs.node.audit.VolumeAuditor;
import io.ppiofs.node.config.NodeConfig;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.swarm.SwarmService;
import io.ppiofs.node.swarm.SwarmVolume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An unlocked volume over the home's segment store, and its filesystem. Thread-safe. */
final class EmbeddedVolume implements OpenVolume {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedVolume.class);

    /** Others see what was written about this late. */
    private static final Duration PUBLISHED = Duration.ofSeconds(5);

    private static final int RECONCILED_AT_ONCE = 1 << 14;

    private final VolumeId id;
    private final VolumeFileSystem fs;
    private final SealedBlocks blocks;
    private final SegmentBlockStore store;
    private final @Nullable SwarmVolume swarm;
    private final Set<EmbeddedVolume> live;
    private final UnlockedVolume volume;
    private final HeadCheckpoints heads;
    private boolean journalCopied;

    private EmbeddedVolume(
            UnlockedVolume volume,
            HeadCheckpoints heads,
            VolumeFileSystem fs,
            SealedBlocks blocks,
            SegmentBlockStore store,
            @Nullable SwarmVolume swarm,
            Set<EmbeddedVolume> live) {
        this.volume = volume;
        this.heads = heads;
        this.id = volume.config().id();
        this.swarm = swarm;
        this.live = live;
        this.fs = fs;
        this.blocks = blocks;
        this.store = store;
    }

    /**
     * @param swarm the volume's part in the swarm, closed with it; null if its blocks are only here
     * @param resumes for users who had it open through another process
     */
    static EmbeddedVolume open(
            UnlockedVolume volume,
            SegmentBlockStore store,
            @Nullable SwarmVolume swarm,
            SpaceAccount space,
            NodeConfig config,
            Map<String, Supplier<byte[]>> virtualFiles,
            Set<EmbeddedVolume> live,
            boolean resumes) {
        WriterIdentity writer = volume.writer();
        if (writer == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "open",
                    "volume " + volume.config().name(),
                    "this home has no writer key for it");
        }
        HybridLogicalClock clock = new HybridLogicalClock(InstantSource.system(), 0);
        BlockStore below = swarm == null ? store : swarm.store();
        SealedBlocks blocks =
                new SealedBlocks(below, volume.keys(), sealing(volume.config().parameters(), config));
        HeadCheckpoints heads = new HeadCheckpoints(volume.heads(), clock, writer.slot());
        CoreVolume core = new CoreVolume(
                volume.config().name(),
                blocks,
                new SipHash(volume.keys().nameKey()),
                new SipHash(volume.keys().levelKey()),
                volume.journalDirectory(),
                volume.keys().journalKey(),
                heads,
                clock,
                writer.slot(),
                space);
        Map<FileName, Supplier<byte[]>> files = new LinkedHashMap<>();
        virtualFiles.forEach((name, content) -> files.put(FileName.of(name), content));
        CoreOptions options = CoreOptions.defaults().withOwner(account());
        if (swarm != null) {
            options = options.withIntervals(options.syncInterval(), PUBLISHED);
        }
        VolumeFileSystem fs = resumes
                ? VolumeFileSystem.resume(core, options, files, CoarseClock.ofSystem())
                : VolumeFileSystem.open(core, options, files, CoarseClock.ofSystem());
        EmbeddedVolume opened = new EmbeddedVolume(volume, heads, fs, blocks, store, swarm, live);
        live.add(opened);
        if (swarm != null) {
            fs.onCheckpoint(saved -> swarm.onCheckpoint());
            Thread thread = new Thread(opened::reconcile, "reconcile-" + core.name());
            thread.setDaemon(true);
            thread.start();
        }
        return opened;
    }

    /** The account of this process: an ordinary user must be able to write into the volume that he made. */
    static Caller account() {
        Path self = Path.of("/proc/self");
        try {
            int uid = (int) Files.getAttribute(self, "unix:uid");
            int gid = (int) Files.getAttribute(self, "unix:gid");
            return new Caller(uid, gid, (int) ProcessHandle.current().pid());
        } catch (IOException | UnsupportedOperationException e) {
            throw new PpiofsException(ErrorKind.IO, "open", self.toString(), "does not tell whose process this is", e);
        }
    }

    static SealedOptions sealing(VolumeParameters parameters, NodeConfig config) {
        return SealedOptions.defaults()
                .withBlockSize(parameters.blockSize())
                .withDedup(parameters.dedup())
                .withPadding(parameters.padding())
                .withCacheBytes(config.get(NodeConfig.CACHE_BLOCKS).bytes());
    }

    /** What a crash left out of the backlog, and what is older than the volume's place in the swarm. */
    private void reconcile() {
        if (swarm == null) {
            return;
        }
        try {
            List<Cid> reached = new ArrayList<>();
            fs.visitLive(ref -> {
                reached.add(ref.cid());
                if (reached.size() >= RECONCILED_AT_ONCE) {
                    swarm.reconcile(reached);
                    reached.clear();
                }
            });
            swarm.reconcile(reached);
            swarm.reconciled();
        } catch (PpiofsException e) {
            LOG.error("what is not on peers yet could not be found out: {}", e.getMessage());
        }
    }

    /**
     * Keeps the blocks on peers like this from now on.
     *
     * @return whether this is that volume, and its blocks are on peers
     */
    boolean keepAs(VolumePlacement placement) {
        if (swarm == null || !id.equals(placement.volume())) {
            return false;
        }
        swarm.keepAs(placement.scheme());
        swarm.sealAs(SwarmService.sealing(placement));
        return true;
    }

    /** A mark begins, and all volumes are quiet. */
    void markBegins() {
        if (swarm != null) {
            swarm.markBegins();
        }
    }

    /** @param found at least what this volume reached when the mark began */
    void marked(LiveSet found) {
        if (swarm != null) {
            try {
                // a head that still reaches what was not found must not be published any more
                fs.checkpoint();
                swarm.marked(found);
            } catch (PpiofsException e) {
                LOG.warn("what peers hold for nothing stays there: {}", e.getMessage());
                swarm.markFailed();
            }
        }
    }

    void markFailed() {
        if (swarm != null) {
            swarm.markFailed();
        }
    }

    VolumeFileSystem fileSystem() {
        return fs;
    }

    @Override
    public FileSystemCore core() {
        return fs;
    }

    @Override
    public synchronized void syncToSwarm() {
        SwarmVolume peers = swarm;
        if (peers == null || !(volume.capability() instanceof Capability.ReadWrite rw)) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "mount",
                    "-o sync=swarm",
                    "the blocks of volume " + volume.config().name()
                            + " are only on this machine; 'ppiofs volume place' brings them to peers, in a node that is in"
                            + " their network");
        }
        if (journalCopied) {
            return;
        }
        byte[] last = HeadCheckpoints.stream(volume.heads().read().state());
        long number = Math.max(System.currentTimeMillis(), last == null ? 0 : ReplicaSeal.numberOf(last) + 1);
        byte[] stream = ReplicaSeal.newStream(number, new SecureRandom());
        JournalReplica replica = peers.copyJournal(stream);
        heads.copiedIn(stream);
        peers.journalBegins(
                fs.engine().copyTo(replica, new ReplicaSeal(rw.journalCopies().bytes(), stream)));
        journalCopied = true;
        // the journal on peers goes on from a head that says so
        fs.checkpoint();
    }

    @Override
    public synchronized boolean syncsToSwarm() {
        return journalCopied;
    }

    @Override
    public void keepTurn(Duration time) {
        SwarmVolume peers = swarm;
        if (peers != null) {
            peers.keepTurn(time);
        }
    }

    @Override
    public byte[] secrets() {
        return VolumeSecrets.handedOver(volume);
    }

    @Override
    public VolumeFacts facts() {
        CoreStats now = fs.stats();
        Map<String, Long> more = new LinkedHashMap<>();
        more.put("memtableBytes", now.memtableBytes());
        more.put("dirtyBytes", now.dirtyBytes());
        more.put("knownInodes", now.knownInodes());
        more.put("openFiles", (long) now.openFiles());
        more.put("checkpoints", now.checkpoints());
        more.put("replayedRecords", now.replayedRecords());
        SealStatistics sealed = blocks.statistics();
        more.put("blocksSealed", sealed.blocksSealed());
        more.put("bytesSealed", sealed.bytesSealed());
        more.put("bytesStored", sealed.bytesStored());
        more.put("framesOpened", sealed.framesOpened());
        more.put("cacheHits", sealed.cacheHits());
        more.put("cacheMisses", sealed.cacheMisses());
        if (swarm != null) {
            more.putAll(swarm.facts());
        }
        String error = now.lastError() == null && swarm != null ? swarm.trouble() : now.lastError();
        return new VolumeFacts(
                now.files(),
                now.unsyncedRecords(),
                now.journalBytes(),
                now.garbageBytes(),
                now.lastCheckpointMillis() == 0 ? null : Instant.ofEpochMilli(now.lastCheckpointMillis()),
                error,
                more);
    }

    @Override
    public FsckReport fsck(Progress progress) {
        long expected = Math.max(0, store.statistics().blocks());
        Paced paced = new Paced(progress, "checking blocks");
        Fsck.Report report =
                new Fsck(fs, swarm == null ? store : swarm.store(), blocks -> paced.report(blocks, expected)).run();
        List<FsckReport.Finding> findings = report.listed().stream()
                .map(p -> new FsckReport.Finding(p.subject(), p.sentence()))
                .toList();
        return new FsckReport(
                report.files(), report.directories(), report.blocks(), report.bytes(), report.problems(), findings);
    }

    @Override
    public @Nullable VolumeAuditor auditor() {
        return swarm == null ? null : swarm.auditor();
    }

    @Override
    public void publish(Progress progress) {
        if (swarm == null) {
            throw notPlaced();
        }
        fs.checkpoint();
        swarm.awaitPublished(progress);
    }

    private static PpiofsException notPlaced() {
        return new PpiofsException(
                ErrorKind.NOT_SUPPORTED,
                "sync",
                "volume",
                "the volume's blocks are only on this machine; 'ppiofs volume place' brings them to peers");
    }

    @Override
    public void close() {
        live.remove(this);
        try (SwarmVolume closedAfter = swarm) {
            fs.close();
        }
    }
}
