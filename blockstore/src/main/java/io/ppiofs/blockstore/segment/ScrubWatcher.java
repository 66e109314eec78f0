package io.ppiofs.blockstore.segment;

/** Hears how a scrub goes; called by the thread that scrubs, up to once a block. */
@FunctionalInterface
public interface ScrubWatcher {
    void damaged(CorruptBlock block);

    /** @param bytes stored bytes hashed so far */
    default void progress(long bytes) {}

    /** Asked at least five times a second; true ends the scrub with INTERRUPTED. */
    default boolean cancelled() {
        return false;
    }
}
