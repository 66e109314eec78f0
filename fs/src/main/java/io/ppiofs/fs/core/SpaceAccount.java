package io.ppiofs.fs.core;

/**
 * Where accepted dirty bytes reserve their place on the disk, so that ENOSPC comes at write(2) and never later.
 * Implemented by the home's space budget. Thread-safe.
 */
public interface SpaceAccount {
    /** @throws io.ppiofs.error.PpiofsException NO_SPACE if that many bytes cannot be promised */
    void reserve(long bytes);

    /** Counts bytes that must be taken whatever is left: replay, and what unlink and truncate need. */
    void charge(long bytes);

    /** Gives back what {@link #reserve} or {@link #charge} took. */
    void release(long bytes);

    /**
     * Gives up what is kept for writes that must succeed (journal, checkpoint), because the disk itself was full.
     *
     * @return whether there is more room now, so that trying again makes sense
     */
    boolean relieve();

    /** Bytes of the disk that the home's blocks may ever fill. */
    long totalBytes();

    /** Bytes that {@link #reserve} would still grant. */
    long availableBytes();
}
