package io.ppiofs.blockstore.sealed;

/**
 * Counters since start, for metrics.
 *
 * @param blocksSealed blocks written
 * @param bytesSealed plaintext bytes written
 * @param bytesStored stored bytes handed to the store (before it deduplicates)
 * @param framesOpened frames verified and decrypted
 * @param bytesOpened plaintext bytes of those frames
 * @param cacheHits frames served from memory
 * @param cacheMisses frames looked for in memory in vain
 */
public record SealStatistics(
        long blocksSealed,
        long bytesSealed,
        long bytesStored,
        long framesOpened,
        long bytesOpened,
        long cacheHits,
        long cacheMisses) {}
