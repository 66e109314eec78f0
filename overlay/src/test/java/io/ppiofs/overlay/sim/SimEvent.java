package io.ppiofs.overlay.sim;

import io.ppiofs.overlay.host.Scheduler;
import org.jspecify.annotations.Nullable;

/** Something that will happen at a point in virtual time, unless it is cancelled or its host has died by then. */
final class SimEvent implements Comparable<SimEvent>, Scheduler.Timer {
    final long at;
    final long sequence;
    /** A timer does not count as activity: a network with nothing but timers is quiet. */
    final boolean timer;

    private final SimNetwork network;
    private final @Nullable SimHost owner;
    private final int life;
    private @Nullable Runnable task;

    SimEvent(
            SimNetwork network,
            long at,
            long sequence,
            boolean timer,
            @Nullable SimHost owner,
            int life,
            Runnable task) {
        this.network = network;
        this.at = at;
        this.sequence = sequence;
        this.timer = timer;
        this.owner = owner;
        this.life = life;
        this.task = task;
    }

    /** What is to be run, or null if it was cancelled or its host has died since. */
    @Nullable
    Runnable take() {
        Runnable taken = task;
        task = null;
        return owner == null || owner.lives(life) ? taken : null;
    }

    boolean cancelled() {
        return task == null;
    }

    @Override
    public void cancel() {
        if (task != null) {
            task = null;
            network.cancelled(this);
        }
    }

    @Override
    public int compareTo(SimEvent o) {
        int byTime = Long.compare(at, o.at);
        return byTime != 0 ? byTime : Long.compare(sequence, o.sequence);
    }
}
