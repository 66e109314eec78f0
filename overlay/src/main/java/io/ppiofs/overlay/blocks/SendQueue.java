package io.ppiofs.overlay.blocks;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Who may send the next piece, over all streams of a server: by priority, and in turn within one priority. Some threads take turns; a stream has at most
 * one turn per priority at a time.
 */
final class SendQueue {
    /** One stream. */
    interface Sender {
        /** Sends one piece of this priority. @return whether it could send another one now */
        boolean step(Priority priority);
    }

    /** Pieces after which a thread goes to the end of its executor's queue, behind stores that wait there. */
    private static final int TURNS = 16;

    private final Executor executor;
    private final int threads;
    private final List<ArrayDeque<Sender>> waiting = new ArrayList<>();
    private final PriorityPicker picker = new PriorityPicker();
    private int mask;
    private int running;

    SendQueue(Executor executor, int threads) {
        this.executor = executor;
        this.threads = threads;
        for (int i = 0; i < Priority.values().length; i++) {
            waiting.add(new ArrayDeque<>());
        }
    }

    /** The caller sees to it that no sender stands here twice for one priority. */
    void offer(Sender sender, Priority priority) {
        boolean start;
        synchronized (this) {
            add(sender, priority);
            start = running < threads;
            if (start) {
                running++;
            }
        }
        if (start) {
            begin();
        }
    }

    private void begin() {
        try {
            executor.execute(this::run);
        } catch (RejectedExecutionException e) {
            synchronized (this) {
                running--; // the server is closed
            }
        }
    }

    private void run() {
        for (int i = 0; i < TURNS; i++) {
            Sender sender;
            Priority priority;
            synchronized (this) {
                if (mask == 0) {
                    running--;
                    return;
                }
                priority = picker.pick(mask);
                sender = take(priority);
            }
            if (sender.step(priority)) {
                synchronized (this) {
                    add(sender, priority);
                }
            }
        }
        begin();
    }

    private void add(Sender sender, Priority priority) {
        waiting.get(priority.ordinal()).add(sender);
        mask |= 1 << priority.ordinal();
    }

    private Sender take(Priority priority) {
        ArrayDeque<Sender> queue = waiting.get(priority.ordinal());
        Sender sender = queue.remove();
        if (queue.isEmpty()) {
            mask &= ~(1 << priority.ordinal());
        }
        return sender;
    }
}
