package io.ppiofs.node;

/**
 * The block store of a home.
 *
 * @param blocks stored; -1 until the index is ready
 * @param liveBytes stored bytes of these blocks
 * @param diskBytes that the segments take on the disk, dead blocks included
 * @param segments files
 * @param availableBytes that may still be written before ENOSPC
 * @param totalBytes of the disk, or the configured capacity if that is less
 */
public record StoreFacts(
        long blocks, long liveBytes, long diskBytes, long segments, long availableBytes, long totalBytes) {}
