package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.blockstore.gc.LiveSet;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.HeadCheckpoints;
import io.ppiofs.fs.journal.JournalReplica;
import io.ppiofs.fs.journal.ReplicaSeal;
import io.ppiofs.fs.volume.HeadState;
import io.ppiofs.node.audit.VolumeAuditor;
import io.ppiofs.node.control.Progress;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.proofs.sdr.SealParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * An open volume's part in the swarm. The filesystem core reads and writes through {@link #store}; the rest goes on beside
 * it. Made by {@link SwarmService}; closed after the core. Thread-safe.
 */
public final class SwarmVolume implements AutoCloseable {
    /** How long a volume that is closed goes on bringing its last changes to peers that answer. */
    private static final Duration LAST_GRACE = Duration.ofSeconds(10);

    /** Nothing moved for this long: somebody should know. */
    private static final Duration STUCK = Duration.ofSeconds(60);

    private final GroupBook book;
    private final SwarmReader reader;
    private final SwarmBlockStore store;
    private final Consumer<SwarmVolume> gone;

    /** Null for a volume that is only read. */
    private final @Nullable Writing writing;

    /** What a writer has. @param presence keeps other machines from writing @param journal makes what keeps copies of the journal on peers, by the stream's number @param sealing how slots shall be sealed; has null for not at all */
    record Writing(
            Backlog backlog,
            Drainer drainer,
            Publisher publisher,
            WriterPresence presence,
            LongFunction<CopiedJournal> journal,
            AtomicReference<@Nullable SealParameters> sealing) {}

    /** Null as long as nobody wants copies of the journal. */
    private volatile @Nullable CopiedJournal journal;

    /** Null if the local store may grow as it likes. */
    private final @Nullable LocalCache cache;

    private volatile boolean reconciled;

    /** Reached when the volume was opened, and neither here nor in a group. */
    private final Set<Cid> lost = ConcurrentHashMap.newKeySet();

    private volatile @Nullable Follower follower;
    private Gossip.@Nullable Subscription subscription;
    private volatile @Nullable VolumeAuditor auditor;
    private volatile @Nullable AuditNews news;
    private volatile @Nullable LeaseKeeper leases;

    SwarmVolume(
            GroupBook book,
            SwarmReader reader,
            SwarmBlockStore store,
            @Nullable Writing writing,
            @Nullable LocalCache cache,
            Consumer<SwarmVolume> gone) {
        this.book = book;
        this.reader = reader;
        this.store = store;
        this.writing = writing;
        this.cache = cache;
        this.gone = gone;
    }

    /** Stored bytes that a peer holds of this volume. */
    long storedBy(PeerId peer) {
        return book.groups().stream().mapToLong(group -> group.bytesOn(peer)).sum();
    }

    GroupBook book() {
        return book;
    }

    SwarmReader reader() {
        return reader;
    }

    /** Local blocks first, those of peers behind them. */
    public BlockStore store() {
        return store;
    }

    /**
     * Begins to keep copies of the journal with the volume's holders. Records are to be given to what is returned, and {@link
     * #journalBegins} is to be called.
     *
     * @param stream what the heads from now on will say ({@link HeadCheckpoints#copiedIn})
     * @throws PpiofsException INVALID if the volume keeps only one copy of its blocks
     */
    public JournalReplica copyJournal(byte[] stream) {
        Writing w = writing;
        if (w == null || journal != null) {
            throw new IllegalStateException("no journal of which copies could be made, or they are made already");
        }
        if (w.drainer().copies() < 2) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "mount",
                    "-o sync=swarm",
                    "the volume keeps one copy of its blocks, and fsync is to wait for two peers at least; run 'ppiofs volume"
                            + " place' with --copies 2 or more");
        }
        w.backlog().countCopies();
        CopiedJournal made = w.journal().apply(ReplicaSeal.numberOf(stream));
        w.drainer().hurriedBy(made::isWaitedFor);
        w.publisher().whenFirm((head, newest) -> {
            HeadState state = head.state();
            byte[] said = HeadCheckpoints.stream(state);
            if (said != null && Arrays.equals(said, stream)) {
                made.firm(state.journalLsn(), newest.holders(), newest.majority());
            }
        });
        journal = made;
        return made;
    }

    /** @param lsn the last record that was not given away */
    public void journalBegins(long lsn) {
        CopiedJournal made = journal;
        if (made != null) {
            made.start(lsn);
        }
    }

    /** On the drainer's thread: blocks may have been placed. */
    void progressed() throws InterruptedException {
        CopiedJournal copies = journal;
        if (copies != null) {
            copies.blocksMoved();
        }
        if (writing != null) {
            writing.publisher().run();
        }
        if (copies != null) {
            copies.blocksMoved();
        }
    }

    /** A checkpoint's head has been saved. Nothing is published before {@link #reconciled}. */
    public void onCheckpoint() {
        if (writing != null && reconciled) {
            writing.publisher().onCheckpoint();
        }
    }

    /** @param heads ends with this volume */
    synchronized void follow(Follower started, Gossip.Subscription heads) {
        follower = started;
        subscription = heads;
        started.start();
    }

    /** All blocks that the volume reaches have been given to {@link #reconcile}: its heads may be published. */
    public void reconciled() {
        reconciled = true;
        onCheckpoint();
    }

    /** Blocks that the volume reaches and that are in no group yet, after a crash or from before it came to the swarm. */
    public void reconcile(Iterable<Cid> live) {
        if (writing == null) {
            return;
        }
        List<Cid> missing = new ArrayList<>();
        for (Cid cid : live) {
            if (!book.contains(cid)) {
                missing.add(cid);
            }
        }
        BitSet here = store.has(missing);
        List<Cid> sendable = new ArrayList<>(missing.size());
        for (int i = 0; i < missing.size(); i++) {
            if (here.get(i) || book.contains(missing.get(i))) {
                sendable.add(missing.get(i));
            } else {
                lost.add(missing.get(i));
            }
        }
        writing.backlog().add(sendable);
    }

    /** A mark of the volume begins; no ref is on its way to where a mark finds it. What is written from now on is needed. */
    public void markBegins() {
        if (writing != null && reconciled) {
            writing.drainer().sweeper().markBegins();
        }
    }

    /**
     * The mark that {@link #markBegins} began has ended, and a checkpoint was made after it: garbage goes from peers in the background.
     *
     * @param live at least what the volume reached when the mark began
     */
    public void marked(LiveSet live) {
        if (writing == null) {
            return;
        }
        writing.drainer().sweeper().marked(live);
        // those that are needed no more, or have been written again
        lost.removeIf(cid -> !live.contains(cid) || store.has(List.of(cid)).get(0));
    }

    /** There is no mark after all. */
    public void markFailed() {
        if (writing != null) {
            writing.drainer().sweeper().endMark();
        }
    }

    /** Audits what peers hold from now on, until this volume is closed. @param from where it is heard what others find */
    void audits(VolumeAuditor by, AuditNews from) {
        auditor = by;
        news = from;
        from.start(by);
        by.start();
    }

    /** Prolongs what is leased from now on, until this volume is closed. */
    void keeps(LeaseKeeper by) {
        leases = by;
        by.start();
    }

    /** Null for a volume that is only read. */
    public @Nullable VolumeAuditor auditor() {
        return auditor;
    }

    /** Another process of this machine opens it next: no other machine shall write it in between. */
    public void keepTurn(Duration time) {
        if (writing != null) {
            writing.presence().keepFor(time);
        }
    }

    /** Numbers for status; names are stable. */
    public Map<String, Long> facts() {
        Map<String, Long> facts = new LinkedHashMap<>();
        facts.put("placedBlocks", (long) book.size());
        facts.put("placementGroups", (long) book.current().size());
        if (cache != null) {
            facts.put("localBytes", cache.bytes());
            facts.put("localLimitBytes", cache.limit());
            facts.put("evictedBytes", cache.evicted());
        }
        if (writing != null) {
            Drainer.Facts now = writing.drainer().facts();
            facts.put("backlogBlocks", (long) writing.backlog().size());
            facts.put("codedGroups", (long) now.coded());
            facts.put("groupsToRewrite", (long) now.otherwise());
            facts.put("degradedGroups", (long) now.degraded());
            facts.put("comparedGroups", writing.drainer().comparisons());
            facts.put("toleratedFailures", (long) now.tolerates());
            GroupSweeper.Facts swept = writing.drainer().sweeper().facts();
            facts.put("groupsBeingEmptied", (long) swept.leaving());
            facts.put("emptiedGroups", swept.emptied());
            facts.put("freedOnPeersBytes", swept.freedBytes());
            facts.put("holdersWithoutHead", (long) writing.publisher().holdersWithoutHead());
            facts.put("unpublishedHead", writing.publisher().isUpToDate() ? 0L : 1L);
            CopiedJournal copies = journal;
            if (copies != null) {
                facts.putAll(copies.facts());
            }
            VolumeAuditor auditing = auditor;
            if (auditing != null) {
                facts.putAll(auditing.facts());
            }
            AuditNews hears = news;
            if (hears != null) {
                facts.put("verifiers", (long) hears.others().size());
            }
            LeaseKeeper keeping = leases;
            if (keeping != null) {
                facts.put("leasesEndUnix", keeping.endMillis() / 1000);
            }
        }
        return facts;
    }

    /** From now on the volume is kept like this; what is on peers is written anew in the background. Nothing for a reader. */
    public void keepAs(Scheme scheme) {
        if (writing != null) {
            writing.drainer().keepAs(scheme);
        }
    }

    /** From now on holders are asked to seal like this; null: not to. Nothing for a reader. */
    public void sealAs(@Nullable SealParameters parameters) {
        if (writing != null) {
            writing.sealing().set(parameters);
        }
    }

    /** Why the backlog does not shrink, or groups are not kept as they shall be, one sentence; null while all goes on. */
    public @Nullable String trouble() {
        if (writing == null) {
            return null;
        }
        String another = writing.presence().trouble();
        String waits = another == null ? writing.drainer().trouble() : another;
        return waits != null || lost.isEmpty()
                ? waits
                : lost.size()
                        + " blocks that the volume reaches are neither here nor with a known peer, and the files that need them cannot"
                        + " be read; 'ppiofs fsck' names them; delete them or copy them back, then 'ppiofs gc' looks again";
    }

    /**
     * Waits until peers keep the head of the last checkpoint and all that it reaches.
     *
     * @throws PpiofsException NOT_CONNECTED if no peer took anything for a minute
     */
    public void awaitPublished(Progress progress) {
        if (writing == null) {
            throw new IllegalStateException("a volume that is only read publishes nothing");
        }
        long most = Math.max(1, writing.backlog().size());
        int before = Integer.MAX_VALUE;
        long since = System.nanoTime();
        try {
            while (!reconciled || !writing.publisher().isUpToDate()) {
                int left = writing.backlog().size();
                if (left != before) {
                    before = left;
                    since = System.nanoTime();
                    progress.report("sending blocks", Math.max(0, most - left), most);
                } else if (System.nanoTime() - since > STUCK.toNanos()) {
                    String why = trouble();
                    throw new PpiofsException(
                            ErrorKind.NOT_CONNECTED,
                            "sync",
                            "volume",
                            "peers take nothing: " + (why == null ? "nobody says why" : why));
                }
                writing.backlog().wake();
                TimeUnit.MILLISECONDS.sleep(20);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "sync", "volume", "the node is ending", e);
        }
    }

    /** What is left stays in the backlog, on this machine's disk, for the next time. */
    private static void awaitPublished(Writing writing) {
        long end = System.nanoTime() + LAST_GRACE.toNanos();
        try {
            while (!writing.publisher().isUpToDate() && !writing.drainer().isStuck() && System.nanoTime() - end < 0) {
                writing.backlog().wake();
                TimeUnit.MILLISECONDS.sleep(20);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (subscription != null) {
                subscription.close();
            }
        }
        Follower following = follower;
        if (following != null) {
            following.close();
        }
        AuditNews hears = news;
        if (hears != null) {
            hears.close();
        }
        VolumeAuditor auditing = auditor;
        if (auditing != null) {
            auditing.close();
        }
        LeaseKeeper keeping = leases;
        if (keeping != null) {
            keeping.close();
        }
        if (writing != null) {
            writing.presence().ending(LAST_GRACE.multipliedBy(2));
            awaitPublished(writing);
            CopiedJournal copies = journal;
            if (copies != null) {
                copies.close();
            }
            writing.drainer().close();
            writing.presence().close();
        }
        store.close();
        if (cache != null) {
            cache.close();
        }
        book.close();
        gone.accept(this);
    }
}
