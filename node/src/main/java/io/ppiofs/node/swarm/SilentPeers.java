package io.ppiofs.node.swarm;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Nobody waits twice for a peer that is frozen or cut off. A request that takes long makes the peer be asked whether it is
 * there; if it does not say so, its requests fail at once, those under way and those that come, until it answers again.
 * Slow is not silent: who answers that question may take its time, and who answers it late is given longer the next time, as a
 * machine that is overloaded needs it. Thread-safe.
 */
final class SilentPeers implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SilentPeers.class);

    /**
     * @param suspicious a request that takes longer makes the peer be asked
     * @param patience time to answer that; twice as long as the last late answer took for who was late, a minute at most
     * @param again pause between questions to a peer that is silent
     */
    record Times(Duration suspicious, Duration patience, Duration again) {
        static final Times DEFAULT = new Times(Duration.ofSeconds(3), Duration.ofSeconds(5), Duration.ofSeconds(1));
    }

    private static final Duration LONGEST = Duration.ofMinutes(1);

    private final Function<PeerId, CompletableFuture<?>> question;
    private final Scheduler scheduler;
    private final Times times;
    private final Map<PeerId, Set<CompletableFuture<?>>> open = new HashMap<>();
    private final Set<PeerId> silent = new HashSet<>();
    private final Set<PeerId> asked = new HashSet<>();
    private final Map<PeerId, Duration> longer = new HashMap<>();
    private boolean closed;

    /** @param question a small request that any peer answers at once */
    SilentPeers(Function<PeerId, CompletableFuture<?>> question, Scheduler scheduler, Times times) {
        this.question = question;
        this.scheduler = scheduler;
        this.times = times;
    }

    synchronized boolean isSilent(PeerId peer) {
        return silent.contains(peer);
    }

    /**
     * A request to a peer.
     *
     * @return its answer; fails with NOT_CONNECTED as soon as the peer is known not to answer. Cancelling it cancels the request.
     */
    <T extends @Nullable Object> CompletableFuture<T> ask(PeerId peer, Supplier<CompletableFuture<T>> request) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        synchronized (this) {
            if (silent.contains(peer)) {
                answer.completeExceptionally(notThere(peer));
                return answer;
            }
            open.computeIfAbsent(peer, p -> new HashSet<>()).add(answer);
        }
        CompletableFuture<T> real = request.get();
        Scheduler.Timer timer = scheduler.schedule(times.suspicious, () -> doubt(peer));
        real.whenComplete((value, failure) -> {
            timer.cancel();
            forget(peer, answer);
            if (failure == null) {
                answer.complete(value);
            } else {
                answer.completeExceptionally(failure);
                if (kind(failure) == ErrorKind.NOT_CONNECTED) {
                    doubt(peer);
                }
            }
        });
        answer.whenComplete((value, failure) -> {
            if (failure != null) {
                real.cancel(true);
            }
        });
        return answer;
    }

    private synchronized void forget(PeerId peer, CompletableFuture<?> answer) {
        Set<CompletableFuture<?>> some = open.get(peer);
        if (some != null && some.remove(answer) && some.isEmpty()) {
            open.remove(peer);
        }
    }

    private static @Nullable ErrorKind kind(Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        return cause instanceof PpiofsException e ? e.kind() : null;
    }

    private static PpiofsException notThere(PeerId peer) {
        return new PpiofsException(
                ErrorKind.NOT_CONNECTED, "ask", peer.toString(), "does not answer; it is tried again by itself");
    }

    /** Asks the peer whether it is there, unless that is going on. */
    private void doubt(PeerId peer) {
        synchronized (this) {
            if (closed || !asked.add(peer)) {
                return;
            }
        }
        long asking = scheduler.nanoTime();
        CompletableFuture<?> answer;
        try {
            answer = question.apply(peer);
        } catch (RuntimeException e) {
            answer = CompletableFuture.failedFuture(e);
        }
        AtomicBoolean over = new AtomicBoolean();
        Scheduler.Timer late = scheduler.schedule(patience(peer), () -> {
            if (over.compareAndSet(false, true)) {
                unheard(peer);
            }
        });
        answer.whenComplete((value, failure) -> {
            late.cancel();
            boolean timely = over.compareAndSet(false, true);
            if (failure == null || kind(failure) == ErrorKind.NOT_SUPPORTED) {
                learn(peer, timely, Duration.ofNanos(scheduler.nanoTime() - asking));
                heard(peer);
            } else if (timely) {
                unheard(peer);
            }
        });
    }

    private synchronized Duration patience(PeerId peer) {
        return longer.getOrDefault(peer, times.patience);
    }

    private synchronized void learn(PeerId peer, boolean timely, Duration took) {
        Duration next = timely ? patience(peer).multipliedBy(3).dividedBy(4) : took.multipliedBy(2);
        if (next.compareTo(times.patience) <= 0) {
            longer.remove(peer);
        } else {
            longer.put(peer, next.compareTo(LONGEST) < 0 ? next : LONGEST);
        }
    }

    private void heard(PeerId peer) {
        boolean waiting;
        boolean back;
        synchronized (this) {
            asked.remove(peer);
            back = silent.remove(peer);
            waiting = open.containsKey(peer) && !closed;
        }
        if (back) {
            LOG.info("peer {} answers again", peer);
        }
        if (waiting) {
            scheduler.schedule(times.suspicious, () -> doubtIfWaited(peer));
        }
    }

    private void doubtIfWaited(PeerId peer) {
        boolean waiting;
        synchronized (this) {
            waiting = open.containsKey(peer);
        }
        if (waiting) {
            doubt(peer);
        }
    }

    private void unheard(PeerId peer) {
        List<CompletableFuture<?>> given;
        synchronized (this) {
            asked.remove(peer);
            if (closed) {
                return;
            }
            if (silent.add(peer)) {
                LOG.warn("peer {} does not answer", peer);
            }
            Set<CompletableFuture<?>> some = open.remove(peer);
            given = some == null ? List.of() : List.copyOf(some);
        }
        given.forEach(answer -> answer.completeExceptionally(notThere(peer)));
        scheduler.schedule(times.again, () -> {
            if (isSilent(peer)) {
                doubt(peer);
            }
        });
    }

    @Override
    public synchronized void close() {
        closed = true;
    }
}
