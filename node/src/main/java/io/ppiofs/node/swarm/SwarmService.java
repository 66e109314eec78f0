package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.blockstore.segment.SegmentBlockStore;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.fs.journal.JournalRestore;
import io.ppiofs.fs.volume.Capability;
import io.ppiofs.fs.volume.Head;
import io.ppiofs.fs.volume.HeadClear;
import io.ppiofs.fs.volume.Protection;
import io.ppiofs.fs.volume.UnlockedVolume;
import io.ppiofs.fs.volume.VolumeDirectory;
import io.ppiofs.fs.volume.VolumeId;
import io.ppiofs.fs.volume.VolumePlacement;
import io.ppiofs.fs.volume.WriterIdentity;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.audit.AuditKeys;
import io.ppiofs.node.audit.SealAsking;
import io.ppiofs.node.audit.VolumeAuditor;
import io.ppiofs.node.config.NodeConfig;
import io.ppiofs.overlay.audit.AuditClient;
import io.ppiofs.overlay.audit.SealAsk;
import io.ppiofs.overlay.audit.SealClient;
import io.ppiofs.overlay.audit.SealOrder;
import io.ppiofs.overlay.audit.SealStatus;
import io.ppiofs.overlay.blocks.BlockClient;
import io.ppiofs.overlay.fetch.Fetcher;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.Candidate;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Rendezvous;
import io.ppiofs.overlay.storage.Custody;
import io.ppiofs.overlay.storage.PinnedHead;
import io.ppiofs.overlay.storage.StorageAdvert;
import io.ppiofs.overlay.storage.StorageClient;
import io.ppiofs.overlay.storage.StorageDirectory;
import io.ppiofs.proofs.sdr.SealParameters;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a node in a network does for its volumes. One per node. Thread-safe. */
public final class SwarmService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SwarmService.class);

    /** Directory of a volume's placement, in the volume's directory. */
    private static final String PLACEMENT = "groups";

    /** Directory of the tags of its groups. */
    private static final String TAGS = "tags";

    private static final String SEALS = "seals";

    /** When its leases were prolonged. */
    private static final String RENEWED = "renewed";

    /** A writer's own right to prolong, made anew for each request: clocks may differ by so much. */
    private static final Duration OWN_CUSTODY = Duration.ofDays(1);

    private static final int ASK_SECONDS = 20;

    /** A record of the DHT may be an old one: so long operators, who keep the newest, are awaited all the same. */
    private static final Duration RECORD_ALONE = Duration.ofSeconds(2);

    /** So many operators know who writes a volume. */
    private static final int WITNESSES = 7;

    /** Whether a peer has this block does not matter: that it answers does. */
    private static final Cid ANY_BLOCK = Cid.of(ByteBuffer.allocate(0));

    /** Operators with less room are not asked to hold a group. */
    private static final long ROOM = 32L << 20;

    private final Host host;
    private final Network network;
    private final HeadTopics topics;
    private final AuditTopics auditTopics;
    private final HeadRecords records;
    private final StorageClient storage;
    private final StorageDirectory directory;
    private final BlockClient blocks;
    private final Fetcher fetcher;
    private final SilentPeers silent;
    private final HolderTrust trust = new HolderTrust();
    private final AuditClient audits;
    private final SealClient seals;
    private final Set<SwarmVolume> volumes = ConcurrentHashMap.newKeySet();
    private volatile @Nullable Verifications verifications;

    public SwarmService(
            Host host,
            Network network,
            HeadTopics topics,
            AuditTopics auditTopics,
            HeadRecords records,
            StorageClient storage,
            StorageDirectory directory,
            BlockClient blocks,
            Fetcher fetcher) {
        this.host = host;
        this.network = network;
        this.topics = topics;
        this.auditTopics = auditTopics;
        this.records = records;
        this.storage = storage;
        this.directory = directory;
        this.blocks = blocks;
        this.fetcher = fetcher;
        this.audits = new AuditClient(host, network);
        this.seals = new SealClient(host, network);
        this.silent = new SilentPeers(
                peer -> blocks.have(peer, List.of(ANY_BLOCK)), host.scheduler(), SilentPeers.Times.DEFAULT);
    }

    /** Whether a volume's blocks belong into the network that this node is in. */
    public boolean serves(VolumeDirectory volume) {
        VolumePlacement placement = volume.placement();
        return placement != null && Objects.equals(network.id(), placement.swarm());
    }

    /** The network's id. */
    public NetworkId network() {
        return network.id();
    }

    /** Stored bytes that a peer holds of the volumes that are open here: what it is owed space for. */
    public long storedBy(PeerId peer) {
        return volumes.stream().mapToLong(v -> v.storedBy(peer)).sum();
    }

    private SwarmVolume opened(SwarmVolume volume) {
        volumes.add(volume);
        return volume;
    }

    private Collection<PeerId> operators() {
        awaitOperators(() -> false);
        return knownOperators();
    }

    private List<PeerId> knownOperators() {
        List<PeerId> peers = new ArrayList<>();
        directory.operators().forEach(o -> peers.add(o.peer()));
        return peers;
    }

    /**
     * A node that has just started knows nobody for a moment. Waits until somebody is known, but not for ever.
     *
     * @param enough asked now and then whether nobody is needed any more
     */
    private void awaitOperators(BooleanSupplier enough) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(ASK_SECONDS);
        try {
            while (directory.operators().isEmpty() && !enough.getAsBoolean() && System.nanoTime() - end < 0) {
                if (directory.refresh().get(ASK_SECONDS, TimeUnit.SECONDS) == 0) {
                    TimeUnit.MILLISECONDS.sleep(100);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            LOG.info("storage nodes could not be asked for: {}", e.toString());
        }
    }

    /**
     * Opens a volume's part in the swarm. A volume that is read learns first where the blocks of its head are.
     *
     * @param local the home's store
     */
    public SwarmVolume open(UnlockedVolume volume, VolumeDirectory where, SegmentBlockStore local, NodeConfig config) {
        GroupBook book = GroupBook.open(where.path().resolve(PLACEMENT), network.id());
        StripeReader stripes = new StripeReader(book, fetcher, local, StripeReader.Times.DEFAULT);
        SwarmReader reader = new SwarmReader(
                book,
                fetcher,
                blocks,
                stripes,
                new TableRefresh(book, storage::table),
                this::operators,
                regions(config),
                SwarmReader.Times.DEFAULT);
        try {
            if (volume.capability() instanceof Capability.ReadWrite rw && volume.writer() != null) {
                learnToWrite(volume, volume.writer(), book, reader);
                WriterPresence presence = presence(volume, rw, book, config);
                try {
                    presence.acquire();
                    if (takeTurn(volume, volume.writer(), book, reader, presence)) {
                        presence.acquire(); // other operators keep it now
                    }
                    findLostWriter(volume, rw, volume.writer(), book, reader);
                    SwarmVolume opened =
                            writer(volume, volume.writer(), where, local, book, reader, rw, presence, config);
                    presence.start();
                    return opened;
                } catch (RuntimeException e) {
                    presence.close();
                    throw e;
                }
            }
            learn(volume, book, reader::learnOnly);
            catchUp(volume, book, reader);
            return reader(volume, local, book, reader, config);
        } catch (RuntimeException e) {
            book.close();
            throw e;
        }
    }

    private WriterPresence presence(UnlockedVolume volume, Capability.ReadWrite rw, GroupBook book, NodeConfig config) {
        return new WriterPresence(
                volume.config().name(),
                volume.config().id().bytes(),
                host.id(),
                IdentityKey.ofSeed(rw.tenantSeed().bytes()),
                network.id(),
                config.get(NodeConfig.SWARM_WRITER_LEASE),
                () -> witnesses(volume, book),
                (peer, lease) -> silent.ask(peer, () -> storage.writer(peer, lease)));
    }

    /**
     * Where the blocks are of which the head is another machine's: what its manifest says, and nothing else.
     *
     * @throws PpiofsException NOT_CONNECTED if that cannot be had: who wrote without it would publish heads without blocks
     */
    private void learnToWrite(UnlockedVolume volume, WriterIdentity writer, GroupBook book, SwarmReader reader) {
        Head head = volume.heads().read();
        Cid manifest = head.clear().manifestRoot();
        boolean foreign = head.clear().certificate().slot() != writer.slot();
        learn(volume, book, foreign ? reader::learnOnly : reader::learn);
        if (foreign && manifest != null && !book.hasLearnt(manifest)) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED,
                    "open",
                    "volume " + volume.config().name(),
                    "where another machine has put its blocks cannot be learnt now; try again when more storage nodes are"
                            + " reachable, or mount the read-only capability");
        }
    }

    /**
     * Goes on where another machine has stopped writing since this one did, if that has everything that is here. What this home knows
     * of places then gives way to what the other's manifest says, as in a home that is new: groups may have been given up,
     * or have other contents.
     *
     * @return whether it is so
     */
    private boolean takeTurn(
            UnlockedVolume volume, WriterIdentity writer, GroupBook book, SwarmReader reader, WriterPresence presence) {
        for (HeadBundle bundle : told(volume, book)) {
            try {
                Head before = volume.heads().read();
                if (Head.verify(bundle.head(), "kept by a peer").certificate().slot() == writer.slot()
                        || isKnown(volume, book, bundle)) {
                    continue; // this machine's own; it has it, or a later one
                }
                Head now = volume.heads().adopt(bundle.head(), () -> giveWay(volume, writer, book));
                if (now != before) {
                    LOG.info(
                            "volume {}: goes on from {}, which another machine has written",
                            volume.config().name(),
                            now);
                    learnToWrite(volume, writer, book, reader);
                    return true;
                }
            } catch (PpiofsException e) {
                if (e.kind() != ErrorKind.NOT_PERMITTED) {
                    throw e;
                }
                LOG.warn("volume {}: {}", volume.config().name(), e.getMessage());
                presence.branched(String.valueOf(e.getMessage()));
            }
        }
        return false;
    }

    /** What the DHT tells now, and those that hold the volume's blocks: the newest first. */
    private List<HeadBundle> told(UnlockedVolume volume, GroupBook book) {
        VolumeId id = volume.config().id();
        Set<PeerId> peers = new LinkedHashSet<>(witnesses(volume, book));
        peers.addAll(knownOperators());
        List<CompletableFuture<List<PinnedHead.Signed>>> answers = new ArrayList<>(List.of(records.get(id)));
        peers.forEach(peer -> answers.add(silent.ask(peer, () -> storage.heads(peer, id.bytes()))));
        List<HeadBundle> found = new ArrayList<>(bundles(id, answers, WriterPresence.ANSWER, tenant(book)));
        Collections.reverse(found);
        return found;
    }

    /**
     * The head that a home read last, or that the DHT gave it, may be an old one, whose blocks are nowhere any more: before it
     * is shown those are asked that hold the volume's blocks, and so its newest head.
     */
    private void catchUp(UnlockedVolume volume, GroupBook book, SwarmReader reader) {
        for (HeadBundle bundle : told(volume, book)) {
            if (isKnown(volume, book, bundle)) {
                continue;
            }
            Head newer = Follower.adopt(volume, network.id(), reader, bundle);
            if (newer != null) {
                LOG.info("volume {}: shows {}", volume.config().name(), newer);
                return;
            }
        }
    }

    /** Nothing of this home is anywhere but in its heads, and nothing of it is remembered beside them. */
    private static void giveWay(UnlockedVolume volume, WriterIdentity writer, GroupBook book) {
        Head ours = volume.heads().read();
        // positions in another writer's journal say nothing of this one's
        boolean own = ours.clear().certificate().slot() == writer.slot();
        long lsn = own ? ours.state().journalLsn() : 0;
        if (!JournalRestore.isSettled(volume.journalDirectory(), volume.keys().journalKey(), lsn)) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    "open",
                    "volume " + volume.config().name(),
                    "the last changes of this machine are in no head, and another has written since: keep the one that"
                            + " counts and copy the other's files into it");
        }
        JournalRestore.discard(volume.journalDirectory());
        book.clear();
    }

    /** Some of those that hold the volume's blocks, the same ones for all who know the same groups. */
    private static Collection<PeerId> witnesses(UnlockedVolume volume, GroupBook book) {
        Set<PeerId> holders = new HashSet<>();
        book.read().forEach(group -> holders.addAll(group.holders()));
        byte[] id = volume.config().id().bytes();
        return holders.stream()
                .sorted(Comparator.comparingLong(peer -> drawn(id, peer)))
                .limit(WITNESSES)
                .toList();
    }

    private static long drawn(byte[] volume, PeerId peer) {
        byte[] name = peer.toBytes();
        ByteBuffer both = ByteBuffer.allocate(volume.length + name.length)
                .put(volume)
                .put(name)
                .flip();
        return Cid.of(both).word(0);
    }

    private Regions regions(NodeConfig config) {
        return new Regions(
                config.get(NodeConfig.NETWORK_REGION),
                () -> directory.operators().stream()
                        .map(StorageDirectory.Operator::advert)
                        .toList());
    }

    /** Before the first change of this home: what another writer, who is gone, had fsynced behind the head. */
    private void findLostWriter(
            UnlockedVolume volume, Capability.ReadWrite rw, WriterIdentity writer, GroupBook book, SwarmReader reader) {
        boolean foreign = volume.heads().read().clear().certificate().slot() != writer.slot();
        if (!foreign || !JournalRestore.isUntouched(volume.journalDirectory())) {
            return;
        }
        PeerId tenant = IdentityKey.ofSeed(rw.tenantSeed().bytes()).peerId();
        try {
            LostWriter lost = new LostWriter(volume, rw, tenant, storage, operators(), book, reader);
            if (lost.restore() != LostWriter.Found.NEWER_HEAD) {
                return;
            }
            adoptNewest(volume, writer, book);
            learnToWrite(volume, writer, book, reader);
            if (lost.restore() == LostWriter.Found.NEWER_HEAD) {
                throw new PpiofsException(
                        ErrorKind.NOT_CONNECTED,
                        "open",
                        "volume " + volume.config().name(),
                        "peers keep a journal that goes on from a newer head, and none that answers keeps that head; try"
                                + " again when more storage nodes are reachable, or mount the read-only capability");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(
                    ErrorKind.INTERRUPTED, "open", "volume " + volume.config().name(), "the node is ending", e);
        }
    }

    private void adoptNewest(UnlockedVolume volume, WriterIdentity writer, GroupBook book) {
        for (HeadBundle bundle : bundles(volume.config().id(), tenant(book))) {
            try {
                if (isKnown(volume, book, bundle)) {
                    continue;
                }
                Head now = volume.heads().adopt(bundle.head(), () -> giveWay(volume, writer, book));
                LOG.debug("volume {}: the head is {}", volume.config().name(), now);
            } catch (PpiofsException e) {
                LOG.info("volume {}: {}", volume.config().name(), e.getMessage());
            }
        }
    }

    private SwarmVolume reader(
            UnlockedVolume volume, SegmentBlockStore local, GroupBook book, SwarmReader reader, NodeConfig config) {
        SwarmBlockStore store = new SwarmBlockStore(volume.config().name(), local, reader, null);
        store.readsAheadFrom(reader);
        // a manifest names nothing that is not on peers
        LocalCache cache = limit(volume, local, store, book, new Backlog(), Group::blocks, config);
        return opened(new SwarmVolume(book, reader, store, null, cache, volumes::remove));
    }

    private static @Nullable LocalCache limit(
            UnlockedVolume volume,
            SegmentBlockStore local,
            SwarmBlockStore store,
            GroupBook book,
            Backlog backlog,
            LocalCache.Safety safety,
            NodeConfig config) {
        long bytes = config.get(NodeConfig.SWARM_CACHE).bytes();
        if (bytes == Long.MAX_VALUE) {
            return null;
        }
        LocalCache cache = new LocalCache(volume.config().name(), local, book, backlog, safety, bytes);
        store.limitedBy(cache);
        cache.start();
        return cache;
    }

    /** How a manifest is learnt: what a writer knows beyond it stays. */
    @FunctionalInterface
    private interface Learning {
        void learn(Cid manifest, NetworkId network, Collection<PeerId> preferred, SwarmReader.Opener opener);
    }

    private void learn(UnlockedVolume volume, GroupBook book, Learning learning) {
        Cid manifest = volume.heads().read().clear().manifestRoot();
        if (manifest == null || book.hasLearnt(manifest)) {
            return;
        }
        try {
            learning.learn(
                    manifest, network.id(), List.of(), bytes -> volume.keys().openManifest(bytes));
        } catch (PpiofsException e) {
            // what is known from before may do; what is missing is an error where it is read
            LOG.warn("volume {}: {}", volume.config().name(), e.getMessage());
        }
    }

    private SwarmVolume writer(
            UnlockedVolume volume,
            WriterIdentity writer,
            VolumeDirectory where,
            SegmentBlockStore local,
            GroupBook book,
            SwarmReader reader,
            Capability.ReadWrite rw,
            WriterPresence presence,
            NodeConfig config) {
        IdentityKey tenant = IdentityKey.ofSeed(rw.tenantSeed().bytes());
        VolumePlacement placement = where.placement();
        Scheme scheme = placement == null ? Scheme.DEFAULT : placement.scheme();
        DrainOptions options = DrainOptions.of(scheme).withReplaceAfter(config.get(NodeConfig.SWARM_REPLACE_AFTER));
        byte[] salt = Arrays.copyOf(rw.placementSalt().bytes(), Rendezvous.SALT);
        OverlayHolders holders = new OverlayHolders(
                host.id(), tenant, storage, directory, blocks, proposer(new Rendezvous(salt)), options.groupBytes());
        Backlog backlog = new Backlog();
        SwarmBlockStore store = new SwarmBlockStore(volume.config().name(), local, reader, backlog);
        store.readsAheadFrom(reader);
        Drainer drainer = new Drainer(
                volume.config().name(),
                store,
                local,
                book,
                backlog,
                new PromptHolders(holders, silent),
                trust,
                tenant,
                network.id(),
                options);
        store.sweptBy(drainer.sweeper());
        Publisher publisher =
                new Publisher(volume, writer, where, book, backlog, drainer, outlet(), tenant, network.id());
        LocalCache cache = limit(volume, local, store, book, backlog, drainer::safeEntries, config);
        SwarmVolume.Writing writing = new SwarmVolume.Writing(
                backlog,
                drainer,
                publisher,
                presence,
                number -> new CopiedJournal(
                        volume.config().name(),
                        tenant,
                        network.id(),
                        volume.config().id().bytes(),
                        number,
                        (peer, order, entries) -> silent.ask(peer, () -> storage.journal(peer, order, entries)),
                        backlog::position,
                        backlog::isFirmUpTo,
                        drainer::trouble,
                        CopiedJournal.Options.DEFAULT),
                new AtomicReference<>(placement == null ? null : sealing(placement)));
        drainer.sweeper().onlyWhile(presence::isAlone);
        SwarmVolume opened = new SwarmVolume(book, reader, store, writing, cache, volumes::remove);
        drainer.start(opened::progressed);
        opened.keeps(new LeaseKeeper(
                volume.config().name(),
                where.path().resolve(RENEWED),
                () -> holders(book),
                false,
                peer -> silent.ask(
                        peer, () -> storage.renew(peer, custody(rw, host.id(), OWN_CUSTODY), groupsOn(book, peer))),
                host.scheduler(),
                LeaseKeeper.Times.DEFAULT));
        TagBlocks tags = new TagBlocks(
                volume.config().name(),
                network.id(),
                book,
                new OwnerRole.Blocks(store),
                volume.keys()::sealManifest,
                volume.keys()::openManifest,
                System::nanoTime);
        drainer.sweeper().keeps(tags::needed);
        drainer.tellsLost(tags::cannotBeFound);
        AuditedGroups audited = new AuditedGroups(
                volume.config().name(),
                network.id(),
                host.id(),
                book,
                tags,
                trust,
                directory::caught,
                new OwnerRole(book, drainer, backlog, local, store, marker(where), writing.sealing()));
        opened.audits(
                auditor(
                                audited,
                                new AuditKeys(rw.auditSecret().bytes(), tenant),
                                where.path().resolve(TAGS),
                                config)
                        .sealing(where.path().resolve(SEALS), askingToSeal()),
                news(rw.readOnly(volume.keys().currentEpoch()).verify()));
        return opened(opened);
    }

    /** What the owner wants; null for nothing, or for what only a later version knows: the volume is none the worse for it. */
    public static @Nullable SealParameters sealing(VolumePlacement placement) {
        String name = placement.seal();
        try {
            return name == null ? null : SealParameters.named(name);
        } catch (PpiofsException e) {
            LOG.warn("volume {}: nothing is sealed: {}", placement.volume(), e.getMessage());
            return null;
        }
    }

    private SealAsking askingToSeal() {
        return new SealAsking() {
            @Override
            public CompletableFuture<SealStatus> order(PeerId holder, SealOrder order, Duration patience) {
                return silent.ask(holder, () -> seals.order(holder, order, patience));
            }

            @Override
            public CompletableFuture<byte[]> prove(PeerId holder, SealAsk question, Duration patience) {
                return silent.ask(holder, () -> seals.prove(holder, question, patience));
            }
        };
    }

    private VolumeAuditor auditor(AuditedGroups audited, AuditKeys keys, Path tags, NodeConfig config) {
        return new VolumeAuditor(
                audited,
                keys,
                tags,
                (peer, question, patience) -> silent.ask(peer, () -> audits.audit(peer, question, patience)),
                peer -> silent.ask(peer, () -> blocks.have(peer, List.of(ANY_BLOCK))),
                host.scheduler()::wallMillis,
                config.get(NodeConfig.AUDIT_EVERY));
    }

    private AuditNews news(Capability.Verify of) {
        return new AuditNews(of, host.id(), auditTopics.of(of.volumeId()), network.id(), host.scheduler()::wallMillis);
    }

    private static Path marker(VolumeDirectory where) {
        return where.path().resolve(OwnerRole.MARKER);
    }

    /** From now on peers are given the public tags of the volume's closed groups: somebody may verify it. Durable. */
    public static void shareTags(VolumeDirectory where) {
        DurableFile.replace(marker(where), new byte[0], "share");
    }

    // ---- audits for others ------------------------------------------------------------------------------------------

    /**
     * Audits, while this node runs, the volumes whose verify capabilities it was given.
     *
     * @param kept where they are kept
     */
    public Verifications verify(Path kept, NodeConfig config) {
        Verifications begun = new Verifications(kept, order -> verified(order, config));
        begun.start();
        verifications = begun;
        return begun;
    }

    private VerifiedVolume verified(Verifications.Order order, NodeConfig config) {
        Capability.Verify capability = order.capability();
        String name = capability.volumeId().toString();
        GroupBook book = GroupBook.open(order.directory().resolve(PLACEMENT), network.id());
        SwarmReader reader = new SwarmReader(
                book,
                fetcher,
                blocks,
                new StripeReader(book, fetcher, new MemoryBlockStore(), StripeReader.Times.DEFAULT),
                new TableRefresh(book, storage::table),
                this::operators,
                regions(config),
                SwarmReader.Times.DEFAULT);
        AuditNews news = news(capability);
        TagBlocks tags = new TagBlocks(
                name,
                network.id(),
                book,
                new VerifiedVolume.Blocks(reader),
                plain -> {
                    throw new UnsupportedOperationException("a verifier names no tags");
                },
                capability::openManifest,
                System::nanoTime);
        AuditKeys keys = AuditKeys.ofVerifier(order.key());
        // tags are the owner's word: what fails by them is told to him, and must not count for volumes of this node's
        // own
        AuditedGroups audited = new AuditedGroups(
                name,
                network.id(),
                host.id(),
                book,
                tags,
                new HolderTrust(),
                holder -> LOG.debug("volume {}: {} failed", name, holder),
                new VerifiedVolume.Role(news));
        news.claims(keys.verifierKey(), keys.turns());
        return new VerifiedVolume(
                capability,
                network.id(),
                book,
                reader,
                () -> bundles(capability.volumeId(), tenant(book)),
                auditor(audited, keys, order.directory().resolve(TAGS), config),
                news);
    }

    private static Set<PeerId> holders(GroupBook book) {
        Set<PeerId> holders = new HashSet<>();
        kept(book).forEach(group -> holders.addAll(group.holders()));
        return holders;
    }

    private static List<GroupId> groupsOn(GroupBook book, PeerId holder) {
        return kept(book)
                .filter(group -> group.holders().contains(holder))
                .map(Group::id)
                .toList();
    }

    /** The groups whose leases are prolonged: those of blocks, and those of manifests. */
    private static Stream<Group> kept(GroupBook book) {
        return Stream.concat(book.current().stream(), book.metadata().stream());
    }

    /** The right to prolong the leases of a volume for so long. */
    public Custody.Signed custody(Capability.ReadWrite volume, PeerId custodian, Duration lasts) {
        IdentityKey tenant = IdentityKey.ofSeed(volume.tenantSeed().bytes());
        return new Custody(tenant.peerId(), custodian, host.scheduler().wallMillis() + lasts.toMillis())
                .sign(tenant, network.id());
    }

    /** Operators other than this node, by what their adverts say. */
    private OverlayHolders.Proposer proposer(Rendezvous rendezvous) {
        return (group, slots, avoid) -> {
            if (directory.operators().isEmpty()) {
                var unused = directory.refresh(); // for the next attempt
            }
            List<Candidate> candidates = new ArrayList<>();
            for (StorageDirectory.Operator operator : directory.operators()) {
                StorageAdvert advert = operator.advert();
                if (!operator.peer().equals(host.id()) && !avoid.contains(operator.peer())) {
                    candidates.add(new Candidate(
                            operator.peer(),
                            advert.capacity(),
                            advert.free(),
                            advert.domain(),
                            Candidate.prefixes(advert.addresses()),
                            advert.reachability(),
                            operator.score()));
                }
            }
            return rendezvous.fill(group, slots, ROOM, candidates, peer -> 0).holders();
        };
    }

    private Publisher.Outlet outlet() {
        return new Publisher.Outlet() {
            @Override
            public CompletableFuture<Long> pin(PeerId holder, PinnedHead.Signed head) {
                return silent.ask(holder, () -> storage.pinHead(holder, head));
            }

            @Override
            public void announce(PinnedHead.Signed head) {
                topics.announce(head);
                records.put(head);
            }
        };
    }

    /**
     * Follows the heads of a volume that is only read.
     *
     * @param show makes a newer head visible
     */
    public void follow(SwarmVolume swarm, UnlockedVolume volume, Consumer<Head> show) {
        VolumeId id = volume.config().id();
        Follower follower =
                new Follower(volume, network.id(), swarm.reader(), () -> bundles(id, tenant(swarm.book())), show);
        Gossip.Subscription subscription = topics.listen(id, follower::heard);
        swarm.follow(follower, subscription);
    }

    /** Who publishes the heads of a volume of which groups are known; null while none is. */
    private static @Nullable PeerId tenant(GroupBook book) {
        return book.groups().stream()
                .findFirst()
                .map(group -> group.table().tenant())
                .orElse(null);
    }

    /** What the DHT and operators have of a volume, the newest last; only bundles whose head verifies. */
    private List<HeadBundle> bundles(VolumeId volume, @Nullable PeerId tenant) {
        CompletableFuture<List<PinnedHead.Signed>> recorded = records.get(volume);
        List<CompletableFuture<List<PinnedHead.Signed>>> answers = new ArrayList<>(List.of(recorded));
        long alone = System.nanoTime() + RECORD_ALONE.toNanos();
        awaitOperators(() -> !recorded.getNow(List.of()).isEmpty() && System.nanoTime() - alone > 0);
        knownOperators().forEach(peer -> answers.add(storage.heads(peer, volume.bytes())));
        return bundles(volume, answers, Duration.ofSeconds(ASK_SECONDS), tenant);
    }

    /**
     * Of each head the way in which it was published last, the last published one last.
     *
     * @param tenant who publishes the volume's heads; null if that is not known: then anybody may have told them
     */
    private static List<HeadBundle> bundles(
            VolumeId volume,
            List<CompletableFuture<List<PinnedHead.Signed>>> answers,
            Duration patience,
            @Nullable PeerId tenant) {
        Map<List<Object>, Pinned> found = new HashMap<>();
        long end = System.nanoTime() + patience.toNanos();
        for (CompletableFuture<List<PinnedHead.Signed>> answer : answers) {
            try {
                for (PinnedHead.Signed pin : answer.get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                    HeadBundle bundle = HeadBundle.decode(pin.pin().head());
                    HeadClear head = Head.verify(bundle.head(), "kept by a peer");
                    boolean believed = tenant == null || tenant.equals(pin.pin().tenant());
                    if (believed && head.volume().equals(volume)) {
                        Pinned now = new Pinned(pin.pin().sequence(), bundle);
                        found.merge(
                                List.of(head.certificate().slot(), head.sequence()),
                                now,
                                (one, other) -> one.sequence() > other.sequence() ? one : other);
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            } catch (ExecutionException | TimeoutException | PpiofsException e) {
                LOG.debug("a peer keeps no usable head: {}", e.toString());
            }
        }
        return found.values().stream()
                .sorted(Comparator.comparing(Pinned::sequence))
                .map(Pinned::bundle)
                .toList();
    }

    /** A head as it was published. @param sequence of the publication */
    private record Pinned(long sequence, HeadBundle bundle) {}

    /** Whether it is the head that is known, and where its blocks are is known, too: told once more it says nothing new for sure. */
    private static boolean isKnown(UnlockedVolume volume, GroupBook book, HeadBundle bundle) {
        HeadClear told = Head.verify(bundle.head(), "kept by a peer");
        HeadClear known = volume.heads().read().clear();
        Cid manifest = known.manifestRoot();
        return manifest != null
                && book.hasLearnt(manifest)
                && told.sequence() == known.sequence()
                && told.certificate().equals(known.certificate());
    }

    /** What operators keep; those that answer first may be others than those that keep it. */
    private List<HeadBundle> keptSoon(VolumeId volume) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(ASK_SECONDS);
        List<HeadBundle> found = bundles(volume, null);
        try {
            while (found.isEmpty() && System.nanoTime() - end < 0) {
                TimeUnit.MILLISECONDS.sleep(500);
                int known = directory.refresh().get(ASK_SECONDS, TimeUnit.SECONDS);
                LOG.debug("{} storage nodes are known, none had a head of {}", known, volume);
                found = bundles(volume, null);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            LOG.info("storage nodes could not be asked for: {}", e.toString());
        }
        return found;
    }

    /**
     * Makes the directory of a volume that lives in this network, from nothing but its capability.
     *
     * @throws PpiofsException NOT_FOUND if no storage node keeps a head of it; EXISTS if the home has it; WRONG_KEY
     */
    public VolumeDirectory importVolume(Path volumesDirectory, Capability capability, Protection protection) {
        List<HeadBundle> bundles = keptSoon(capability.volumeId());
        if (bundles.isEmpty()) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND,
                    "import",
                    "volume " + capability.volumeId(),
                    "none of " + directory.operators().size()
                            + " storage nodes keeps a head of it, and the DHT has none; check network.bootstrap, and that its writer has"
                            + " published");
        }
        @Nullable PpiofsException last = null;
        for (int i = bundles.size() - 1; i >= 0; i--) {
            HeadBundle bundle = bundles.get(i);
            try {
                VolumeDirectory.importVolume(volumesDirectory, capability, bundle.config(), bundle.head(), protection);
                VolumeDirectory made = VolumeDirectory.find(
                        volumesDirectory, capability.volumeId().toString());
                if (made == null) {
                    throw new PpiofsException(
                            ErrorKind.INTERNAL, "import", capability.volumeId().toString(), "is not there after all");
                }
                if (bundle.placement() != null) {
                    made.adoptPlacement(bundle.placement());
                }
                return made;
            } catch (PpiofsException e) {
                if (e.kind() != ErrorKind.CORRUPT) {
                    throw e;
                }
                last = e;
            }
        }
        throw last == null ? new IllegalStateException("no bundle") : last;
    }

    @Override
    public void close() {
        Verifications verifying = verifications;
        if (verifying != null) {
            verifying.close();
        }
        records.close();
        silent.close();
        blocks.close();
    }
}
