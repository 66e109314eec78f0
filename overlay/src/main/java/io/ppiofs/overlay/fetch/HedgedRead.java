package io.ppiofs.overlay.fetch;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.blocks.BlockClient;
import io.ppiofs.overlay.blocks.BlockSink;
import io.ppiofs.overlay.blocks.Fetch;
import io.ppiofs.overlay.blocks.FetchRest;
import io.ppiofs.overlay.blocks.Priority;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * One block, wanted at once: the best holder is asked; the next one too, when it takes longer than 95 of 100 reads and than the rate at which it sends explains, or fails. What a failed peer sent
 * of the block is kept for the next one. The first that is whole wins. While others keep it waiting, those that failed are asked again: one connection that broke
 * must not leave the read to peers that never answer.
 */
final class HedgedRead {
    /** A peer that needs longer for the block is not waited for alone. */
    private static final double LONGEST_NANOS = 2e9;

    /** Times what a peer needs at the rate at which it sends. */
    private static final double SPARE = 1.5;

    /** After this one of those that failed is asked again, if nobody has delivered. */
    private static final Duration AGAIN = Duration.ofSeconds(1);

    private final BlockClient client;
    private final Scheduler scheduler;
    private final PeerMemory memory;
    private final Latencies latencies;
    private final Want want;
    private final ArrayDeque<PeerId> candidates;
    private final ArrayDeque<PeerId> failed = new ArrayDeque<>();
    private final CompletableFuture<ByteBuffer> result = new CompletableFuture<>();
    private final List<Fetch> running = new ArrayList<>();
    private Scheduler.@Nullable Timer timer;
    private boolean wrong;
    private boolean unreachable;

    HedgedRead(BlockClient client, Scheduler scheduler, PeerMemory memory, Latencies latencies, Want want) {
        this.client = client;
        this.scheduler = scheduler;
        this.memory = memory;
        this.latencies = latencies;
        this.want = want;
        this.candidates = new ArrayDeque<>(Ranking.of(want.holders(), memory));
        var unused = result.whenComplete((bytes, failure) -> stop());
    }

    /** The block, checked; NOT_FOUND, NOT_CONNECTED, CORRUPT. */
    CompletableFuture<ByteBuffer> start() {
        askNext(null);
        return result;
    }

    private synchronized void stop() {
        if (timer != null) {
            timer.cancel();
        }
        running.forEach(Fetch::cancel);
    }

    private void askNext(@Nullable FetchRest rest) {
        PeerId peer;
        synchronized (this) {
            if (timer != null) {
                timer.cancel();
                timer = null;
            }
            if (result.isDone()) {
                return;
            }
            peer = candidates.poll();
            if (peer == null && !running.isEmpty()) {
                waitForFailed();
                return;
            }
        }
        if (peer == null) {
            result.completeExceptionally(loss());
        } else {
            ask(peer, rest);
        }
    }

    /** Under the lock. */
    private void waitForFailed() {
        if (!failed.isEmpty()) {
            timer = scheduler.schedule(AGAIN, this::askFailed);
        }
    }

    private void askFailed() {
        synchronized (this) {
            PeerId peer = failed.poll();
            if (peer != null) {
                candidates.add(peer);
            }
        }
        askNext(null);
    }

    /** See {@link Transfer#isDoubtful}. */
    synchronized boolean isDoubtful() {
        return unreachable || !running.isEmpty();
    }

    private void ask(PeerId peer, @Nullable FetchRest rest) {
        long begun = scheduler.nanoTime();
        long before = client.statistics(peer).received();
        BlockSink sink = (index, cid, bytes) -> {
            latencies.add(scheduler.nanoTime() - begun);
            memory.remember(
                    peer, memory.recall(peer).withSpeed(client.statistics(peer).bytesPerSecond()));
            result.complete(bytes);
        };
        Fetch fetch = rest == null
                ? client.get(peer, List.of(want.cid()), Priority.FOREGROUND, sink)
                : client.resume(peer, rest, Priority.FOREGROUND, sink);
        boolean late;
        synchronized (this) {
            running.add(fetch);
            late = result.isDone();
            if (!late && !candidates.isEmpty()) {
                timer = scheduler.schedule(Duration.ofNanos(latencies.hedgeNanos()), () -> late(peer, begun, before));
            } else if (!late) {
                waitForFailed();
            }
        }
        if (late) {
            fetch.cancel();
        }
        var unused = fetch.done().whenComplete((nothing, failure) -> ended(fetch, failure));
    }

    /**
     * The wait for a peer is over. Whoever is asked now sends the whole block once more: a peer that is sending, and will be
     * done soon at that rate, gets the time.
     *
     * @param begun when it was asked
     * @param before bytes that it had sent until then
     */
    private void late(PeerId peer, long begun, long before) {
        long waited = scheduler.nanoTime() - begun;
        long sent = client.statistics(peer).received() - before;
        double needs = sent <= 0 ? Double.MAX_VALUE : SPARE * want.length() * waited / sent;
        if (needs <= waited || needs > LONGEST_NANOS) {
            askNext(null);
            return;
        }
        synchronized (this) {
            if (!result.isDone()) {
                timer = scheduler.schedule(Duration.ofNanos((long) needs - waited), () -> askNext(null));
            }
        }
    }

    private void ended(Fetch fetch, @Nullable Throwable failure) {
        FetchRest rest = null;
        synchronized (this) {
            running.remove(fetch);
            if (result.isDone()) {
                return;
            }
        }
        if (failure != null) {
            ErrorKind kind = kind(failure);
            PeerMemory.Remembered before = memory.recall(fetch.peer());
            memory.remember(fetch.peer(), kind == ErrorKind.CORRUPT ? before.lied() : before.punished());
            synchronized (this) {
                wrong |= kind == ErrorKind.CORRUPT;
                unreachable |= kind != ErrorKind.CORRUPT;
                if (kind != ErrorKind.CORRUPT) {
                    failed.add(fetch.peer());
                }
            }
            FetchRest left = fetch.rest();
            rest = left.resumeOffset() > 0 ? left : null;
        }
        askNext(rest);
    }

    static ErrorKind kind(Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        return cause instanceof PpiofsException e ? e.kind() : ErrorKind.INTERNAL;
    }

    private synchronized PpiofsException loss() {
        return loss(want.cid(), wrong, unreachable);
    }

    /** Why nobody delivers a block. */
    static PpiofsException loss(Cid cid, boolean wrong, boolean unreachable) {
        if (wrong) {
            return new PpiofsException(
                    ErrorKind.CORRUPT, "fetch block", cid.toString(), "what its holders sent are other bytes");
        }
        return unreachable
                ? new PpiofsException(
                        ErrorKind.NOT_CONNECTED,
                        "fetch block",
                        cid.toString(),
                        "no holder answers; it can be read again when one is back")
                : new PpiofsException(
                        ErrorKind.NOT_FOUND, "fetch block", cid.toString(), "none of its holders has it any more");
    }
}
