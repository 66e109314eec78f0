package io.ppiofs.node;

/** What {@code ppiofs gc} did: blocks that stay, blocks deleted, bytes given back to the disk. */
public record GcReport(long liveBlocks, long deletedBlocks, long freedBytes) {}
