package io.ppiofs.blockstore.segment;

/**
 * What a scrub has read.
 *
 * @param blocks blocks hashed, damaged ones included
 * @param bytes stored bytes of these blocks
 * @param damaged places found damaged
 */
public record ScrubReport(long blocks, long bytes, long damaged) {}
