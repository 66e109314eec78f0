package io.ppiofs.proofs.porep;

import java.time.Duration;

/** Told how far a sealing is. Called by the sealing thread a few hundred times a second at most; must be quick. */
@FunctionalInterface
public interface SealListener {
    /** For those who do not care. */
    SealListener NONE = (step, fraction, left) -> {};

    /**
     * @param fraction of all the work, 0 to 1
     * @param left how long the rest takes at the speed so far
     */
    void progress(SealStep step, double fraction, Duration left);
}
