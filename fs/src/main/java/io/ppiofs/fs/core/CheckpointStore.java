package io.ppiofs.fs.core;

import io.ppiofs.blockstore.BlockRef;
import org.jspecify.annotations.Nullable;

/** Where the root of the last checkpoint is kept; implemented by the volume's signed heads. */
public interface CheckpointStore {
    /**
     * What a checkpoint leaves behind.
     *
     * @param root root node of the namespace, null: empty
     * @param journalLsn the tree holds every journal record up to this one
     * @param nextInode inode counters below this may have been used
     * @param files inodes in the tree
     */
    record Checkpoint(@Nullable BlockRef root, long journalLsn, long nextInode, long files) {}

    /** The last saved checkpoint, or one of an empty volume. */
    Checkpoint load();

    /**
     * Replaces the last checkpoint atomically and durably. On failure the old one stays.
     *
     * @throws io.ppiofs.error.PpiofsException NO_SPACE, IO
     */
    void save(Checkpoint checkpoint);
}
