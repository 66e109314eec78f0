package io.ppiofs.overlay.transport.yamux;

import java.util.concurrent.atomic.AtomicLong;

/** Bytes by which receive windows may exceed their initial size, shared by all connections of a host. Thread safe. */
public final class WindowBudget {
    private final long limit;
    private final AtomicLong taken = new AtomicLong();

    public WindowBudget(long limit) {
        this.limit = limit;
    }

    /** Takes {@code bytes} if so many are left. */
    boolean take(long bytes) {
        while (true) {
            long now = taken.get();
            if (now + bytes > limit) {
                return false;
            }
            if (taken.compareAndSet(now, now + bytes)) {
                return true;
            }
        }
    }

    void giveBack(long bytes) {
        taken.addAndGet(-bytes);
    }

    /** Bytes given out now. */
    public long taken() {
        return taken.get();
    }
}
