package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.blocks.BlockClient;
import io.ppiofs.overlay.blocks.BlockSink;
import io.ppiofs.overlay.blocks.Fetch;
import io.ppiofs.overlay.blocks.Priority;
import io.ppiofs.overlay.fetch.Fetcher;
import io.ppiofs.overlay.fetch.StreamTransfer;
import io.ppiofs.overlay.fetch.Transfer;
import io.ppiofs.overlay.fetch.Want;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads a volume's blocks from the peers that its {@link GroupBook} names. Thread-safe. */
final class SwarmReader implements SwarmBlockStore.Remote, BlocksAhead.Source {
    private static final Logger LOG = LoggerFactory.getLogger(SwarmReader.class);

    /**
     * @param patience a read that no peer answers fails after this; the kernel's caller hears EIO
     * @param inOutage the same after a read to which nobody has delivered anything, until somebody does: one read of a program can be
     *     many here
     */
    record Times(Duration patience, Duration inOutage) {
        static final Times DEFAULT = new Times(Duration.ofSeconds(16), Duration.ofSeconds(1));
    }

    /** At least so long is waited for peers that a newer table has named. */
    private static final Duration AFTER_REFRESH = Duration.ofSeconds(3);

    /** Between two rounds of asking, while somebody fails; twice as long each time up to {@link #LONGEST_PAUSE}. */
    private static final Duration FIRST_PAUSE = Duration.ofMillis(250);

    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

    /** Peers that are asked for the same block at once, while they answer. */
    private static final int AT_ONCE = 2;

    /** For so long a block that nobody gave is waited for as in an outage: a program's read is asked for again by the kernel. */
    private static final Duration REFUSED = Duration.ofMinutes(1);

    private static final int MOST_REFUSED = 1024;

    /** Without an answer for this long, further peers are asked. */
    private static final Duration SILENCE = Duration.ofMillis(500);

    private final GroupBook book;
    private final Fetcher fetcher;
    private final BlockClient client;
    private final StripeReader stripes;
    private final TableRefresh tables;
    private final Supplier<Collection<PeerId>> operators;
    private final Regions regions;
    private final Times times;

    /** Groups of which the last read got nothing from anybody. */
    private final Set<GroupId> outages = ConcurrentHashMap.newKeySet();

    /** Blocks that nobody gave within the patience, and when, System.nanoTime; the oldest go. */
    private final Map<Cid, Long> refused = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Cid, Long> eldest) {
            return size() > MOST_REFUSED;
        }
    };

    /** When a read last got something of a group, System.nanoTime. */
    private final Map<GroupId, Long> delivered = new ConcurrentHashMap<>();

    /** Pages of the manifest that was learnt last. */
    private volatile Map<Cid, Manifest> pages = Map.of();

    private final AtomicBoolean probing = new AtomicBoolean();

    /**
     * @param operators peers to ask for what the book cannot name: manifests and inventories
     * @param regions who is asked first
     */
    SwarmReader(
            GroupBook book,
            Fetcher fetcher,
            BlockClient client,
            StripeReader stripes,
            TableRefresh tables,
            Supplier<Collection<PeerId>> operators,
            Regions regions,
            Times times) {
        this.times = times;
        this.book = book;
        this.fetcher = fetcher;
        this.client = client;
        this.stripes = stripes;
        this.tables = tables;
        this.operators = operators;
        this.regions = regions;
    }

    @Override
    public boolean isPlaced(Cid cid) {
        return book.contains(cid);
    }

    @Override
    public Map<Cid, ByteBuffer> fetch(List<Cid> cids) {
        if (isCalm() || !isInOutage(cids)) {
            return fetch(cids, times.patience());
        }
        // peers that are slow and not silent need longer than a caller is let wait: one read at a time goes on behind
        // its caller
        Map<Cid, ByteBuffer> found = probing.compareAndSet(false, true) ? probe(cids) : fetch(cids, times.inOutage());
        if (!found.isEmpty()) {
            // somebody is there after all
            List<Cid> others =
                    cids.stream().filter(cid -> !found.containsKey(cid)).toList();
            found.putAll(others.isEmpty() ? Map.of() : fetch(others, times.patience()));
        }
        return found;
    }

    private boolean isCalm() {
        synchronized (refused) {
            return outages.isEmpty() && refused.isEmpty();
        }
    }

    /** Whether nobody has answered for the groups of any of these, or given them lately. */
    private boolean isInOutage(List<Cid> cids) {
        for (Cid cid : cids) {
            GroupBook.Located located = book.locate(cid);
            if (located != null && !outages.contains(located.group().id()) && !isRefused(cid)) {
                return false;
            }
        }
        return true;
    }

    private boolean isRefused(Cid cid) {
        synchronized (refused) {
            Long at = refused.get(cid);
            return at != null && System.nanoTime() - at < REFUSED.toNanos();
        }
    }

    private Map<Cid, ByteBuffer> probe(List<Cid> cids) {
        CompletableFuture<Map<Cid, ByteBuffer>> found = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        found.complete(fetch(cids, times.patience()));
                    } catch (RuntimeException e) {
                        found.completeExceptionally(e);
                    } finally {
                        probing.set(false);
                    }
                },
                "probe-peers");
        thread.setDaemon(true);
        thread.start();
        await(found, () -> {}, System.nanoTime() + times.inOutage().toNanos());
        return found.isDone() && !found.isCompletedExceptionally() ? found.join() : new HashMap<>();
    }

    private Map<Cid, ByteBuffer> fetch(List<Cid> cids, Duration patience) {
        long begin = System.nanoTime();
        long end = begin + patience.toNanos();
        Map<Cid, ByteBuffer> fetched = fetch(cids, end);
        Set<Group> incomplete = new HashSet<>();
        List<Cid> missing = new ArrayList<>();
        for (Cid cid : cids) {
            GroupBook.Located located = fetched.containsKey(cid) ? null : book.locate(cid);
            if (located != null) {
                incomplete.add(located.group());
                missing.add(cid);
            }
        }
        boolean whole = patience.equals(times.patience());
        if (!missing.isEmpty() && (whole || System.nanoTime() - end < 0) && tables.refresh(incomplete)) {
            long more = System.nanoTime() + AFTER_REFRESH.toNanos();
            fetched.putAll(fetch(missing, end - more < 0 ? more : end));
        }
        Duration waited = Duration.ofNanos(System.nanoTime() - begin);
        missing.removeIf(fetched::containsKey);
        synchronized (refused) {
            refused.keySet().removeAll(fetched.keySet());
            if (whole && waited.compareTo(times.inOutage()) > 0) {
                missing.forEach(cid -> refused.put(cid, System.nanoTime()));
            }
        }
        for (Cid cid : fetched.keySet()) {
            GroupBook.Located located = book.locate(cid);
            if (located != null) {
                outages.remove(located.group().id());
                delivered.put(located.group().id(), System.nanoTime());
            }
        }
        // this read or another got something meanwhile: what is missing is lost, or its holder away, and the others are
        // not
        incomplete.removeIf(group -> {
            Long at = delivered.get(group.id());
            return at != null && at - begin > 0;
        });
        if (!incomplete.isEmpty() && whole && waited.compareTo(times.inOutage()) > 0) {
            // nobody came, however long that took; a short wait would show nothing
            incomplete.forEach(group -> outages.add(group.id()));
            LOG.warn("of {} groups no peer delivered anything within {} s", incomplete.size(), waited.toSeconds());
        }
        return fetched;
    }

    @Override
    public List<Want> wants(List<Cid> cids) {
        List<Want> wants = new ArrayList<>();
        Map<PeerId, Integer> near = regions.shared();
        for (Cid cid : cids) {
            GroupBook.Located located = book.locate(cid);
            if (located != null && located.holders().stream().noneMatch(stripes::isShunned)) {
                wants.add(new Want(cid, located.length(), Regions.nearFirst(located.holders(), near)));
            }
        }
        return wants;
    }

    @Override
    public void delivered(Cid cid) {
        GroupBook.Located located = outages.isEmpty() ? null : book.locate(cid);
        if (located != null) {
            outages.remove(located.group().id());
        }
    }

    @Override
    public StreamTransfer stream(BlockSink sink) {
        return fetcher.stream(Priority.PREFETCH, sink);
    }

    /**
     * Asks holders until all is there, or each of them has said that it lacks what is missing: one that failed may answer a moment
     * later, and be the only one that is left.
     *
     * @param end System.nanoTime
     */
    private Map<Cid, ByteBuffer> fetch(List<Cid> cids, long end) {
        Map<Cid, ByteBuffer> fetched = new ConcurrentHashMap<>();
        Duration pause = FIRST_PAUSE;
        List<Cid> missing = List.copyOf(new LinkedHashSet<>(cids));
        while (ask(missing, end, fetched) && System.nanoTime() + pause.toNanos() - end < 0) {
            missing = missing.stream().filter(cid -> !fetched.containsKey(cid)).toList();
            if (missing.isEmpty()) {
                break;
            }
            try {
                // nothing tells when a holder that refused is back
                Thread.sleep(pause.toMillis());
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
            pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
        }
        return fetched;
    }

    /** Once. @return whether a holder failed or did not answer */
    private boolean ask(List<Cid> cids, long end, Map<Cid, ByteBuffer> fetched) {
        List<Want> wants = new ArrayList<>();
        Map<PeerId, Integer> near = regions.shared();
        List<Cid> coded = new ArrayList<>();
        for (Cid cid : cids) {
            GroupBook.Located located = book.locate(cid);
            if (located != null && located.group().scheme().isCopies()) {
                wants.add(new Want(cid, located.length(), Regions.nearFirst(located.holders(), near)));
            } else if (located != null) {
                coded.add(cid);
            }
        }
        AtomicBoolean doubtful = new AtomicBoolean();
        Transfer transfer = wants.isEmpty()
                ? null
                : fetcher.fetch(wants, Priority.FOREGROUND, (index, cid, bytes) -> fetched.put(cid, bytes));
        try {
            if (!coded.isEmpty()) {
                fetched.putAll(stripes.fetch(coded, end, () -> doubtful.set(true)));
            }
            if (transfer != null) {
                await(transfer.done(), () -> {}, end);
            }
            return doubtful.get() || transfer != null && transfer.isDoubtful();
        } finally {
            if (transfer != null) {
                transfer.cancel(); // it would ask those that failed for ever
            }
        }
    }

    private static PpiofsException interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        return new PpiofsException(ErrorKind.INTERRUPTED, "read", "blocks of peers", "interrupted", cause);
    }

    /** Waits within the patience; what has arrived until then counts. */
    private static void await(CompletableFuture<?> done, Runnable cancel, long end) {
        try {
            done.get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            cancel.run();
            throw interrupted(e);
        } catch (TimeoutException e) {
            cancel.run();
            LOG.debug("peers did not deliver in time");
        } catch (ExecutionException e) {
            LOG.info("a peer did not deliver: {}", String.valueOf(e.getCause()));
        }
    }

    /**
     * A block of which only the name is known: every holder that the book names and every operator is asked, {@value #AT_ONCE} at a
     * time, and more of them while nobody answers: a peer that says nothing holds up nobody. The first good answer counts.
     *
     * @param preferred peers to ask first
     * @throws PpiofsException NOT_FOUND if none of them has it; INTERRUPTED
     */
    ByteBuffer find(Cid cid, Collection<PeerId> preferred) {
        Set<PeerId> peers = new LinkedHashSet<>(preferred);
        book.metadata().forEach(g -> peers.addAll(g.holders()));
        book.groups().forEach(g -> peers.addAll(g.holders()));
        peers.addAll(operators.get());
        ByteBuffer block = firstAnswer(cid, new ArrayDeque<>(peers));
        if (block != null) {
            return block;
        }
        throw new PpiofsException(
                ErrorKind.NOT_FOUND,
                "read",
                "block " + cid,
                "none of " + peers.size() + " peers has it; are the storage nodes of this network reachable?");
    }

    private @Nullable ByteBuffer firstAnswer(Cid cid, ArrayDeque<PeerId> next) {
        long end = System.nanoTime() + times.patience().toNanos();
        BlockingQueue<Optional<ByteBuffer>> answers = new LinkedBlockingQueue<>();
        List<Fetch> asked = new ArrayList<>();
        int open = 0;
        int atOnce = AT_ONCE;
        try {
            while ((open > 0 || !next.isEmpty()) && System.nanoTime() - end < 0) {
                while (open < atOnce && !next.isEmpty()) {
                    asked.add(ask(next.remove(), cid, answers));
                    open++;
                }
                Optional<ByteBuffer> answer = answers.poll(SILENCE.toMillis(), TimeUnit.MILLISECONDS);
                if (answer == null) {
                    atOnce += AT_ONCE;
                } else if (answer.isPresent()) {
                    return answer.get();
                } else {
                    open--;
                }
            }
            return null;
        } catch (InterruptedException e) {
            throw interrupted(e);
        } finally {
            asked.forEach(Fetch::cancel);
        }
    }

    private Fetch ask(PeerId peer, Cid cid, BlockingQueue<Optional<ByteBuffer>> answers) {
        AtomicReference<@Nullable ByteBuffer> got = new AtomicReference<>();
        Fetch fetch = client.get(peer, List.of(cid), Priority.FOREGROUND, (index, name, bytes) -> got.set(bytes));
        var unused = fetch.done().whenComplete((nothing, failure) -> answers.add(Optional.ofNullable(got.get())));
        return fetch;
    }

    /** As {@link #learn}, and forgets groups that the manifest does not name: for who only reads. */
    void learnOnly(Cid manifest, NetworkId network, Collection<PeerId> preferred, Opener sealedToPlain) {
        book.keepOnly(learnPlaces(manifest, network, preferred, sealedToPlain));
        book.markLearnt(manifest);
    }

    /**
     * Learns where blocks are from a manifest: pages that are new are fetched, and the inventories of groups that are new or have grown.
     *
     * @param sealedToPlain opens the manifest
     */
    void learn(Cid manifest, NetworkId network, Collection<PeerId> preferred, Opener sealedToPlain) {
        learnPlaces(manifest, network, preferred, sealedToPlain);
        book.markLearnt(manifest);
    }

    /** @return the groups that it names */
    private Set<GroupId> learnPlaces(
            Cid manifest, NetworkId network, Collection<PeerId> preferred, Opener sealedToPlain) {
        Manifest read = Manifest.decode(sealedToPlain.open(bytes(find(manifest, preferred))), network);
        Set<GroupId> named = new HashSet<>();
        Set<PeerId> keepers = new LinkedHashSet<>();
        if (read.keeper() != null) {
            book.learnMetadata(read.keeper());
            named.add(read.keeper().table().group());
            keepers.addAll(read.keeper().table().holders());
        }
        List<Manifest.Place> places = new ArrayList<>();
        Map<Cid, Manifest> now = pages(read.pages(), network, keepers, sealedToPlain);
        now.values().forEach(page -> places.addAll(page.places()));
        places.addAll(read.places()); // the newest group comes last
        for (Manifest.Place place : places) {
            named.add(place.table().table().group());
            learn(place, keepers);
        }
        book.sync();
        pages = now;
        return named;
    }

    /** Those that are new are fetched from all keepers at once, and from whoever has them if that fails. */
    private Map<Cid, Manifest> pages(
            List<Manifest.Page> named, NetworkId network, Set<PeerId> keepers, Opener sealedToPlain) {
        Map<Cid, Manifest> read = new HashMap<>();
        List<Want> wants = new ArrayList<>();
        for (Manifest.Page page : named) {
            Manifest known = pages.get(page.cid());
            if (known == null) {
                wants.add(new Want(page.cid(), page.length(), List.copyOf(keepers)));
            } else {
                read.put(page.cid(), known);
            }
        }
        Map<Cid, ByteBuffer> fetched = new ConcurrentHashMap<>();
        if (!wants.isEmpty()) {
            Transfer transfer =
                    fetcher.fetch(wants, Priority.FOREGROUND, (index, cid, bytes) -> fetched.put(cid, bytes));
            await(
                    transfer.done(),
                    transfer::cancel,
                    System.nanoTime() + times.patience().toNanos());
        }
        for (Manifest.Page page : named) {
            if (!read.containsKey(page.cid())) {
                ByteBuffer block = fetched.get(page.cid());
                byte[] sealed = bytes(block == null ? find(page.cid(), keepers) : block);
                read.put(page.cid(), Manifest.decodePage(sealedToPlain.open(sealed), network, page));
            }
        }
        return Map.copyOf(read);
    }

    /** @param keepers of inventories of open groups */
    private void learn(Manifest.Place place, Set<PeerId> keepers) {
        learnBlocks(place, keepers);
        Group group = book.find(place.table().table().group());
        Group.Tags tags = place.tags() == null ? null : new Group.Tags(place.inventory(), place.tags());
        if (group != null && tags != null && !tags.index().equals(group.tagIndex())) {
            book.isTagged(group, tags);
        }
    }

    private void learnBlocks(Manifest.Place place, Set<PeerId> keepers) {
        Group known = book.find(place.table().table().group());
        if (known != null && known.blocks() >= place.blocks()) {
            book.replace(place.table());
            return;
        }
        Set<PeerId> preferred = new LinkedHashSet<>(keepers);
        preferred.addAll(place.table().table().holders());
        book.learn(
                place.table(),
                OpenInventory.read(
                        place.inventory(),
                        known == null ? List.of() : book.inventory(known).entries(),
                        cid -> bytes(find(cid, preferred))));
    }

    /**
     * A group's inventory.
     *
     * @param holders peers to ask first
     * @throws PpiofsException NOT_FOUND if nobody has it; CORRUPT; INTERRUPTED
     */
    Inventory inventory(Cid cid, Collection<PeerId> holders) {
        return Inventory.decode(bytes(find(cid, new LinkedHashSet<>(holders))));
    }

    /** Opens a sealed manifest. */
    @FunctionalInterface
    interface Opener {
        byte[] open(byte[] sealed);
    }

    private static byte[] bytes(ByteBuffer block) {
        byte[] bytes = new byte[block.remaining()];
        block.duplicate().get(bytes);
        return bytes;
    }

    /** As a block for the local store. */
    static StoredBlock asBlock(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new StoredBlock(Cid.of(buffer.duplicate()), buffer);
    }
}
