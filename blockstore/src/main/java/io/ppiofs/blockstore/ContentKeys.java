package io.ppiofs.blockstore;

/** The content keys of a volume, one per key epoch. Thread-safe. */
public interface ContentKeys {
    /** The epoch under which new blocks are sealed. */
    int currentEpoch();

    /**
     * The 32-byte content key of an epoch; the caller must not change the array.
     *
     * @throws io.ppiofs.error.PpiofsException WRONG_KEY if this holder has no key for the epoch
     */
    byte[] contentKey(int epoch);
}
