package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.ReedSolomon;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.blocks.Priority;
import io.ppiofs.overlay.fetch.Fetcher;
import io.ppiofs.overlay.fetch.Transfer;
import io.ppiofs.overlay.fetch.Want;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.Stripe;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads blocks of coded groups: each from the one peer that has its slot, and, where that peer does not deliver, restored from
 * k others of its stripe. A peer that did not deliver is passed over for a while, so that one that hangs costs its time once.
 * Thread-safe.
 *
 * <p>Cost of a restored block: k blocks fetched, fewer where some are here; data blocks among them are given back, too, for the
 * caller's cache.
 */
final class StripeReader {
    private static final Logger LOG = LoggerFactory.getLogger(StripeReader.class);

    /**
     * How peers that do not deliver are treated.
     *
     * @param quiet peers that deliver nothing at all for this long are given up
     * @param shunned for how long they are asked only if others do not suffice; twice as long each time, up to {@code longest}
     */
    record Times(Duration quiet, Duration shunned, Duration longest) {
        static final Times DEFAULT = new Times(Duration.ofSeconds(5), Duration.ofSeconds(15), Duration.ofMinutes(2));

        private Shun after(@Nullable Shun before) {
            Duration doubled = before == null ? shunned : before.length.multipliedBy(2);
            Duration length = doubled.compareTo(longest) < 0 ? doubled : longest;
            return new Shun(System.nanoTime() + length.toNanos(), length);
        }
    }

    /** Stripes that are in memory at a time. */
    private static final int AT_ONCE = 8;

    private final GroupBook book;
    private final Fetcher fetcher;
    private final BlockStore local;
    private final Times times;

    private final Map<PeerId, Shun> shunned = new ConcurrentHashMap<>();

    /** @param until System.nanoTime */
    private record Shun(long until, Duration length) {}

    /** @param local where blocks of a stripe may be already */
    StripeReader(GroupBook book, Fetcher fetcher, BlockStore local, Times times) {
        this.book = book;
        this.fetcher = fetcher;
        this.local = local;
        this.times = times;
    }

    private record Key(int group, int stripe) {}

    /**
     * A stripe of which blocks are wanted.
     *
     * @param wanted their places in it
     */
    private record Job(Group group, Stripe stripe, List<Integer> wanted) {
        PeerId holder(int slot) {
            return group.table().holders().get(slot);
        }
    }

    /**
     * Blocks that the book says are in coded groups, and whatever else had to be fetched for them.
     *
     * @param end System.nanoTime at which it gives up
     * @param doubt called if a peer failed or did not answer, so that what is missing may be had a moment later
     * @return checked; those that cannot be had now are missing
     * @throws PpiofsException INTERRUPTED
     */
    Map<Cid, ByteBuffer> fetch(List<Cid> cids, long end, Runnable doubt) {
        Map<Cid, ByteBuffer> found = new ConcurrentHashMap<>();
        List<Want> direct = new ArrayList<>();
        for (Cid cid : cids) {
            GroupBook.Located located = book.locate(cid);
            if (located != null && located.holders().stream().noneMatch(this::isShunned)) {
                direct.add(new Want(cid, located.length(), located.holders()));
            }
        }
        fetch(direct, found, end, doubt);
        List<Job> jobs =
                jobs(cids.stream().filter(cid -> !found.containsKey(cid)).toList());
        for (int from = 0; from < jobs.size() && System.nanoTime() - end < 0; from += AT_ONCE) {
            restore(jobs.subList(from, Math.min(jobs.size(), from + AT_ONCE)), found, end, doubt);
        }
        return found;
    }

    boolean isShunned(PeerId peer) {
        Shun shun = shunned.get(peer);
        return shun != null && System.nanoTime() - shun.until() < 0;
    }

    private List<Job> jobs(Collection<Cid> missing) {
        Map<Key, Job> jobs = new LinkedHashMap<>();
        for (Cid cid : missing) {
            GroupBook.Located located = book.locate(cid);
            if (located == null || located.group().scheme().isCopies()) {
                continue; // it has moved meanwhile; whoever reads it again finds it there
            }
            int slots = located.group().scheme().slots();
            int number = located.place() / slots;
            jobs.computeIfAbsent(
                            new Key(located.group().number(), number),
                            key -> new Job(located.group(), book.stripe(located.group(), number), new ArrayList<>()))
                    .wanted()
                    .add(located.place() % slots);
        }
        return List.copyOf(jobs.values());
    }

    /** Fetches as many others of each stripe as it needs, from the best peers first, until all is there or nobody is left. */
    private void restore(List<Job> jobs, Map<Cid, ByteBuffer> found, long end, Runnable doubt) {
        Map<Cid, ByteBuffer> parts = new ConcurrentHashMap<>(found);
        Set<Cid> asked = new HashSet<>();
        jobs.forEach(job -> addLocal(job, parts));
        boolean more = true;
        while (more && System.nanoTime() - end < 0) {
            List<Want> wants = new ArrayList<>();
            for (Job job : jobs) {
                wants.addAll(next(job, parts, asked));
            }
            more = !wants.isEmpty();
            fetch(wants, parts, end, doubt);
        }
        for (Job job : jobs) {
            restore(job, parts, found);
        }
    }

    private void addLocal(Job job, Map<Cid, ByteBuffer> parts) {
        List<Cid> cids = job.stripe().entries().stream()
                .filter(entry -> !entry.isEmpty() && !parts.containsKey(entry.cid()))
                .map(Inventory.Entry::cid)
                .toList();
        for (Cid cid : cids) {
            ByteBuffer block = here(cid);
            if (block != null) {
                parts.put(cid, block);
            }
        }
    }

    private @Nullable ByteBuffer here(Cid cid) {
        try {
            return local.get(List.of(cid)).get(0);
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.CORRUPT) {
                throw e;
            }
            LOG.warn("block {} is damaged here; it is restored from peers", cid);
            return null;
        }
    }

    /** As many blocks of the stripe as are missing to k, each asked for once. */
    private List<Want> next(Job job, Map<Cid, ByteBuffer> parts, Set<Cid> asked) {
        int lacking = job.stripe().scheme().data() - job.stripe().have(parts);
        List<Integer> slots = new ArrayList<>();
        for (int slot = 0; slot < job.stripe().entries().size(); slot++) {
            Inventory.Entry entry = job.stripe().entries().get(slot);
            if (!entry.isEmpty() && !parts.containsKey(entry.cid()) && !asked.contains(entry.cid())) {
                slots.add(slot);
            }
        }
        slots.sort(Comparator.comparing((Integer slot) -> isShunned(job.holder(slot))));
        List<Want> wants = new ArrayList<>();
        for (int i = 0; i < Math.min(lacking, slots.size()); i++) {
            int slot = slots.get(i);
            Inventory.Entry entry = job.stripe().entries().get(slot);
            asked.add(entry.cid());
            wants.add(new Want(entry.cid(), entry.length(), List.of(job.holder(slot))));
        }
        return wants;
    }

    private void restore(Job job, Map<Cid, ByteBuffer> parts, Map<Cid, ByteBuffer> found) {
        Stripe stripe = job.stripe();
        Scheme scheme = stripe.scheme();
        ReedSolomon code = ReedSolomon.cauchy(scheme.data(), scheme.parity());
        for (int slot : job.wanted()) {
            Cid cid = stripe.entries().get(slot).cid();
            ByteBuffer block = parts.get(cid);
            if (block == null) {
                block = stripe.restore(code, slot, parts);
            }
            if (block != null) {
                found.put(cid, block);
            }
        }
        for (Inventory.Entry entry : stripe.entries().subList(0, scheme.data())) {
            ByteBuffer block = parts.get(entry.cid());
            if (block != null) {
                found.putIfAbsent(entry.cid(), block);
            }
        }
    }

    /** Fetches what comes; whose peer delivers nothing is shunned. */
    private void fetch(List<Want> wants, Map<Cid, ByteBuffer> into, long end, Runnable doubt) {
        if (wants.isEmpty()) {
            return;
        }
        AtomicLong last = new AtomicLong(System.nanoTime());
        Transfer transfer = fetcher.fetch(wants, Priority.FOREGROUND, (index, cid, bytes) -> {
            into.put(cid, bytes);
            last.set(System.nanoTime());
        });
        try {
            while (!awaitFor(transfer, times.quiet().dividedBy(10))) {
                long now = System.nanoTime();
                if (now - end >= 0 || now - last.get() >= times.quiet().toNanos()) {
                    break;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "read", "blocks of peers", "interrupted", e);
        } finally {
            if (transfer.isDoubtful()) {
                doubt.run();
            }
            transfer.cancel();
        }
        Map<PeerId, Boolean> delivered = new HashMap<>();
        for (Want want : wants) {
            want.holders().forEach(peer -> delivered.merge(peer, into.containsKey(want.cid()), Boolean::logicalAnd));
        }
        delivered.forEach((peer, all) -> {
            if (all) {
                shunned.remove(peer);
            } else if (shunned.compute(peer, (id, before) -> times.after(before))
                    .length()
                    .equals(times.shunned())) {
                LOG.info("peer {} does not deliver its part of stripes; it is restored from the others", peer);
            }
        });
    }

    /** @return whether it has ended, one way or the other */
    private static boolean awaitFor(Transfer transfer, Duration time) throws InterruptedException {
        try {
            transfer.done().get(time.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (ExecutionException e) {
            LOG.debug("a peer did not deliver: {}", String.valueOf(e.getCause()));
            return true;
        } catch (TimeoutException e) {
            return false;
        }
    }
}
