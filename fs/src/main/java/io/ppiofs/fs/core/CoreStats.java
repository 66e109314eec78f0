package io.ppiofs.fs.core;

import org.jspecify.annotations.Nullable;

/**
 * A core's state for status, {@code .stats} and metrics; a snapshot.
 *
 * @param unsyncedRecords journal records not yet durable
 * @param dirtyBytes file data only in memory
 * @param garbageBytes file data dropped since the last collection (estimate)
 * @param orphans inodes without a name that are still in use, or not yet deleted
 * @param knownInodes inodes that the kernel holds
 * @param lastCheckpointMillis wall clock, 0: none since the mount
 * @param lastError the last failure in the background, one sentence
 */
public record CoreStats(
        long files,
        long unsyncedRecords,
        long journalBytes,
        long memtableBytes,
        long dirtyBytes,
        long garbageBytes,
        int orphans,
        long knownInodes,
        int openFiles,
        long checkpoints,
        long lastCheckpointMillis,
        long replayedRecords,
        @Nullable String lastError) {}
