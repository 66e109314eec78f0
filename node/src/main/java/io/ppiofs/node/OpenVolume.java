package io.ppiofs.node;

import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.node.audit.VolumeAuditor;
import io.ppiofs.node.control.Progress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A volume that is unlocked and open in this node. Thread-safe. */
public interface OpenVolume extends AutoCloseable {
    FileSystemCore core();

    VolumeFacts facts();

    /** Reads and checks every reachable block and the invariants of the tree, while the volume is in use. */
    FsckReport fsck(Progress progress);

    /**
     * Returns when everything that was written before is on peers and can be read by others.
     *
     * @throws io.ppiofs.error.PpiofsException NOT_SUPPORTED if the volume's blocks are only here; NOT_CONNECTED if no peer
     *     takes them
     */
    void publish(Progress progress);

    /**
     * From now on, and until it is closed, fsync through any mount of the volume returns when peers have the data, too.
     *
     * @throws io.ppiofs.error.PpiofsException INVALID if the volume's blocks are only here, or are kept once
     */
    void syncToSwarm();

    /** Whether {@link #syncToSwarm} was called. */
    default boolean syncsToSwarm() {
        return false;
    }

    /** Before a close after which another process of this machine opens it: no other machine shall write it for so long. */
    default void keepTurn(Duration time) {
        // only who writes on a swarm has a turn
    }

    /** What opens it in another process of this machine, without what protects it: a secret. */
    default byte[] secrets() {
        throw new UnsupportedOperationException("for volumes under mounts that can be handed over");
    }

    /** Audits what peers hold of it; null where this home has not the keys, or no peer holds any. */
    default @Nullable VolumeAuditor auditor() {
        return null;
    }

    /** Makes everything durable by a checkpoint and lets go. */
    @Override
    void close();
}
