package io.ppiofs.overlay.sim;

import java.time.Duration;
import java.util.function.ToIntFunction;

/** How long a packet takes from one host to another, in nanoseconds; a function of the pair, the same both ways. */
@FunctionalInterface
public interface Latency {
    long oneWay(SimHost from, SimHost to);

    /** The same between all. */
    static Latency uniform(Duration oneWay) {
        long nanos = oneWay.toNanos();
        return (from, to) -> nanos;
    }

    /** Between {@code min} and {@code max}, fixed for each pair by {@code seed}. */
    static Latency spread(Duration min, Duration max, long seed) {
        long low = min.toNanos();
        long range = Math.max(1, max.toNanos() - low);
        return (from, to) -> {
            long a = Math.min(from.index(), to.index());
            long b = Math.max(from.index(), to.index());
            return low + Math.floorMod(mix(seed ^ (a << 32 | b)), range);
        };
    }

    /** {@code near} inside a cluster, {@code far} between clusters. */
    static Latency clusters(ToIntFunction<SimHost> cluster, Duration near, Duration far) {
        long in = near.toNanos();
        long out = far.toNanos();
        return (from, to) -> cluster.applyAsInt(from) == cluster.applyAsInt(to) ? in : out;
    }

    /** By a table of milliseconds; host i stands at row i mod the table's size. */
    static Latency matrix(double[][] millis) {
        return (from, to) -> (long) (millis[from.index() % millis.length][to.index() % millis.length] * 1e6);
    }

    /** The finalizer of SplitMix64. */
    private static long mix(long value) {
        long z = (value ^ value >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }
}
