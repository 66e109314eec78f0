package io.ppiofs.blockstore.gc;

/**
 * A store that can drop what nobody reaches. The order is: {@link #beginMark}, then collect every root (what
 * {@code beginMark} happened after must be visible to the collector: a caller that has written a block before but not
 * yet recorded its ref must have recorded it when marking starts), then {@link #sweep}. Writers go on all the time.
 */
public interface Sweepable {
    /**
     * Opens a new write epoch. Every put that returns after this call stamps its block, new or not, with an epoch not
     * older than the one returned.
     *
     * @return the epoch to hand to {@link #sweep}
     */
    long beginMark();

    /**
     * Drops blocks that are not in {@code live} and whose last write is older than {@code epoch}. Killing the process
     * anywhere inside loses no live block. One sweep runs at a time; a second caller waits.
     *
     * @throws io.ppiofs.error.PpiofsException IO, NO_SPACE if not even the deletion records can be written
     */
    SweepResult sweep(LiveSet live, long epoch);
}
