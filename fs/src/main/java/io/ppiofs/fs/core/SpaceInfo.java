package io.ppiofs.fs.core;

/**
 * What statfs tells.
 *
 * @param totalBytes what the volume could hold if nothing else grew
 * @param availableBytes what a writer may still store before ENOSPC
 * @param files inodes in use
 * @param blockSize the unit of space, as in {@code st_blksize}: programs take one for the other
 */
public record SpaceInfo(long totalBytes, long freeBytes, long availableBytes, long files, int blockSize) {}
