package io.ppiofs.node.swarm;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.storage.WriterLease;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps two machines from writing one volume at once: a lease that the operators which keep the volume give to one machine at a time, and
 * which it renews while it has the volume open. It is advice. Who finds no operator writes all the same, because its changes are safe where
 * it is; and what is stored never depends on who had a lease. {@link #acquire} is for one thread; the rest is thread-safe.
 */
final class WriterPresence implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WriterPresence.class);
    /** How long an operator has for an answer. */
    static final Duration ANSWER = Duration.ofSeconds(3);
    /** Somebody should have been heard of by then: a node that has just started knows nobody for a moment. */
    private static final Duration FIRST = Duration.ofSeconds(5);

    private static final Duration AGAIN = Duration.ofMillis(500);

    /** An operator's clock, and the way of an answer. */
    private static final Duration SLACK = Duration.ofSeconds(2);

    /** Asks an operator for the lease. Answered with who has it then. */
    @FunctionalInterface
    interface Witness {
        CompletableFuture<WriterLease.Held> ask(PeerId operator, WriterLease.Signed lease);
    }

    private final String name;
    private final byte[] volume;
    private final PeerId self;
    private final IdentityKey tenant;
    private final NetworkId network;
    private final Duration lifetime;

    /** How long the lease lasts after the end. */
    private volatile Duration kept = Duration.ZERO;

    private final Supplier<Collection<PeerId>> operators;
    private final Witness witness;
    private final Thread thread;
    private long sequence;
    private boolean closed;
    private volatile @Nullable PeerId other;
    private volatile boolean alone;
    private volatile @Nullable String branch;

    /**
     * @param self under which the lease is held
     * @param tenant with which everybody signs who may write the volume
     * @param lifetime of the lease; it is renewed three times as often
     * @param operators those that keep the volume
     */
    WriterPresence(
            String name,
            byte[] volume,
            PeerId self,
            IdentityKey tenant,
            NetworkId network,
            Duration lifetime,
            Supplier<Collection<PeerId>> operators,
            Witness witness) {
        this.name = name;
        this.volume = volume.clone();
        this.self = self;
        this.tenant = tenant;
        this.network = network;
        this.lifetime = lifetime;
        this.operators = operators;
        this.witness = witness;
        this.thread = new Thread(this::renew, "writer-" + name);
        thread.setDaemon(true);
    }

    /**
     * Takes the lease. Where another machine has it, waits for as long as that has not renewed it.
     *
     * @throws PpiofsException BUSY if the other machine lives, INTERRUPTED
     */
    void acquire() {
        try {
            Map<PeerId, WriterLease.Held> first = askFirst();
            Map<PeerId, WriterLease.Held> answers = first;
            PeerId holder = otherThan(answers);
            long end = System.nanoTime() + longest(first).plus(SLACK).toNanos();
            if (holder != null) {
                LOG.info("volume {}: waits for the lease of peer {} to end", name, holder);
            }
            while (holder != null) {
                ask(Duration.ZERO); // what a minority gave
                if (isRenewed(first, answers) || System.nanoTime() - end > 0) {
                    throw new PpiofsException(
                            ErrorKind.BUSY,
                            "open",
                            "volume " + name,
                            "is being written by another machine, peer " + holder + "; unmount it there first, or mount"
                                    + " the read-only capability here");
                }
                // two that wait for each other must not keep step
                TimeUnit.MILLISECONDS.sleep(
                        ThreadLocalRandom.current().nextLong(AGAIN.toMillis() / 2, AGAIN.toMillis() * 2));
                answers = ask(lifetime);
                holder = otherThan(answers);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "open", "volume " + name, "the node is ending", e);
        }
    }

    /** Renews the lease from now on, until it is closed. */
    void start() {
        thread.start();
    }

    /** Whether most of the operators that answer say that this machine is the only writer, as far as is known since the last question. */
    boolean isAlone() {
        return alone && branch == null;
    }

    /** The first answers. Where nobody answers, this machine goes on alone. */
    private Map<PeerId, WriterLease.Held> askFirst() throws InterruptedException {
        long end = System.nanoTime() + FIRST.toNanos();
        Map<PeerId, WriterLease.Held> answers = ask(lifetime);
        while (answers.isEmpty() && !operators.get().isEmpty() && System.nanoTime() - end < 0) {
            TimeUnit.MILLISECONDS.sleep(AGAIN.toMillis());
            answers = ask(lifetime);
        }
        return answers;
    }

    /** What is here cannot go on from what another machine has written. @param why a sentence */
    void branched(String why) {
        branch = why;
    }

    /** Another machine that writes the volume, too, as most of the operators that answer say; null if there is none. */
    @Nullable
    String trouble() {
        PeerId now = other;
        return now == null
                ? branch
                : "peer " + now
                        + " writes this volume, too: what is written here and there are two branches; unmount one";
    }

    private static boolean isRenewed(Map<PeerId, WriterLease.Held> before, Map<PeerId, WriterLease.Held> after) {
        return after.entrySet().stream().anyMatch(now -> {
            WriterLease.Held then = before.get(now.getKey());
            return then != null
                    && then.writer().equals(now.getValue().writer())
                    && now.getValue().renewals() > then.renewals();
        });
    }

    private static Duration longest(Map<PeerId, WriterLease.Held> answers) {
        return answers.values().stream()
                .map(WriterLease.Held::left)
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
    }

    /** Who has the lease by the word of at least as many operators as give it to this machine; null if nobody else has. */
    private @Nullable PeerId otherThan(Map<PeerId, WriterLease.Held> answers) {
        Map<PeerId, Integer> votes = new LinkedHashMap<>();
        answers.values().forEach(held -> votes.merge(held.writer(), 1, Integer::sum));
        int mine = votes.getOrDefault(self, 0);
        votes.remove(self);
        return votes.entrySet().stream()
                .filter(vote -> vote.getValue() >= mine)
                .max(Map.Entry.comparingByValue())
                .map(Map.Entry::getKey)
                .orElse(null);
    }

    /** @return who has the lease, by operators that answer in time */
    private Map<PeerId, WriterLease.Held> ask(Duration lasting) throws InterruptedException {
        WriterLease.Signed lease;
        synchronized (this) {
            sequence = Math.max(sequence + 1, System.currentTimeMillis());
            lease = new WriterLease(tenant.peerId(), volume, self, sequence, lasting).sign(tenant, network);
        }
        Map<PeerId, CompletableFuture<WriterLease.Held>> asked = new LinkedHashMap<>();
        operators.get().forEach(operator -> asked.put(operator, witness.ask(operator, lease)));
        Map<PeerId, WriterLease.Held> answers = new LinkedHashMap<>();
        // one operator that is silent must not cost the lease at the others
        Duration patience = ANSWER.compareTo(lifetime.dividedBy(4)) < 0 ? ANSWER : lifetime.dividedBy(4);
        long end = System.nanoTime() + patience.toNanos();
        for (Map.Entry<PeerId, CompletableFuture<WriterLease.Held>> each : asked.entrySet()) {
            try {
                answers.put(
                        each.getKey(), each.getValue().get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS));
            } catch (ExecutionException | TimeoutException e) {
                LOG.debug("volume {}: peer {} says nothing of its writer: {}", name, each.getKey(), e.toString());
            }
        }
        int mine = (int) answers.values().stream()
                .filter(held -> held.writer().equals(self))
                .count();
        alone = mine > 0 && 2 * mine > answers.size() && !lasting.isZero();
        return answers;
    }

    private void renew() {
        try {
            while (awaitTurn()) {
                try {
                    PeerId now = otherThan(ask(lifetime));
                    if (now != null && other == null) {
                        LOG.warn("volume {}: peer {} writes it, too", name, now);
                    }
                    other = now;
                } catch (RuntimeException e) {
                    LOG.warn("volume {}: its operators could not be told who writes it: {}", name, e.toString());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized boolean awaitTurn() throws InterruptedException {
        long end = System.nanoTime() + lifetime.toNanos() / 3;
        long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        while (!closed && left > 0) {
            wait(left);
            left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        }
        return !closed;
    }

    /**
     * The last changes are on their way: the lease lasts that much longer and is not renewed any more. Who waits for it meanwhile sees a
     * writer that ends.
     */
    void ending(Duration grace) {
        try {
            stop();
            ask(lifetime.compareTo(grace) < 0 ? grace : lifetime);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void stop() throws InterruptedException {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        thread.join(ANSWER.plus(SLACK).toMillis());
    }

    /** Another process of this machine goes on: {@link #close} keeps the lease for it instead of giving it back. */
    void keepFor(Duration time) {
        kept = time;
    }

    /** Gives the lease back, so that another machine need not wait. */
    @Override
    public void close() {
        try {
            stop();
            ask(kept);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
