package io.ppiofs.blockstore.gc;

/**
 * What a sweep did.
 *
 * @param blocks blocks dropped
 * @param bytes stored bytes of those blocks
 * @param segmentsDeleted segment files removed because nothing in them was live
 * @param segmentsCompacted segment files whose live blocks moved before the file was removed
 * @param bytesPunched bytes given back to the filesystem inside segments that stay
 */
public record SweepResult(long blocks, long bytes, int segmentsDeleted, int segmentsCompacted, long bytesPunched) {}
