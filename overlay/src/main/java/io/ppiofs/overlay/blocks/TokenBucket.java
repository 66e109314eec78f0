package io.ppiofs.overlay.blocks;

/**
 * A rate over time, with debt: a take is always allowed, the next must wait until the debt is paid. Safe for any thread.
 */
final class TokenBucket {
    private static final double NANOS = 1e9;

    private final double perNano;
    private final double burst;
    private double tokens;
    private long filled;

    /** @param perSecond {@link BlockLimits#UNLIMITED} for no bound; @param burst tokens that are saved up at most */
    TokenBucket(long perSecond, long burst, long nowNanos) {
        this.perNano = perSecond == BlockLimits.UNLIMITED ? Double.POSITIVE_INFINITY : perSecond / NANOS;
        this.burst = burst;
        this.tokens = burst;
        this.filled = nowNanos;
    }

    /** A bucket that saves up 100 ms, and at least one piece. */
    static TokenBucket ofBytes(long perSecond, long nowNanos) {
        return new TokenBucket(perSecond, Math.max(BlockLimits.PIECE, perSecond / 10), nowNanos);
    }

    synchronized void take(long n, long nowNanos) {
        fill(nowNanos);
        tokens -= n;
    }

    /** Nanoseconds until something may be taken again; 0: now. */
    synchronized long waitNanos(long nowNanos) {
        if (perNano == Double.POSITIVE_INFINITY) {
            return 0;
        }
        fill(nowNanos);
        return tokens > 0 ? 0 : (long) (-tokens / perNano) + 1;
    }

    private void fill(long nowNanos) {
        if (perNano == Double.POSITIVE_INFINITY) {
            tokens = burst;
            return;
        }
        tokens = Math.min(burst, tokens + (nowNanos - filled) * perNano);
        filled = nowNanos;
    }
}
