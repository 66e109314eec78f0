package io.ppiofs.node.swarm;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.storage.LeaseOrder;
import io.ppiofs.overlay.storage.StorageClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Prolongs what a tenant has leased, long before it ends: each holder is asked once in ten days, and who does not answer again soon. A file
 * tells when each of them was, so that volumes that are mounted for an hour a day are cared for like those that always are. One thread of
 * its own, which sleeps; the facts are for any thread. Cost: one request to a holder in ten days.
 */
final class LeaseKeeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LeaseKeeper.class);
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int MAX_FILE = 4 << 20;
    private static final int MAX_PEERS = 65_536;

    /**
     * @param every a holder is asked so often
     * @param again pause between looks at who is to be asked, and so until a holder is asked again that did not answer
     * @param refused a peer that has nothing of the tenant is asked again after this
     */
    record Times(Duration every, Duration again, Duration refused) {
        static final Times DEFAULT = new Times(Duration.ofDays(10), Duration.ofMinutes(1), Duration.ofDays(1));
    }

    /** Asks one holder. */
    @FunctionalInterface
    interface Asking {
        CompletableFuture<StorageClient.Renewed> renew(PeerId holder);
    }

    private final String name;
    private final Path file;
    private final Supplier<? extends Collection<PeerId>> holders;
    private final boolean follows;
    private final Asking asking;
    private final Scheduler clock;
    private final Times times;
    private final Thread thread;

    /** By this node's clock, milliseconds since 1970; guarded by this. */
    private final Map<PeerId, Long> renewed = new HashMap<>();

    private final Map<PeerId, Long> refused = new HashMap<>();
    private boolean closing;
    private @Nullable CompletableFuture<StorageClient.Renewed> pending;

    /**
     * @param name for log lines
     * @param file where it is kept when which holder was asked
     * @param holders who is known to hold something
     * @param follows whether those are asked, too, that they name, and remembered: else only {@code holders} count
     */
    LeaseKeeper(
            String name,
            Path file,
            Supplier<? extends Collection<PeerId>> holders,
            boolean follows,
            Asking asking,
            Scheduler clock,
            Times times) {
        this.name = name;
        this.file = file;
        this.holders = holders;
        this.follows = follows;
        this.asking = asking;
        this.clock = clock;
        this.times = times;
        this.thread = new Thread(this::run, "leases-" + name);
        thread.setDaemon(true);
        read();
    }

    void start() {
        thread.start();
    }

    /** When the first lease of all ends if nothing is prolonged any more, milliseconds since 1970; 0 if nothing was prolonged yet. */
    synchronized long endMillis() {
        return renewed.values().stream()
                .mapToLong(last -> last + LeaseOrder.USUAL.toMillis())
                .min()
                .orElse(0);
    }

    /** Holders that were asked in time. */
    synchronized int holders() {
        return renewed.size();
    }

    private void run() {
        try {
            while (!isClosing()) {
                try {
                    round();
                } catch (PpiofsException e) {
                    LOG.warn("leases of {}: {}", name, e.getMessage());
                }
                sleep();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized boolean isClosing() {
        return closing;
    }

    private synchronized void sleep() throws InterruptedException {
        long end = System.nanoTime() + times.again().toNanos();
        for (long left = times.again().toNanos(); !closing && left > 0; left = end - System.nanoTime()) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }

    private void round() throws InterruptedException {
        Set<PeerId> seen = new LinkedHashSet<>(holders.get());
        boolean changed = false;
        synchronized (this) {
            if (follows) {
                seen.addAll(renewed.keySet());
            } else {
                changed = renewed.keySet().retainAll(seen);
            }
        }
        ArrayDeque<PeerId> next = new ArrayDeque<>(seen);
        while (!next.isEmpty() && !isClosing()) {
            PeerId peer = next.remove();
            if (isDue(peer)) {
                for (PeerId other : ask(peer)) {
                    if (follows && seen.size() < MAX_PEERS && seen.add(other)) {
                        next.add(other);
                    }
                }
                changed = true;
            }
        }
        if (changed) {
            write();
        }
    }

    private synchronized boolean isDue(PeerId peer) {
        long now = clock.wallMillis();
        Long last = renewed.get(peer);
        return isOver(last, now, times.every()) && isOver(refused.get(peer), now, times.refused());
    }

    /** What lies in the future was noted while the clock was wrong. */
    private static boolean isOver(@Nullable Long since, long now, Duration time) {
        return since == null || since > now || now - since >= time.toMillis();
    }

    /** @return who else holds something of the tenant */
    private List<PeerId> ask(PeerId peer) throws InterruptedException {
        try {
            CompletableFuture<StorageClient.Renewed> question = asking.renew(peer);
            synchronized (this) {
                if (closing) {
                    return List.of();
                }
                pending = question;
            }
            StorageClient.Renewed answer = question.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            synchronized (this) {
                if (answer.slots() > 0) {
                    renewed.put(peer, clock.wallMillis());
                } else {
                    settle(peer);
                }
            }
            LOG.debug("leases of {}: {} slots of {} last longer", name, answer.slots(), peer);
            return answer.holders();
        } catch (ExecutionException e) {
            boolean says = e.getCause() instanceof PpiofsException p
                    && (p.kind() == ErrorKind.ACCESS_DENIED || p.kind() == ErrorKind.NOT_SUPPORTED);
            if (says) {
                synchronized (this) {
                    settle(peer);
                }
            }
            LOG.debug("leases of {}: {} prolongs nothing: {}", name, peer, String.valueOf(e.getCause()));
            return List.of();
        } catch (TimeoutException | CancellationException e) {
            LOG.debug("leases of {}: {} does not answer", name, peer);
            return List.of();
        }
    }

    /** It has said that there is nothing. */
    private synchronized void settle(PeerId peer) {
        renewed.remove(peer);
        refused.put(peer, clock.wallMillis());
    }

    private synchronized void write() {
        List<Cbor> peers = new ArrayList<>();
        renewed.forEach((peer, when) ->
                peers.add(CborMap.builder().put(1, peer.toBytes()).put(2, when).build()));
        CborMap all = CborMap.builder().put(1, new CborArray(peers)).build();
        DurableFile.replace(file, CborEncoder.encode(all), "keep leases");
    }

    /** A file that cannot be read is as good as none: everybody is asked once more. */
    private void read() {
        try {
            byte @Nullable [] bytes = DurableFile.read(file, MAX_FILE, "keep leases");
            if (bytes == null) {
                return;
            }
            for (Cbor item : CborDecoder.decodeMap(bytes).array(1, MAX_PEERS).items()) {
                if (item instanceof CborMap one) {
                    renewed.put(PeerId.fromBytes(one.bytes(1, 1, PeerId.MAX_BYTES)), one.uint(2, Long.MAX_VALUE));
                }
            }
        } catch (MalformedException | PpiofsException e) {
            LOG.warn("{} is not used: {}", file, e.getMessage());
            renewed.clear();
        }
    }

    /** Ends what goes on; a request under way is waited for no longer. Nothing is written once it returns. */
    @Override
    public void close() {
        // no interrupt: it would close the files of this node's own storage, which the thread may be asking
        synchronized (this) {
            closing = true;
            notifyAll();
            if (pending != null) {
                pending.cancel(false);
            }
        }
        try {
            thread.join(TimeUnit.SECONDS.toMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
