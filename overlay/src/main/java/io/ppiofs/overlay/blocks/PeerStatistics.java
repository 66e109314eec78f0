package io.ppiofs.overlay.blocks;

import java.time.Duration;

/**
 * What a client knows of one peer since it started.
 *
 * @param bytesPerSecond moving average of the speed at which it sent while it was asked, 0 if nothing was fetched yet
 * @param roundTrip moving average of the time to the first answer, zero if unknown
 * @param received payload bytes got from it
 * @param sent payload bytes it took
 * @param requests requests sent to it
 * @param failures requests that ended with an error other than by cancelling
 * @param corrupt blocks whose bytes were not those of their CID
 * @param underWay requests without an end yet
 */
public record PeerStatistics(
        double bytesPerSecond,
        Duration roundTrip,
        long received,
        long sent,
        long requests,
        long failures,
        long corrupt,
        int underWay) {
    /** Of a peer that was never asked. */
    public static final PeerStatistics NONE = new PeerStatistics(0, Duration.ZERO, 0, 0, 0, 0, 0, 0);
}
