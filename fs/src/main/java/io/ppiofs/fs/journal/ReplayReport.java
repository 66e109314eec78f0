package io.ppiofs.fs.journal;

/**
 * What {@link Journal#open} found.
 *
 * @param replayedRecords records given to the consumer
 * @param lastLsn the last record on disk, or the {@code fromLsn} given if that is later
 * @param tornTails unfinished ends that were cut off (0 or 1 after a power cut; records in them were never durable)
 * @param tornBytes bytes cut off
 */
public record ReplayReport(long replayedRecords, long lastLsn, int tornTails, long tornBytes) {}
