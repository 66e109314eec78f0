package io.ppiofs.blockstore.segment;

/**
 * What a store on disk holds, for status and metrics.
 *
 * @param blocks blocks; -1 while the index is not ready
 * @param liveBytes stored bytes of all blocks, records not counted
 * @param diskBytes bytes of all segment files without the holes punched by this process
 * @param segments segment files
 * @param indexReady whether lookups come from the index or still from the footers
 * @param writeEpoch the current write epoch
 */
public record StoreStatistics(
        long blocks, long liveBytes, long diskBytes, int segments, boolean indexReady, long writeEpoch) {}
