package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.HeadCheckpoints;
import io.ppiofs.fs.journal.JournalCopy;
import io.ppiofs.fs.journal.JournalRestore;
import io.ppiofs.fs.journal.ReplicaSeal;
import io.ppiofs.fs.volume.Capability;
import io.ppiofs.fs.volume.HeadState;
import io.ppiofs.fs.volume.UnlockedVolume;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.storage.StorageClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
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
 * Finds what a writer that is gone has left on peers behind its last safe head: the copies of its journal, and where the
 * blocks are that these refer to. Used once by one thread, before the volume is opened.
 */
final class LostWriter {
    private static final Logger LOG = LoggerFactory.getLogger(LostWriter.class);
    private static final int ASK_SECONDS = 25;
    private static final Duration PATIENCE = Duration.ofSeconds(25);
    private static final Duration AGAIN = Duration.ofMillis(500);
    private static final long MAX_JOURNAL = 192L << 20;

    private final UnlockedVolume volume;
    private final Capability.ReadWrite capability;
    private final PeerId tenant;
    private final StorageClient storage;
    private final Set<PeerId> operators;
    private final GroupBook book;
    private final SwarmReader reader;

    /** Who has answered, if only that it has nothing. */
    private final Set<PeerId> heard = new HashSet<>();

    LostWriter(
            UnlockedVolume volume,
            Capability.ReadWrite capability,
            PeerId tenant,
            StorageClient storage,
            Collection<PeerId> operators,
            GroupBook book,
            SwarmReader reader) {
        this.volume = volume;
        this.capability = capability;
        this.tenant = tenant;
        this.storage = storage;
        this.operators = new LinkedHashSet<>(operators);
        this.book = book;
        this.reader = reader;
    }

    /** How a search ended. */
    enum Found {
        /** No journal goes on from the head. */
        NOTHING,
        /** The journal's records are in this home's journal now. */
        RESTORED,
        /** Peers keep a journal that goes on from a newer head than the one that is here. */
        NEWER_HEAD
    }

    /** A journal as an operator says that it keeps it. */
    private record Kept(PeerId peer, StorageClient.JournalPage page) {}

    /**
     * Looks for the journal behind the volume's head and makes it this home's.
     *
     * @throws PpiofsException NO_SPACE, IO
     */
    Found restore() throws InterruptedException {
        HeadState head = volume.heads().read().state();
        byte[] stream = HeadCheckpoints.stream(head);
        if (stream == null) {
            return Found.NOTHING;
        }
        List<Kept> kept = kept();
        JournalCopy best = null;
        long bestNext = 0;
        // a stream begins behind a head that names it: if a later one is kept, there is a later head
        boolean behind = !kept.isEmpty() && kept.get(0).page().stream() > ReplicaSeal.numberOf(stream);
        for (Kept one : kept) {
            if (one.page().stream() != ReplicaSeal.numberOf(stream)) {
                continue; // of an earlier run, or of another writer
            }
            if (one.page().next() <= bestNext) {
                continue; // no longer than what is here
            }
            JournalCopy copy = open(stream, one);
            behind |= copy != null && copy.beginsBehind(head.journalLsn());
            if (copy != null
                    && copy.continues(head.journalLsn())
                    && (best == null || copy.lastLsn() > best.lastLsn())) {
                best = copy;
                bestNext = one.page().first() + copy.used(); // a download may have broken off
            }
        }
        if (behind) {
            return Found.NEWER_HEAD; // what continues an older head is stale, whoever keeps it
        }
        if (best == null) {
            return Found.NOTHING;
        }
        learnPlaces();
        long records =
                JournalRestore.restore(volume.journalDirectory(), volume.keys().journalKey(), best, head.journalLsn());
        LOG.info(
                "volume {}: {} journal records of its last writer were found on peers; {}",
                volume.config().name(),
                records,
                best.dropped() == 0 ? "none is torn" : best.dropped() + " entries at the end are torn and left out");
        return Found.RESTORED;
    }

    private ReplicaSeal seal(byte[] stream) {
        return new ReplicaSeal(capability.journalCopies().bytes(), stream);
    }

    /** What the operators keep that answer, the longest first. */
    private List<Kept> kept() throws InterruptedException {
        List<Group> groups = book.current();
        Group newest = groups.isEmpty() ? null : groups.get(groups.size() - 1);
        Set<PeerId> keepers = newest == null ? Set.of() : newest.holders();
        operators.addAll(keepers);
        // with so many of the keepers, one is among them that has confirmed what was acknowledged last
        int enough = newest == null ? 0 : keepers.size() - newest.majority() + 1;
        long end = System.nanoTime() + PATIENCE.toNanos();
        heard.clear();
        List<Kept> kept = new ArrayList<>();
        ask(kept);
        while (heardOf(keepers) < enough && System.nanoTime() - end < 0) {
            TimeUnit.MILLISECONDS.sleep(AGAIN.toMillis());
            ask(kept);
        }
        if (heardOf(keepers) < enough) {
            LOG.warn(
                    "volume {}: only {} of {} peers that keep its journal answer; what was fsynced last may be missing",
                    volume.config().name(),
                    heardOf(keepers),
                    keepers.size());
        }
        kept.sort(Comparator.comparingLong((Kept one) -> one.page().stream())
                .thenComparingLong(one -> one.page().next())
                .reversed());
        return kept;
    }

    private long heardOf(Set<PeerId> keepers) {
        return keepers.stream().filter(heard::contains).count();
    }

    /** Asks those who have not answered yet. */
    private void ask(List<Kept> kept) throws InterruptedException {
        Map<PeerId, CompletableFuture<StorageClient.JournalPage>> answers = new LinkedHashMap<>();
        operators.stream().filter(peer -> !heard.contains(peer)).forEach(peer -> answers.put(peer, page(peer, 1)));
        for (Map.Entry<PeerId, CompletableFuture<StorageClient.JournalPage>> answer : answers.entrySet()) {
            StorageClient.JournalPage page = await(answer.getKey(), answer.getValue());
            if (page != null) {
                kept.add(new Kept(answer.getKey(), page));
            }
        }
    }

    private CompletableFuture<StorageClient.JournalPage> page(PeerId peer, long from) {
        return storage.journalPage(peer, tenant, volume.config().id().bytes(), from);
    }

    private <T> @Nullable T await(PeerId peer, CompletableFuture<T> answer) throws InterruptedException {
        try {
            T value = answer.get(ASK_SECONDS, TimeUnit.SECONDS);
            heard.add(peer);
            return value;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof PpiofsException p && p.kind() == ErrorKind.NOT_FOUND) {
                heard.add(peer);
            } else {
                LOG.info(
                        "volume {}: {} could not be asked for what it keeps: {}",
                        volume.config().name(),
                        peer,
                        String.valueOf(e.getCause()));
            }
            return null;
        } catch (TimeoutException e) {
            LOG.info("volume {}: {} does not answer", volume.config().name(), peer);
            return null;
        }
    }

    private @Nullable JournalCopy open(byte[] stream, Kept one) throws InterruptedException {
        List<byte[]> entries = new ArrayList<>(one.page().entries());
        long bytes = entries.stream().mapToLong(e -> e.length).sum();
        long from = one.page().first() + entries.size();
        while (from < one.page().next() && bytes < MAX_JOURNAL) {
            StorageClient.JournalPage page = await(one.peer(), page(one.peer(), from));
            if (page == null
                    || page.entries().isEmpty()
                    || page.first() != from
                    || page.stream() != one.page().stream()) {
                break; // what came up to here counts
            }
            entries.addAll(page.entries());
            bytes += page.entries().stream().mapToLong(e -> e.length).sum();
            from += page.entries().size();
        }
        return entries.isEmpty() ? null : JournalCopy.open(seal(stream), entries);
    }

    // ---- blocks -----------------------------------------------------------------------------------------------------

    /** Blocks that were placed after the head's manifest: what holders of copies say they have. */
    private void learnPlaces() throws InterruptedException {
        Map<PeerId, CompletableFuture<List<TableChain>>> answers = new LinkedHashMap<>();
        heard.forEach(peer -> answers.put(peer, storage.groups(peer, tenant)));
        Map<GroupId, TableChain> newest = new HashMap<>();
        for (Map.Entry<PeerId, CompletableFuture<List<TableChain>>> answer : answers.entrySet()) {
            List<TableChain> chains = await(answer.getKey(), answer.getValue());
            for (TableChain chain : chains == null ? List.<TableChain>of() : chains) {
                newest.merge(chain.group(), chain, (a, b) -> b.generation() > a.generation() ? b : a);
            }
        }
        for (TableChain chain : newest.values()) {
            SlotTable table = chain.newest();
            Group known = book.find(chain.group());
            boolean whole = known != null && !known.isOpen();
            boolean manifests = chain.group().isForManifests(); // the head names the one that counts
            if (!whole && !manifests && table.scheme().isCopies() && table.state() != SlotTable.State.RETIRED) {
                learn(chain, known);
            }
        }
        book.sync();
    }

    private void learn(TableChain chain, @Nullable Group known) throws InterruptedException {
        SlotTable table = chain.newest();
        Cid closed = table.inventory();
        if (closed != null) {
            // its order is what slots are compared by; what holders list has other blocks between
            book.learn(chain.newestSigned(), reader.inventory(closed, table.holders()));
            return;
        }
        Map<PeerId, CompletableFuture<List<Inventory.Entry>>> answers = new LinkedHashMap<>();
        for (int slot = 0; slot < table.holders().size(); slot++) {
            PeerId peer = table.holders().get(slot);
            int place = slot;
            if (!heard.contains(peer)) {
                continue; // it did not answer a moment ago
            }
            answers.computeIfAbsent(peer, p -> storage.allHoldings(p, tenant, chain.group(), place));
        }
        List<Inventory.Entry> entries = known == null ? new ArrayList<>() : new ArrayList<>(book.entries(known));
        Set<Cid> here = new HashSet<>();
        entries.forEach(entry -> here.add(entry.cid()));
        for (Map.Entry<PeerId, CompletableFuture<List<Inventory.Entry>>> answer : answers.entrySet()) {
            List<Inventory.Entry> holdings = await(answer.getKey(), answer.getValue());
            for (Inventory.Entry entry : holdings == null ? List.<Inventory.Entry>of() : holdings) {
                if (entries.size() < Inventory.MAX_ENTRIES && here.add(entry.cid())) {
                    entries.add(entry);
                }
            }
        }
        book.learn(chain.newestSigned(), new Inventory(table.scheme(), entries));
    }
}
