package io.ppiofs.node.swarm;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.volume.Head;
import io.ppiofs.fs.volume.UnlockedVolume;
import io.ppiofs.fs.volume.VolumeDirectory;
import io.ppiofs.fs.volume.VolumePlacement;
import io.ppiofs.fs.volume.WriterIdentity;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.storage.PinnedHead;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes heads of a volume: the head of a checkpoint goes out once every block that was written before it is on peers,
 * together with a manifest of where blocks are. It is pinned at the holders of the newest group and told to followers.
 * {@link #onCheckpoint} may be called by any thread; the rest runs on the drainer's.
 */
final class Publisher {
    private static final Logger LOG = LoggerFactory.getLogger(Publisher.class);
    private static final int PIN_SECONDS = 20;

    /** Pause between attempts to have a head kept. */
    private static final Duration AGAIN = Duration.ofSeconds(2);

    /** Sends a pinned head to whom it concerns. */
    interface Outlet {
        CompletableFuture<Long> pin(PeerId holder, PinnedHead.Signed head);

        void announce(PinnedHead.Signed head);
    }

    private record Due(long position, Head head) {}

    private final UnlockedVolume volume;
    private final WriterIdentity writer;
    private final VolumeDirectory directory;
    private final GroupBook book;
    private final Backlog backlog;
    private final Drainer drainer;
    private final Outlet outlet;
    private final IdentityKey tenant;
    private final NetworkId network;
    private final ManifestKeeper manifests;
    private volatile @Nullable Due due;
    private volatile long publishedClock;
    private volatile int withoutHead;
    private long sequence;
    private final Set<PeerId> late = new LinkedHashSet<>();
    /** Whom the newest head was given first. */
    private Set<PeerId> pinnedTo = Set.of();

    /** Since when something is to be given up that only older heads need, System.nanoTime; whether everybody has the newer one. */
    private @Nullable Long owedSince;

    private boolean toldAll;

    private PinnedHead.@Nullable Signed last;
    private long nextLate = System.nanoTime();
    private List<String> lastTables = List.of();

    /** Hears of heads that are firm; null if nobody asks. */
    private volatile @Nullable Firm firm;

    private long firmClock;
    private long nextFirm = System.nanoTime();

    /** Hears that a head, and all that it reaches and was written since this node began, is on as many peers as fsync promises. */
    @FunctionalInterface
    interface Firm {
        /** @param newest the group whose holders keep the head */
        void run(Head head, Group newest);
    }

    Publisher(
            UnlockedVolume volume,
            WriterIdentity writer,
            VolumeDirectory directory,
            GroupBook book,
            Backlog backlog,
            Drainer drainer,
            Outlet outlet,
            IdentityKey tenant,
            NetworkId network) {
        this.volume = volume;
        this.writer = writer;
        this.directory = directory;
        this.book = book;
        this.backlog = backlog;
        this.drainer = drainer;
        this.outlet = outlet;
        this.tenant = tenant;
        this.network = network;
        this.manifests =
                new ManifestKeeper(volume.config().name(), book, drainer, volume.keys()::sealManifest, network);
    }

    /** A checkpoint's head has been saved. Everything that it reaches has been added to the backlog or is placed. */
    void onCheckpoint() {
        due = new Due(backlog.position(), volume.heads().read());
        backlog.wake();
    }

    /** Time of the newest head that peers keep, hybrid logical clock; 0 if there is none yet. */
    long publishedClock() {
        return publishedClock;
    }

    /** From now on heads are published when enough peers have what they reach, and again until they are firm. */
    void whenFirm(Firm listener) {
        firm = listener;
        backlog.wake();
    }

    /** Whether peers keep the head of the last checkpoint. */
    boolean isUpToDate() {
        Due last = due;
        return last == null || last.head().state().clock() <= publishedClock;
    }

    /** Holders of the newest group that do not keep the newest head yet. */
    int holdersWithoutHead() {
        return withoutHead;
    }

    /** Publishes what can be published now. */
    void run() throws InterruptedException {
        Due next = due;
        List<Group> groups = book.read();
        if (next == null || groups.isEmpty() || !isPlaced(next.position())) {
            return;
        }
        pinLate();
        giveUpOld();
        List<String> tables = tables(groups);
        boolean fresh = next.head().state().clock() > publishedClock
                || firm != null && next.head().state().clock() > firmClock && System.nanoTime() - nextFirm >= 0;
        boolean move = manifests.shallMove();
        if (!fresh && !move && tables.equals(lastTables)) {
            return;
        }
        if (!next.head().clear().certificate().equals(writer.certificate())) {
            publishedClock = next.head().state().clock(); // it came from there
            return;
        }
        if (publish(next, groups, move)) {
            publishedClock = next.head().state().clock();
            lastTables = tables;
        }
    }

    /** Where fsync waits for peers, a head that not enough of them could show would be worse than the journal behind the last one. */
    private boolean isPlaced(long position) {
        return firm == null ? backlog.isDoneUpTo(position) : backlog.isFirmUpTo(position);
    }

    private static List<String> tables(List<Group> groups) {
        return groups.stream()
                .map(g -> g.id() + "@" + g.table().generation() + "/" + g.tagIndex())
                .toList();
    }

    /** @return whether at least one peer keeps it */
    private boolean publish(Due next, List<Group> groups, boolean move) throws InterruptedException {
        Head head = next.head();
        boolean enough = true;
        book.sync(); // what others are told must not be forgotten here
        for (Group group : groups) {
            enough &= drainer.hasInventory(group);
        }
        Group newest = newest(groups);
        ManifestKeeper.Told told = manifests.tell(groups, newest, move);
        Firm listener = firm;
        if (told == null || listener != null && !(enough && told.enough())) {
            return false;
        }
        Head named = volume.heads().published(head, told.manifest());
        VolumePlacement placement = directory.placement();
        HeadBundle bundle = new HeadBundle(
                directory.configEnvelope(), placement == null ? null : placement.envelope(), named.envelope());
        sequence = Math.max(sequence + 1, System.currentTimeMillis());
        PinnedHead.Signed pin = new PinnedHead(
                        tenant.peerId(), volume.config().id().bytes(), sequence, bundle.encode())
                .sign(tenant, network);
        late.clear();
        pinnedTo = newest.holders();
        int kept = pin(pin, pinnedTo);
        if (kept == 0) {
            return false;
        }
        last = pin;
        owedSince = owedSince == null ? (Long) System.nanoTime() : owedSince;
        toldAll = false;
        outlet.announce(pin);
        giveUpOld();
        drainer.published(groups);
        if (listener != null && kept >= newest.majority() && backlog.isFirmUpTo(next.position())) {
            firmClock = head.state().clock();
            listener.run(head, newest);
        }
        nextFirm = System.nanoTime() + AGAIN.toNanos();
        LOG.debug(
                "published {} of volume {} to {} peers", named, volume.config().name(), kept);
        return true;
    }

    /** Of those in which blocks stay, while there is one. */
    private static Group newest(List<Group> groups) {
        for (int i = groups.size() - 1; i >= 0; i--) {
            if (groups.get(i).isCurrent()) {
                return groups.get(i);
            }
        }
        return groups.get(groups.size() - 1);
    }

    /** Holders that did not answer when the head was published get it when they are back. */
    private void pinLate() throws InterruptedException {
        PinnedHead.Signed pin = last;
        if (pin != null && !late.isEmpty() && System.nanoTime() - nextLate >= 0) {
            Set<PeerId> peers = Set.copyOf(late);
            late.clear();
            pin(pin, peers);
            nextLate = System.nanoTime() + AGAIN.toNanos();
        }
    }

    /** @return how many keep it; the others are late */
    private int pin(PinnedHead.Signed pin, Set<PeerId> holders) throws InterruptedException {
        Map<PeerId, CompletableFuture<Long>> answers = new LinkedHashMap<>();
        holders.forEach(peer -> answers.put(peer, outlet.pin(peer, pin)));
        late.addAll(holders);
        int kept = 0;
        for (Map.Entry<PeerId, CompletableFuture<Long>> entry : answers.entrySet()) {
            try {
                if (entry.getValue().get(PIN_SECONDS, TimeUnit.SECONDS)
                        >= pin.pin().sequence()) {
                    kept++;
                }
                late.remove(entry.getKey());
            } catch (ExecutionException e) {
                String why = e.getCause() instanceof PpiofsException p ? p.getMessage() : e.toString();
                LOG.debug(
                        "a peer does not keep the head of volume {}: {}",
                        volume.config().name(),
                        why);
            } catch (TimeoutException e) {
                LOG.info(
                        "a peer was too slow to keep the head of volume {}",
                        volume.config().name());
            }
        }
        withoutHead = (int) late.stream().filter(pinnedTo::contains).count();
        return kept;
    }

    /** What older manifests need goes when none of those who are there tells an older head any more, or when that takes too long. */
    private void giveUpOld() throws InterruptedException {
        PinnedHead.Signed pin = last;
        Long since = owedSince;
        if (pin == null || since == null) {
            return;
        }
        boolean tooLong =
                System.nanoTime() - since >= drainer.options().replaceAfter().toNanos();
        if (!tooLong && !late.stream().allMatch(drainer::isAway)) {
            return;
        }
        if (manifests.supersedes() && !toldAll) {
            toldAll = true; // once, as far as they answer now: who held the newest blocks before these holders
            Set<PeerId> others = new HashSet<>();
            book.groups().forEach(group -> others.addAll(group.holders()));
            others.removeAll(pinnedTo);
            others.removeIf(drainer::isAway);
            pin(pin, others);
            late.retainAll(pinnedTo);
        }
        owedSince = null;
        manifests.published();
    }
}
