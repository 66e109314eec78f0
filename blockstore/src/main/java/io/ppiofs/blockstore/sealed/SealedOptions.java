package io.ppiofs.blockstore.sealed;

/**
 * How a volume seals.
 *
 * @param blockSize largest plaintext of one block, bytes: 64 KiB … 4 MiB, a multiple of 32 KiB
 * @param dedup true: the key depends on the content, equal content is stored once; false: random keys
 * @param padding true: stored lengths are rounded up to Padmé buckets (at most 12 %)
 * @param compression true: frames that shrink are stored as zstd
 * @param zstdLevel 1 … 9; readers do not care
 * @param cacheBytes memory for decoded frames, bytes
 */
public record SealedOptions(
        int blockSize, boolean dedup, boolean padding, boolean compression, int zstdLevel, long cacheBytes) {
    public static final int SMALLEST_BLOCK = 64 << 10;
    public static final int LARGEST_BLOCK = 4 << 20;
    public static final int DEFAULT_BLOCK = 1 << 20;
    /** By measurement (docs/benchmarks.md, "Choices"). */
    public static final int DEFAULT_ZSTD_LEVEL = 1;

    public static final long DEFAULT_CACHE = 32L << 20;

    public SealedOptions {
        if (blockSize < SMALLEST_BLOCK || blockSize > LARGEST_BLOCK || blockSize % StoredForm.FRAME != 0) {
            throw new IllegalArgumentException(
                    "block size " + blockSize + " is not a multiple of 32 KiB between 64 KiB and 4 MiB");
        }
        if (zstdLevel < 1 || zstdLevel > 9) {
            throw new IllegalArgumentException("zstd level " + zstdLevel + ", not 1 … 9");
        }
        if (cacheBytes < 0) {
            throw new IllegalArgumentException("cache of " + cacheBytes + " bytes");
        }
    }

    public static SealedOptions defaults() {
        return new SealedOptions(DEFAULT_BLOCK, true, true, true, DEFAULT_ZSTD_LEVEL, DEFAULT_CACHE);
    }

    public SealedOptions withBlockSize(int bytes) {
        return new SealedOptions(bytes, dedup, padding, compression, zstdLevel, cacheBytes);
    }

    public SealedOptions withDedup(boolean on) {
        return new SealedOptions(blockSize, on, padding, compression, zstdLevel, cacheBytes);
    }

    public SealedOptions withPadding(boolean on) {
        return new SealedOptions(blockSize, dedup, on, compression, zstdLevel, cacheBytes);
    }

    public SealedOptions withCompression(boolean on) {
        return new SealedOptions(blockSize, dedup, padding, on, zstdLevel, cacheBytes);
    }

    public SealedOptions withZstdLevel(int level) {
        return new SealedOptions(blockSize, dedup, padding, compression, level, cacheBytes);
    }

    public SealedOptions withCacheBytes(long bytes) {
        return new SealedOptions(blockSize, dedup, padding, compression, zstdLevel, bytes);
    }
}
