package io.ppiofs.fs.core;

import java.time.Duration;

/**
 * Bounds and clocks of a core.
 *
 * @param dirtyBytes most unflushed file data in memory
 * @param memtableBytes heap of namespace changes after which a checkpoint comes
 * @param nodeCacheBytes heap of cached tree nodes
 * @param syncInterval unsynced operations reach the journal within this
 * @param checkpointInterval a change is in a checkpoint within this
 * @param checkpointJournalBytes a checkpoint comes when the journal is this long
 * @param encoders threads that seal full blocks
 * @param owner to whom the root directory of a volume belongs that is opened for the first time
 */
public record CoreOptions(
        long dirtyBytes,
        long memtableBytes,
        long nodeCacheBytes,
        Duration syncInterval,
        Duration checkpointInterval,
        long checkpointJournalBytes,
        int encoders,
        Caller owner) {
    public static CoreOptions defaults() {
        int processors = Runtime.getRuntime().availableProcessors();
        return new CoreOptions(
                96L << 20,
                64L << 20,
                64L << 20,
                Duration.ofSeconds(5),
                Duration.ofSeconds(60),
                256L << 20,
                Math.max(2, Math.min(processors, 8)),
                Caller.ROOT);
    }

    public CoreOptions withIntervals(Duration sync, Duration checkpoint) {
        return new CoreOptions(
                dirtyBytes, memtableBytes, nodeCacheBytes, sync, checkpoint, checkpointJournalBytes, encoders, owner);
    }

    public CoreOptions withOwner(Caller account) {
        return new CoreOptions(
                dirtyBytes,
                memtableBytes,
                nodeCacheBytes,
                syncInterval,
                checkpointInterval,
                checkpointJournalBytes,
                encoders,
                account);
    }
}
