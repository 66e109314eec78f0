package io.ppiofs.fs.core;

import java.util.function.LongFunction;

/**
 * Gives out inode numbers of one writer: view 0, slot, counter. Counters are reserved in durable runs: the end of a run
 * is journalled before its first number is given out, so a number is never used twice, whatever crashes.
 */
final class InodeNumbers {
    /** Numbers per durable reservation; a crash loses at most this many. */
    static final int RUN = 4096;

    static final int COUNTER_BITS = 36;

    private final long slotBits;
    private final LongFunction<Transaction> reservation;
    private final java.util.function.Consumer<Transaction> commit;
    private long next;
    /** Read without the monitor: a checkpoint asks while it holds the lock that a reservation waits for. */
    private volatile long reservedEnd;

    /** @param next first counter that was never reserved */
    InodeNumbers(
            int writerSlot,
            long next,
            LongFunction<Transaction> reservation,
            java.util.function.Consumer<Transaction> commit) {
        this.slotBits = (long) writerSlot << COUNTER_BITS;
        this.next = next;
        this.reservedEnd = next;
        this.reservation = reservation;
        this.commit = commit;
    }

    synchronized long take() {
        if (next == reservedEnd) {
            commit.accept(reservation.apply(reservedEnd + RUN));
            reservedEnd = reservedEnd + RUN;
        }
        return slotBits | next++;
    }

    long reservedEnd() {
        return reservedEnd;
    }
}
