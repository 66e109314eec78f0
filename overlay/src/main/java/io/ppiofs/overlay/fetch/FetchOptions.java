package io.ppiofs.overlay.fetch;

import java.time.Duration;

/**
 * How blocks are fetched.
 *
 * @param maxTunnels most tunnels of one peer
 * @param maxPeers most peers of one fetch that are asked at once
 * @param window bytes of blocks that have begun and were not taken by the sink
 * @param firstTimeout for a piece of a peer whose speed is unknown
 * @param minTimeout for a piece, however fast the peer
 * @param maxTimeout for a piece, however slow
 * @param hedgeAfter wait before a second peer is asked for a single block, until enough fetches were measured
 */
public record FetchOptions(
        int maxTunnels,
        int maxPeers,
        long window,
        Duration firstTimeout,
        Duration minTimeout,
        Duration maxTimeout,
        Duration hedgeAfter) {
    /** 8 tunnels, 8 peers, 64 MiB, 5 s, 3 s, 10 s, 250 ms. */
    public static final FetchOptions DEFAULT = new FetchOptions(
            8,
            8,
            64L << 20,
            Duration.ofSeconds(5),
            Duration.ofSeconds(3),
            Duration.ofSeconds(10),
            Duration.ofMillis(250));

    public FetchOptions withTimeouts(Duration first, Duration min, Duration max) {
        return new FetchOptions(maxTunnels, maxPeers, window, first, min, max, hedgeAfter);
    }

    public FetchOptions withWindow(long bytes) {
        return new FetchOptions(maxTunnels, maxPeers, bytes, firstTimeout, minTimeout, maxTimeout, hedgeAfter);
    }

    public FetchOptions withHedgeAfter(Duration value) {
        return new FetchOptions(maxTunnels, maxPeers, window, firstTimeout, minTimeout, maxTimeout, value);
    }
}
