package io.ppiofs.overlay.blocks;

import java.time.Duration;

/** Speed and round trip of one peer as moving averages, and what was counted. Under its own lock. */
final class SpeedMeter {
    private static final double NEW = 0.3;
    private static final long WINDOW_NANOS = 100_000_000;
    private static final double NANOS = 1e9;

    private double bytesPerSecond;
    private double roundTripNanos;
    private long received;
    private long sent;
    private long requests;
    private long failures;
    private long corrupt;
    private int underWay;

    private int fetching;
    private long windowBegan;
    private long windowBytes;

    synchronized void began(boolean fetch, long now) {
        requests++;
        underWay++;
        if (fetch && fetching++ == 0) {
            windowBegan = now;
            windowBytes = 0;
        }
    }

    synchronized void ended(boolean fetch, boolean failed, long now) {
        underWay--;
        if (failed) {
            failures++;
        }
        if (fetch && --fetching == 0) {
            sample(now);
        }
    }

    synchronized void received(int bytes, long now) {
        received += bytes;
        windowBytes += bytes;
        if (now - windowBegan >= WINDOW_NANOS) {
            sample(now);
        }
    }

    private void sample(long now) {
        long took = now - windowBegan;
        if (windowBytes >= BlockLimits.MIN_PROGRESS && took > 0) {
            double speed = windowBytes * NANOS / took;
            bytesPerSecond = bytesPerSecond == 0 ? speed : bytesPerSecond * (1 - NEW) + speed * NEW;
        }
        windowBegan = now;
        windowBytes = 0;
    }

    synchronized void sent(int bytes) {
        sent += bytes;
    }

    synchronized void roundTrip(long nanos) {
        roundTripNanos = roundTripNanos == 0 ? nanos : roundTripNanos * (1 - NEW) + nanos * NEW;
    }

    synchronized void corrupt() {
        corrupt++;
    }

    synchronized boolean isAlone() {
        return underWay == 1;
    }

    synchronized PeerStatistics statistics() {
        return new PeerStatistics(
                bytesPerSecond,
                Duration.ofNanos((long) roundTripNanos),
                received,
                sent,
                requests,
                failures,
                corrupt,
                underWay);
    }
}
