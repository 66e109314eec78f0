package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.volume.Capability;
import io.ppiofs.fs.volume.Head;
import io.ppiofs.fs.volume.HeadClear;
import io.ppiofs.fs.volume.VolumeConfig;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.audit.AuditOutcome;
import io.ppiofs.node.audit.VolumeAuditor;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.proofs.audit.AuditForm;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A volume that this node audits by its verify capability: it follows the volume's manifests, which say where blocks and tags are, and reads nothing else.
 * It has no key that opens a block. Thread-safe; one thread of its own, which mostly sleeps.
 */
final class VerifiedVolume implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(VerifiedVolume.class);

    /** How often it is looked for a newer head. */
    private static final Duration LOOK = Duration.ofSeconds(30);

    /** And as long as none was found. */
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(3);

    private static final Duration STEP = Duration.ofSeconds(1);

    private final Capability.Verify capability;
    private final NetworkId network;
    private final GroupBook book;
    private final SwarmReader reader;
    private final Supplier<List<HeadBundle>> told;
    private final VolumeAuditor auditor;
    private final AuditNews news;
    private final Thread thread;
    private final CountDownLatch ended = new CountDownLatch(1);

    /** Sequence of the newest head of each writer's slot; guarded by this. */
    private final Map<Integer, Long> sequences = new HashMap<>();

    private volatile @Nullable String name;

    /** @param told what the DHT and operators tell of its heads, the newest last */
    VerifiedVolume(
            Capability.Verify capability,
            NetworkId network,
            GroupBook book,
            SwarmReader reader,
            Supplier<List<HeadBundle>> told,
            VolumeAuditor auditor,
            AuditNews news) {
        this.capability = capability;
        this.network = network;
        this.book = book;
        this.reader = reader;
        this.told = told;
        this.auditor = auditor;
        this.news = news;
        this.thread = new Thread(this::run, "verify-" + capability.volumeId());
        thread.setDaemon(true);
    }

    /** How such an auditor goes about it. @param nothing it has no blocks of the volume */
    record Role(AuditNews news, BlockStore nothing) implements AuditedGroups.Role {
        Role(AuditNews news) {
            this(news, new MemoryBlockStore());
        }

        @Override
        public AuditForm form() {
            return AuditForm.PUBLIC;
        }

        /** Only the writer knows; a holder that is being sent something says itself that it lacks it, which is hearsay to others. */
        @Override
        public boolean isFilled(SlotAddress slot) {
            return true;
        }

        @Override
        public boolean isBusy() {
            return false;
        }

        @Override
        public boolean isDrawn(SlotTable table, int slot, long epoch) {
            return news.isDrawn(table, slot, epoch);
        }

        @Override
        public boolean tags(Group group) {
            return false;
        }

        @Override
        public void failed(AuditOutcome outcome) {
            news.tell(outcome);
        }

        @Override
        public BlockStore here() {
            return nothing;
        }

        @Override
        public BlockStore everywhere() {
            return nothing;
        }
    }

    /** What {@link TagBlocks} reads. */
    record Blocks(SwarmReader reader) implements TagBlocks.Blocks {
        @Override
        public Map<Cid, ByteBuffer> get(List<Cid> cids) {
            return reader.fetch(cids);
        }

        @Override
        public void put(List<StoredBlock> blocks) {
            throw new UnsupportedOperationException("a verifier writes nothing");
        }
    }

    void start() {
        news.start(auditor);
        auditor.start();
        thread.start();
    }

    Capability.Verify capability() {
        return capability;
    }

    VolumeAuditor auditor() {
        return auditor;
    }

    /** As its owner calls it; null until a head was found. */
    @Nullable
    String name() {
        return name;
    }

    private void run() {
        long nextLook = System.nanoTime();
        try {
            while (!ended.await(STEP.toNanos(), TimeUnit.NANOSECONDS)) {
                try {
                    if (System.nanoTime() - nextLook >= 0) {
                        boolean found = refresh();
                        nextLook = System.nanoTime() + (found ? LOOK : LOOK_AGAIN).toNanos();
                    }
                    news.step();
                } catch (PpiofsException e) {
                    LOG.info("volume {}: {}", capability.volumeId(), e.getMessage());
                    nextLook = System.nanoTime() + LOOK_AGAIN.toNanos();
                } catch (RuntimeException e) {
                    LOG.error("volume {}: following it met a defect and goes on", capability.volumeId(), e);
                    nextLook = System.nanoTime() + LOOK.toNanos();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Learns what the newest head's manifest says.
     *
     * @return whether a manifest is known
     */
    synchronized boolean refresh() {
        List<HeadBundle> bundles = told.get();
        for (int i = bundles.size() - 1; i >= 0; i--) {
            try {
                if (learn(bundles.get(i))) {
                    break;
                }
            } catch (PpiofsException e) {
                LOG.info("volume {}: a head is not followed: {}", capability.volumeId(), e.getMessage());
            }
        }
        return !book.groups().isEmpty();
    }

    private boolean learn(HeadBundle bundle) {
        HeadClear head = Head.verify(bundle.head(), "of a peer");
        Cid manifest = head.manifestRoot();
        int slot = head.certificate().slot();
        boolean ours = head.volume().equals(capability.volumeId());
        if (!ours || manifest == null || head.sequence() < sequences.getOrDefault(slot, 0L)) {
            return false;
        }
        VolumeConfig config = VolumeConfig.decode(bundle.config(), "the description of " + capability.volumeId());
        if (!config.id().equals(capability.volumeId())) {
            return false;
        }
        name = config.name();
        if (!book.hasLearnt(manifest)) {
            reader.learnOnly(manifest, network, List.of(), capability::openManifest);
        }
        sequences.put(slot, head.sequence());
        return true;
    }

    /** For people. */
    Map<String, @Nullable Object> facts() {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("volume", capability.volumeId().toString());
        facts.put("name", name);
        facts.put(
                "closedGroups",
                book.read().stream().filter(group -> !group.isOpen()).count());
        facts.put("otherVerifiers", (long) news.others().size());
        facts.putAll(auditor.facts());
        return facts;
    }

    @Override
    public void close() {
        ended.countDown();
        news.close();
        auditor.close();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(30));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        book.close();
    }
}
