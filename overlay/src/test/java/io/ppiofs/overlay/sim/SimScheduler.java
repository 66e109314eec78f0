package io.ppiofs.overlay.sim;

import io.ppiofs.overlay.host.Scheduler;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A host's view of the one clock and queue; what it scheduled dies with the host. */
final class SimScheduler implements Scheduler {
    private final SimNetwork network;
    private final SimHost host;
    private final int life;

    SimScheduler(SimNetwork network, SimHost host, int life) {
        this.network = network;
        this.host = host;
        this.life = life;
    }

    @Override
    public void execute(Runnable task) {
        network.post(0, false, host, life, task);
    }

    @Override
    public long nanoTime() {
        return network.nanoTime();
    }

    @Override
    public long wallMillis() {
        return network.wallMillis();
    }

    @Override
    public Timer schedule(Duration delay, Runnable task) {
        return network.post(Math.max(0, delay.toNanos()), true, host, life, task);
    }

    @Override
    public Timer scheduleRepeating(Duration period, Runnable task) {
        if (period.isZero() || period.isNegative()) {
            throw new IllegalArgumentException("a period of " + period);
        }
        return new Repeating(period.toNanos(), task);
    }

    private final class Repeating implements Timer, Runnable {
        private final long period;
        private final Runnable task;
        private @Nullable SimEvent next;
        private boolean cancelled;

        Repeating(long period, Runnable task) {
            this.period = period;
            this.task = task;
            this.next = network.post(period, true, host, life, this);
        }

        @Override
        public void run() {
            next = network.post(period, true, host, life, this);
            task.run();
        }

        @Override
        public void cancel() {
            if (!cancelled && next != null) {
                cancelled = true;
                next.cancel();
            }
        }
    }
}
