package io.ppiofs.node.swarm;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.journal.JournalReplica;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.storage.JournalOrder;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongPredicate;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings sealed journal records to the holders of a volume's newest group and says when enough of them have confirmed. One
 * request at a time is under way to each holder; what comes meanwhile goes with the next one, so any number of fsyncs share a
 * round trip. The stream goes on from a firm head ({@link Publisher.Firm}), and each later one trims it. What has been taken
 * and is in no firm head yet is in memory; if that becomes too much it is dropped, and its records are confirmed by the next
 * firm head that contains them instead. One thread; methods may be called by any.
 */
final class CopiedJournal implements JournalReplica, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CopiedJournal.class);

    /**
     * Bounds and times.
     *
     * @param patience an fsync fails after this
     * @param hopeless the same when the last one failed and nothing has been confirmed since
     * @param again pause after a holder failed
     * @param retained most bytes in memory
     */
    record Options(Duration patience, Duration hopeless, Duration again, long retained) {
        static final Options DEFAULT =
                new Options(Duration.ofSeconds(20), Duration.ofSeconds(5), Duration.ofSeconds(1), 64L << 20);
    }

    /** Sends orders to holders; futures end within a bounded time. */
    @FunctionalInterface
    interface Sender {
        CompletableFuture<Long> send(PeerId holder, JournalOrder.Signed order, List<byte[]> entries);
    }

    private static final int MAX_ENTRIES = 100_000;
    private static final int MESSAGE = JournalOrder.MAX_ENTRIES_BYTES - 64 * 1024;
    private static final Duration LAST_GRACE = Duration.ofSeconds(2);

    /** @param position of the backlog: blocks up to there are what the records refer to */
    private record Entry(long number, Sealed records, long position) {
        /** Whether its records are whole, so that a trim may end here. */
        boolean isWhole() {
            return records.lastLsn() >= records.firstLsn();
        }
    }

    /** A holder as far as is known. */
    private static final class Holder {
        /** All entries before it are on its disk, or trimmed. */
        long next = 1;
        /** False: what it has must be asked first. */
        boolean known = true;

        long trimmed = -1;
        boolean busy;

        /** It said that something is missing, and has taken nothing since. */
        boolean gap;

        long retryAt = System.nanoTime();
    }

    private record Waiter(long lsn, long end, CompletableFuture<Void> answer) {}

    private record Order(PeerId peer, Holder holder, JournalOrder order, List<byte[]> entries) {}

    private final String name;
    private final IdentityKey tenant;
    private final NetworkId network;
    private final byte[] volume;
    private final long stream;
    private final Sender sender;
    private final LongSupplier position;
    private final LongPredicate firmUpTo;
    private final Supplier<@Nullable String> placing;
    private final Options options;
    private final Thread thread;

    // Guarded by this.
    private final TreeMap<Long, Entry> retained = new TreeMap<>();
    private final Deque<Entry> unconfirmed = new ArrayDeque<>();
    private final Map<PeerId, Holder> holders = new LinkedHashMap<>();
    private final List<Waiter> waiters = new ArrayList<>();
    private int needed;
    private long retainedBytes;
    private long lastNumber;
    private long lastLsn;
    private long trimmed;
    private long firmLsn = -1;
    private long confirmedLsn = -1;

    /** Records up to here are confirmed by a firm head only; nothing behind them is sent before. */
    private long onlyByHead = Long.MAX_VALUE;

    private boolean skipping;
    private boolean hopeless;
    private boolean signalled;
    private boolean closing;
    private long asked;
    private long failures;
    private @Nullable String trouble;

    /**
     * @param stream number above those of all earlier streams of the volume
     * @param position of the newest block in the backlog
     * @param firmUpTo whether blocks up to a position are on enough peers
     * @param placing why blocks do not get there, null if nobody knows
     */
    CopiedJournal(
            String name,
            IdentityKey tenant,
            NetworkId network,
            byte[] volume,
            long stream,
            Sender sender,
            LongSupplier position,
            LongPredicate firmUpTo,
            Supplier<@Nullable String> placing,
            Options options) {
        this.name = name;
        this.tenant = tenant;
        this.network = network;
        this.volume = volume.clone();
        this.stream = stream;
        this.sender = sender;
        this.position = position;
        this.firmUpTo = firmUpTo;
        this.placing = placing;
        this.options = options;
        this.thread = new Thread(this::run, "copy-journal-" + name);
        thread.setDaemon(true);
    }

    /** @param lsn the last record that it was not given */
    synchronized void start(long lsn) {
        onlyByHead = lsn;
        lastLsn = Math.max(lastLsn, lsn);
        thread.start();
    }

    @Override
    public void append(Sealed records) {
        long blocks = position.getAsLong();
        synchronized (this) {
            lastNumber++;
            boolean begins =
                    retained.isEmpty() || retained.lastEntry().getValue().isWhole();
            if (retainedBytes + records.bytes().length > options.retained() || retained.size() >= MAX_ENTRIES) {
                drop();
                skipping |= !begins;
            }
            Entry entry = new Entry(lastNumber, records, blocks);
            lastLsn = Math.max(lastLsn, records.lastLsn());
            if (skipping) {
                // the rest of records whose beginning was dropped
                onlyByHead = Math.max(onlyByHead, records.lastLsn());
                trimmed = lastNumber;
                skipping = !entry.isWhole();
            } else {
                retained.put(lastNumber, entry);
                unconfirmed.add(entry);
                retainedBytes += records.bytes().length;
            }
            signal();
        }
    }

    private void drop() {
        LOG.warn(
                "volume {}: {} bytes of its journal wait for a head on peers; the next one that gets there confirms them",
                name,
                retainedBytes);
        for (Entry entry : retained.values()) {
            onlyByHead = Math.max(onlyByHead, entry.records().lastLsn());
            trimmed = entry.number();
        }
        retained.clear();
        unconfirmed.clear();
        retainedBytes = 0;
    }

    @Override
    public CompletableFuture<Void> confirmed(long lsn) {
        CompletableFuture<Void> answer = new CompletableFuture<>();
        synchronized (this) {
            asked++;
            if (closing) {
                answer.completeExceptionally(failed("the volume is closing"));
            } else if (lsn <= Math.max(confirmedLsn, firmLsn)) {
                answer.complete(null);
            } else {
                Duration patience = hopeless ? options.hopeless() : options.patience();
                waiters.add(new Waiter(lsn, System.nanoTime() + patience.toNanos(), answer));
                signal();
            }
        }
        return answer;
    }

    /** Whether somebody waits. */
    synchronized boolean isWaitedFor() {
        return !waiters.isEmpty();
    }

    /** Blocks may be on enough peers now. */
    synchronized void blocksMoved() {
        if (!waiters.isEmpty() || !unconfirmed.isEmpty()) {
            signal();
        }
    }

    /**
     * A head of this stream is firm.
     *
     * @param lsn it has all records up to there
     * @param majority how many of the peers must confirm
     */
    synchronized void firm(long lsn, Iterable<PeerId> peers, int majority) {
        firmLsn = Math.max(firmLsn, lsn);
        Map<PeerId, Holder> now = new LinkedHashMap<>();
        for (PeerId peer : peers) {
            Holder known = holders.get(peer);
            now.put(peer, known == null ? new Holder() : known);
        }
        holders.clear();
        holders.putAll(now);
        needed = majority;
        long upTo = 0;
        for (Entry entry : retained.values()) {
            if (entry.records().lastLsn() > firmLsn) {
                break;
            }
            upTo = entry.isWhole() ? entry.number() : upTo;
        }
        if (upTo > 0) {
            trimmed = upTo;
            Iterator<Entry> old = retained.headMap(upTo, true).values().iterator();
            while (old.hasNext()) {
                retainedBytes -= old.next().records().bytes().length;
                old.remove();
            }
        }
        signal();
    }

    private void signal() {
        signalled = true;
        notifyAll();
    }

    // ---- the thread -------------------------------------------------------------------------------------------------

    private void run() {
        try {
            while (true) {
                List<Order> orders;
                List<CompletableFuture<Void>> done = new ArrayList<>();
                Map<CompletableFuture<Void>, PpiofsException> late = new LinkedHashMap<>();
                synchronized (this) {
                    if (closing) {
                        return;
                    }
                    signalled = false;
                    orders = orders();
                    answers(done, late);
                }
                done.forEach(answer -> answer.complete(null));
                late.forEach(CompletableFuture::completeExceptionally);
                orders.forEach(this::send);
                synchronized (this) {
                    long left = untilNext();
                    if (!signalled && !closing && left > 0) {
                        TimeUnit.NANOSECONDS.timedWait(this, left);
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.error("volume {}: its journal is copied no more", name, e);
        }
    }

    /** Nanoseconds until something is due by time. */
    private long untilNext() {
        long now = System.nanoTime();
        long left = TimeUnit.MINUTES.toNanos(1);
        for (Waiter waiter : waiters) {
            left = Math.min(left, waiter.end() - now);
        }
        for (Holder holder : holders.values()) {
            left = holder.busy || !hasWork(holder) ? left : Math.min(left, holder.retryAt - now);
        }
        return left;
    }

    private boolean hasWork(Holder holder) {
        return firmLsn >= onlyByHead && (!holder.known || holder.trimmed < trimmed || holder.next <= lastNumber);
    }

    private List<Order> orders() {
        List<Order> orders = new ArrayList<>();
        long now = System.nanoTime();
        holders.forEach((peer, holder) -> {
            if (!holder.busy && hasWork(holder) && now - holder.retryAt >= 0) {
                long first = holder.known ? Math.max(holder.next, trimmed + 1) : trimmed + 1;
                List<byte[]> entries = new ArrayList<>();
                long bytes = 0;
                // what a holder has is asked by an order without entries
                for (Entry entry : holder.known ? retained.tailMap(first).values() : List.<Entry>of()) {
                    bytes += entry.records().bytes().length + 16;
                    if (!entries.isEmpty() && bytes > MESSAGE || entries.size() == JournalOrder.MAX_ENTRIES) {
                        break;
                    }
                    entries.add(entry.records().bytes());
                }
                holder.busy = true;
                orders.add(new Order(
                        peer,
                        holder,
                        JournalOrder.of(tenant.peerId(), volume, stream, trimmed, first, entries),
                        entries));
            }
        });
        return orders;
    }

    private void send(Order order) {
        CompletableFuture<Long> answer;
        try {
            answer = sender.send(order.peer(), order.order().sign(tenant, network), order.entries());
        } catch (RuntimeException e) {
            answer = CompletableFuture.failedFuture(e);
        }
        var unused = answer.whenComplete((next, failure) -> {
            synchronized (this) {
                if (failure == null) {
                    answered(order, next);
                } else {
                    refused(order, failure);
                }
                signal();
            }
        });
    }

    private void answered(Order order, long next) {
        Holder holder = order.holder();
        holder.busy = false;
        holder.known = true;
        holder.gap &= order.entries().isEmpty();
        holder.next = next;
        holder.trimmed = order.order().trimmed();
        boolean odd = next > lastNumber + 1
                || next < order.order().first() + order.entries().size()
                        && !order.entries().isEmpty();
        if (odd) {
            trouble(order.peer() + " counts the entries of the journal otherwise");
            holder.next = trimmed + 1;
            holder.retryAt = System.nanoTime() + options.again().toNanos();
        }
    }

    private void refused(Order order, Throwable failure) {
        Holder holder = order.holder();
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        holder.busy = false;
        holder.known = false;
        boolean gap = cause instanceof PpiofsException e && e.kind() == ErrorKind.NOT_FOUND;
        boolean again = gap && holder.gap; // asked a moment ago, it said otherwise
        holder.gap = gap;
        if (!gap || again) {
            holder.retryAt = System.nanoTime() + options.again().toNanos();
            trouble(cause instanceof PpiofsException e ? String.valueOf(e.getMessage()) : cause.toString());
        }
    }

    private void trouble(String what) {
        if (!what.equals(trouble)) {
            LOG.info("volume {}: the journal on peers: {}", name, what);
        }
        trouble = what;
    }

    /** Number of the last entry that enough holders have. */
    private long confirmedNumber() {
        if (needed == 0 || holders.size() < needed) {
            return 0;
        }
        long[] have =
                holders.values().stream().mapToLong(h -> h.next - 1).sorted().toArray();
        return have[have.length - needed];
    }

    private void answers(List<CompletableFuture<Void>> done, Map<CompletableFuture<Void>, PpiofsException> late) {
        if (firmLsn >= onlyByHead) {
            long number = confirmedNumber();
            Entry first = unconfirmed.peek();
            while (first != null
                    && (first.number() <= trimmed || first.number() <= number && firmUpTo.test(first.position()))) {
                confirmedLsn = Math.max(confirmedLsn, first.records().lastLsn());
                unconfirmed.remove();
                first = unconfirmed.peek();
            }
        }
        long now = System.nanoTime();
        long reached = Math.max(confirmedLsn, firmLsn);
        for (Iterator<Waiter> it = waiters.iterator(); it.hasNext(); ) {
            Waiter waiter = it.next();
            if (waiter.lsn() <= reached) {
                done.add(waiter.answer());
                hopeless = false;
                it.remove();
            } else if (now - waiter.end() >= 0) {
                late.put(waiter.answer(), failed(why()));
                failures++;
                hopeless = true;
                it.remove();
            }
        }
    }

    private String why() {
        String blocks = placing.get();
        String cause = trouble == null ? blocks : trouble;
        String detail = cause == null ? "" : " (" + cause + ")";
        if (firmLsn < onlyByHead) {
            return "no head of this mount has its copies yet" + detail;
        }
        return confirmedNumber() < lastNumber
                ? "fewer than " + needed + " of " + holders.size() + " peers have confirmed the journal" + detail
                : "fewer than " + needed + " peers have confirmed the blocks" + detail;
    }

    private PpiofsException failed(String why) {
        return new PpiofsException(ErrorKind.NOT_CONNECTED, "sync", "volume " + name, why);
    }

    /** Numbers for status; names are stable. */
    synchronized Map<String, Long> facts() {
        Map<String, Long> facts = new LinkedHashMap<>();
        facts.put(
                "journalHolders",
                holders.values().stream()
                        .filter(h -> h.known && h.next > lastNumber)
                        .count());
        facts.put("journalHoldersNeeded", (long) needed);
        facts.put("recordsNotOnPeers", Math.max(0, lastLsn - Math.max(confirmedLsn, firmLsn)));
        facts.put("journalBytesOnPeers", retainedBytes);
        facts.put("swarmSyncs", asked);
        facts.put("swarmSyncsFailed", failures);
        return facts;
    }

    /** Waits a moment until the holders have dropped what a firm head contains. */
    @Override
    public void close() {
        long end = System.nanoTime() + LAST_GRACE.toNanos();
        List<Waiter> left;
        synchronized (this) {
            try {
                while (thread.isAlive()
                        && holders.values().stream().anyMatch(h -> h.known && h.trimmed < trimmed)
                        && System.nanoTime() - end < 0) {
                    TimeUnit.NANOSECONDS.timedWait(this, Math.max(1, end - System.nanoTime()));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            closing = true;
            left = List.copyOf(waiters);
            waiters.clear();
            signal();
        }
        left.forEach(waiter -> waiter.answer().completeExceptionally(failed("the volume is closing")));
    }
}
