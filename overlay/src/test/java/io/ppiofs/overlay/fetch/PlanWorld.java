package io.ppiofs.overlay.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/** Runs a {@link TransferPlan} on a virtual clock: peers that send at a constant rate, one piece after the other. */
final class PlanWorld {
    private static final double NANOS = 1e9;
    private static final int PIECE = TransferPlan.PIECE;

    /** A peer that serves what it was asked for in order. */
    static final class Sender {
        final PeerId id;
        double speed;
        final ArrayDeque<TransferPlan.Run> queue = new ArrayDeque<>();
        int sentOfFirst;
        boolean dead;
        int delivered;

        Sender(PeerId id, double speed) {
            this.id = id;
            this.speed = speed;
        }
    }

    private record Event(long at, long order, Runnable what) {}

    final TransferPlan plan;
    final Map<PeerId, Sender> senders = new HashMap<>();
    final PriorityQueue<Event> events =
            new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
    final Map<Integer, BitSet> arrived = new HashMap<>();
    private final long latencyNanos = 2_000_000;
    long now;
    long order;
    int twice;
    int lost;
    int maxTunnels;

    PlanWorld(List<Want> wants, PeerMemory memory, List<Sender> peers) {
        this(new TransferPlan(wants, memory, FetchOptions.DEFAULT), peers);
    }

    PlanWorld(TransferPlan plan, List<Sender> peers) {
        this.plan = plan;
        peers.forEach(peer -> senders.put(peer.id, peer));
    }

    void after(double seconds, Runnable what) {
        events.add(new Event(now + (long) (seconds * NANOS), order++, what));
    }

    double run() {
        assign();
        tick();
        while (!plan.isOver()) {
            Event next = events.remove();
            now = next.at;
            next.what.run();
            assertThat(now / NANOS).as("virtual seconds").isLessThan(10_000);
        }
        plan.learn();
        return now / NANOS;
    }

    private boolean ticking;

    /** Goes on to this virtual time. */
    void runUntil(double seconds) {
        if (!ticking) {
            ticking = true;
            tick();
        }
        while (!events.isEmpty() && events.element().at <= seconds * NANOS) {
            Event next = events.remove();
            now = next.at;
            next.what.run();
        }
        now = (long) (seconds * NANOS);
    }

    private void tick() {
        for (PeerId late : plan.overdue(now)) {
            plan.onFailure(late, now);
        }
        assign();
        after(0.25, this::tick);
    }

    void assign() {
        for (TransferPlan.Run run : plan.assign(now)) {
            Sender sender = senders.get(run.peer());
            events.add(new Event(now + latencyNanos, order++, () -> {
                sender.queue.add(run);
                maxTunnels = Math.max(maxTunnels, sender.queue.size());
                if (sender.queue.size() == 1) {
                    after(PIECE / sender.speed, () -> sent(sender));
                }
            }));
        }
        while (plan.takeLost() >= 0) {
            lost++;
        }
    }

    private void sent(Sender sender) {
        if (sender.dead) {
            return;
        }
        TransferPlan.Run run = sender.queue.element();
        int piece = run.first() + sender.sentOfFirst++;
        if (sender.sentOfFirst == run.count()) {
            sender.queue.remove();
            sender.sentOfFirst = 0;
        }
        if (!sender.queue.isEmpty()) {
            after(PIECE / sender.speed, () -> sent(sender));
        }
        if (plan.isOpen(run.tunnel())) {
            BitSet here = arrived.computeIfAbsent(run.block(), b -> new BitSet());
            twice += here.get(piece) ? 1 : 0;
            here.set(piece);
            sender.delivered++;
            if (plan.onPiece(run.tunnel(), now)) {
                plan.onRight(run.block());
            }
            assign();
        }
    }
}
