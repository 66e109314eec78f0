package io.ppiofs.node;

/** Opens volumes for somebody who needs them for a while; a volume that is mounted is shared. Thread-safe. */
public interface VolumeAccess {
    /**
     * The volume, opened if it is not; each call needs one {@link #release}.
     *
     * @throws io.ppiofs.error.PpiofsException NOT_FOUND, WRONG_KEY
     */
    OpenVolume acquire(String name);

    void release(String name);
}
