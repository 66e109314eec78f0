package io.ppiofs.node.bench;

/**
 * What to measure.
 *
 * @param threads that work at the same time, each on files of its own
 * @param bigFileBytes per thread; 0 leaves the big file out
 * @param blockBytes of one read or write of the big file
 * @param smallFiles per thread; 0 leaves them out
 * @param smallFileBytes each
 */
public record BenchPlan(int threads, long bigFileBytes, int blockBytes, int smallFiles, int smallFileBytes) {
    public BenchPlan {
        if (threads < 1 || threads > 1024) {
            throw new IllegalArgumentException("from 1 to 1024 threads");
        }
        if (bigFileBytes < 0 || smallFiles < 0 || blockBytes < 1 || smallFileBytes < 1) {
            throw new IllegalArgumentException("sizes must not be negative");
        }
    }
}
