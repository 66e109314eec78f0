package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deals with the holders of a volume's groups for the drainer's thread: signs tables, gets consent, sends blocks to several of
 * them at once, and remembers who does not answer. {@link #close}, {@link #trouble} and {@link #isSilent} may be called by any
 * thread.
 */
final class Courier implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Courier.class);
    static final Duration ANSWER = Duration.ofSeconds(60);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(200);

    private final String name;
    private final Holders holders;
    private final IdentityKey tenant;
    private final NetworkId network;
    private final HolderTrust trust;
    private final DrainOptions options;

    /** Who has consented to a table since this courier began. */
    private final Set<Admission> admitted = new HashSet<>();

    private record Admission(SlotAddress table, PeerId holder) {}

    /** Since when a holder has not answered, System.nanoTime. */
    private final Map<PeerId, Long> silentSince = new ConcurrentHashMap<>();

    private final Stragglers stragglers;

    private volatile boolean closing;
    private volatile @Nullable CompletableFuture<?> awaited;
    private volatile @Nullable String trouble;

    Courier(
            String name,
            Holders holders,
            HolderTrust trust,
            IdentityKey tenant,
            NetworkId network,
            DrainOptions options) {
        this.name = name;
        this.holders = holders;
        this.trust = trust;
        this.tenant = tenant;
        this.network = network;
        this.options = options;
        this.stragglers = new Stragglers(options, System::nanoTime);
    }

    Holders holders() {
        return holders;
    }

    PeerId tenant() {
        return tenant.peerId();
    }

    SlotTable.Signed sign(SlotTable table) {
        return table.sign(tenant, network);
    }

    /** Why nothing goes on; null while something does. */
    @Nullable
    String trouble() {
        return trouble;
    }

    void settled() {
        trouble = null;
    }

    void troubled(String what, @Nullable Throwable why) {
        if (!what.equals(trouble)) {
            LOG.warn("volume {}: {}", name, what, why);
        }
        trouble = what;
    }

    /** Whether nobody should count on the holder now: it does not answer, refuses, or has not what it says it has. */
    boolean isSilent(PeerId holder) {
        return silentSince.containsKey(holder) || stragglers.isUseless(holder) || trust.isDistrusted(holder);
    }

    /** Whether all its slots should go to others: it has not answered, or has served too slowly, for long, or is not to be trusted. */
    boolean isAway(PeerId holder) {
        return isSilentLong(holder) || stragglers.isUseless(holder) || trust.isDistrusted(holder);
    }

    private boolean isSilentLong(PeerId holder) {
        Long since = silentSince.get(holder);
        return since != null
                && System.nanoTime() - since >= options.replaceAfter().toNanos();
    }

    /** Who takes or serves blocks too slowly, or not at all. */
    Stragglers stragglers() {
        return stragglers;
    }

    HolderTrust trust() {
        return trust;
    }

    /** Who gets nothing new while there is somebody else. */
    Set<PeerId> avoided() {
        Set<PeerId> avoided = new HashSet<>(trust.distrusted());
        avoided.addAll(stragglers.avoided());
        return avoided;
    }

    /** Who gets no slot of a group that has one already: it would lose it at once. */
    Set<PeerId> lost() {
        Set<PeerId> lost = new HashSet<>(trust.distrusted());
        lost.addAll(stragglers.lost());
        silentSince.keySet().stream().filter(this::isSilentLong).forEach(lost::add);
        return lost;
    }

    /** @return who did not consent */
    Set<PeerId> admit(SlotTable.Signed table, Set<PeerId> peers) throws InterruptedException {
        Map<PeerId, CompletableFuture<Void>> answers = new LinkedHashMap<>();
        for (PeerId peer : peers) {
            answers.put(peer, holders.admit(peer, table, 2 * options.groupBytes()));
        }
        Set<PeerId> failed = new HashSet<>();
        for (Map.Entry<PeerId, CompletableFuture<Void>> answer : answers.entrySet()) {
            if (ask(answer.getKey(), answer.getValue(), nothing -> {})) {
                admitted.add(new Admission(table.table().slot(0), answer.getKey()));
            } else {
                failed.add(answer.getKey());
            }
        }
        return failed;
    }

    /** Gives a table to all its holders; who is not reached hears it from the others, or with the next put. */
    void tell(SlotTable.Signed table) throws InterruptedException {
        Set<PeerId> unreached = admit(table, new LinkedHashSet<>(table.table().holders()));
        if (!unreached.isEmpty()) {
            LOG.debug("volume {}: {} were not told of {}", name, unreached, table.table());
        }
    }

    /**
     * Sends blocks into slots of a group, to all at once. A lease names who may put. One that another machine with the same
     * capability ordered, or this one long ago, is ordered anew. A holder that is {@linkplain Stragglers left behind} gets nothing with the
     * others while they are a majority: it is sent what it lacks when nobody waits.
     *
     * @return per slot which of its blocks its holder has on its disk now
     */
    Map<Integer, BitSet> send(Group group, Map<Integer, List<StoredBlock>> bySlot) throws InterruptedException {
        SlotTable table = group.table();
        Set<PeerId> unknown = new LinkedHashSet<>();
        for (int slot : bySlot.keySet()) {
            PeerId peer = table.holders().get(slot);
            if (!admitted.contains(new Admission(table.slot(0), peer))) {
                unknown.add(peer);
            }
        }
        Set<PeerId> refused = unknown.isEmpty() ? unknown : admit(group.signed(), unknown);
        Map<Integer, CompletableFuture<BitSet>> answers = new LinkedHashMap<>();
        Map<Integer, BitSet> stored = new LinkedHashMap<>();
        long quick = bySlot.keySet().stream()
                .map(slot -> table.holders().get(slot))
                .filter(peer -> !refused.contains(peer) && !stragglers.isBehind(peer))
                .count();
        // where those that are left would be too few for anything, slow ones count as much as others
        boolean leaves = bySlot.size() > 1 && quick >= group.majority();
        for (Map.Entry<Integer, List<StoredBlock>> one : bySlot.entrySet()) {
            int slot = one.getKey();
            PeerId peer = table.holders().get(slot);
            stored.put(slot, new BitSet());
            if (refused.contains(peer) || leaves && stragglers.isBehind(peer)) {
                continue;
            }
            List<StoredBlock> views = new ArrayList<>(one.getValue().size());
            one.getValue()
                    .forEach(b -> views.add(new StoredBlock(b.cid(), b.bytes().duplicate())));
            answers.put(slot, holders.put(peer, table.slot(slot), views));
        }
        Race race = new Race(answers.values(), bySlot.size() == 1 || quick == 0 ? patience(bySlot, quick) : ANSWER);
        for (Map.Entry<Integer, CompletableFuture<BitSet>> answer : answers.entrySet()) {
            int slot = answer.getKey();
            PeerId peer = table.holders().get(slot);
            if (ask(peer, answer.getValue(), bits -> stored.put(slot, bits), race, Purpose.PUT)) {
                List<StoredBlock> sent = bySlot.getOrDefault(slot, List.of());
                if (stored.getOrDefault(slot, new BitSet()).cardinality() == sent.size()) {
                    stragglers.took(peer, bytes(sent), Duration.ofNanos(race.took(answer.getValue())));
                }
            } else {
                // it may have lost what it consented to
                admitted.remove(new Admission(table.slot(0), peer));
            }
        }
        return stored;
    }

    private static long bytes(List<StoredBlock> blocks) {
        return blocks.stream().mapToLong(block -> block.bytes().remaining()).sum();
    }

    /** Where nobody sets the pace for others: whoever keeps the least one gets done. */
    private Duration patience(Map<Integer, List<StoredBlock>> bySlot, long quick) {
        long most = bySlot.values().stream().mapToLong(Courier::bytes).max().orElse(0);
        Duration paced = Duration.ofMillis(most * 1000 / Stragglers.PACE);
        Duration least = quick == 0 ? options.grace() : options.grace().multipliedBy(3);
        return paced.compareTo(least) > 0 ? paced : least;
    }

    /** What a holder is asked for. */
    private enum Purpose {
        QUESTION,
        PUT,
        PROOF
    }

    /** How long several holders may take for the same bytes: the first half of them sets the pace for the others. */
    private final class Race {
        private final long began = System.nanoTime();
        private final long patience;
        private final int enough;
        /** System.nanoTime at which answers came. */
        private final Map<CompletableFuture<?>, Long> ends = new IdentityHashMap<>();

        private int done;
        private long decided;

        /** @param patience for the first half */
        Race(Collection<? extends CompletableFuture<?>> answers, Duration patience) {
            this.patience = patience.toNanos();
            enough = (answers.size() + 1) / 2;
            answers.forEach(answer -> answer.whenComplete((value, failure) -> ended(answer, failure == null)));
        }

        private synchronized void ended(CompletableFuture<?> answer, boolean well) {
            ends.put(answer, System.nanoTime());
            if (well && ++done == enough) {
                decided = System.nanoTime();
            }
        }

        synchronized boolean isDecided() {
            return done >= enough;
        }

        /** System.nanoTime after which nobody is waited for, as far as is known now. */
        synchronized long end() {
            return isDecided()
                    ? decided + Math.max(options.grace().toNanos(), 3 * (decided - began))
                    : began + patience;
        }

        long lasted() {
            return System.nanoTime() - began;
        }

        /** Nanoseconds until the answer came. */
        synchronized long took(CompletableFuture<?> answer) {
            return ends.getOrDefault(answer, System.nanoTime()) - began;
        }
    }

    /**
     * Waits for the answer of one holder.
     *
     * @param kept gets the answer
     * @return whether there was one
     */
    <T extends @Nullable Object> boolean ask(PeerId peer, CompletableFuture<T> answer, Consumer<T> kept)
            throws InterruptedException {
        return ask(peer, answer, kept, new Race(List.of(answer), ANSWER), Purpose.QUESTION);
    }

    /**
     * Waits for a holder to prove that it has something, and notes whether it took its time.
     *
     * @param bytes that it serves for that
     */
    void check(PeerId peer, CompletableFuture<Boolean> proof, long bytes, Consumer<Boolean> kept)
            throws InterruptedException {
        Duration limit = stragglers.serving(bytes);
        Race race = new Race(List.of(proof), limit.multipliedBy(2));
        if (ask(peer, proof, kept, race, Purpose.PROOF)) {
            served(peer, race.took(proof) <= limit.toNanos());
        }
    }

    private void served(PeerId peer, boolean prompt) {
        if (stragglers.served(peer, prompt)) {
            told(peer, Stragglers.Why.SERVES_SLOWLY);
        }
    }

    private <T extends @Nullable Object> boolean ask(
            PeerId peer, CompletableFuture<T> answer, Consumer<T> kept, Race race, Purpose purpose)
            throws InterruptedException {
        awaited = answer;
        if (closing) {
            answer.cancel(true);
        }
        try {
            kept.accept(get(answer, race));
            silentSince.remove(peer);
            return true;
        } catch (CancellationException e) {
            return false; // close() does that
        } catch (ExecutionException e) {
            String why = e.getCause() instanceof PpiofsException p ? String.valueOf(p.getMessage()) : e.toString();
            failed(peer, "peer " + peer + " failed: " + why);
            if (e.getCause() instanceof PpiofsException p) {
                judge(peer, p.kind(), race.isDecided(), purpose);
            }
            return false;
        } catch (TimeoutException e) {
            answer.cancel(true);
            // it is there: requests to one that is not fail
            if (purpose == Purpose.PUT) {
                if (!race.isDecided()) {
                    trouble = late(peer, race);
                }
                leftBehind(peer, Stragglers.Why.SLOW);
            } else if (purpose == Purpose.QUESTION) {
                failed(peer, late(peer, race)); // says nothing about how it serves: answers are not counted either
            } else {
                served(peer, false);
            }
            return false;
        } finally {
            awaited = null;
        }
    }

    /** The answer; how long it is waited for may become clear meanwhile. */
    private static <T extends @Nullable Object> T get(CompletableFuture<T> answer, Race race)
            throws InterruptedException, ExecutionException, TimeoutException {
        while (true) {
            long left = race.end() - System.nanoTime();
            try {
                return answer.get(Math.max(0, Math.min(left, LOOK_AGAIN.toNanos())), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                if (left <= LOOK_AGAIN.toNanos() && race.end() - System.nanoTime() <= 0) {
                    throw e;
                }
            }
        }
    }

    private static String late(PeerId peer, Race race) {
        return "peer " + peer + " did not answer in " + race.lasted() / 1_000_000_000 + " s";
    }

    private void judge(PeerId peer, ErrorKind kind, boolean decided, Purpose purpose) {
        if (kind == ErrorKind.NO_SPACE) {
            leftBehind(peer, Stragglers.Why.NO_SPACE); // whatever its advert says
        } else if (decided && kind == ErrorKind.IO) {
            leftBehind(peer, Stragglers.Why.STALLS);
        } else if (purpose == Purpose.PUT && kind != ErrorKind.NOT_CONNECTED && stragglers.refused(peer)) {
            told(peer, Stragglers.Why.REFUSES);
        }
    }

    private void leftBehind(PeerId peer, Stragglers.Why why) {
        if (stragglers.leftBehind(peer, why)) {
            told(peer, why);
        }
    }

    private void told(PeerId peer, Stragglers.Why why) {
        LOG.warn("volume {}: peer {} {}; the others do not wait for it", name, peer, why);
    }

    /** Told once for as long as it lasts. */
    private void failed(PeerId peer, String what) {
        if (silentSince.putIfAbsent(peer, System.nanoTime()) == null) {
            LOG.warn("volume {}: {}", name, what);
        }
        trouble = what;
    }

    /** Whatever is waited for fails, now and later. */
    @Override
    public void close() {
        closing = true;
        CompletableFuture<?> current = awaited;
        if (current != null) {
            current.cancel(true);
        }
    }
}
