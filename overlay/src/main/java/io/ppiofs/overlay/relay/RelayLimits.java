package io.ppiofs.overlay.relay;

import java.time.Duration;

/**
 * What a relay gives to others.
 *
 * @param reservations places at once
 * @param reservationsPerPrefix places at once of one IPv4 /24 or IPv6 /56; loopback is free
 * @param reservationLife how long a place is held without renewal
 * @param circuits connections carried at once
 * @param circuitsPerPeer connections carried at once from or to one peer
 * @param duration longest life of one connection; zero: no limit
 * @param bytes most bytes in each direction of one connection; 0: no limit
 */
public record RelayLimits(
        int reservations,
        int reservationsPerPrefix,
        Duration reservationLife,
        int circuits,
        int circuitsPerPeer,
        Duration duration,
        long bytes) {
    /** As other libp2p nodes do by default: 128 places, 2 minutes and 128 KiB, enough to punch a hole. */
    public static final RelayLimits DEFAULT =
            new RelayLimits(128, 16, Duration.ofHours(1), 128, 8, Duration.ofMinutes(2), 128 * 1024);

    /** A super peer's: connections without limit of time or bytes, for peers that have no other way. */
    public static final RelayLimits GENEROUS =
            new RelayLimits(4_096, 64, Duration.ofHours(1), 2_048, 32, Duration.ZERO, 0);

    /** Whether a connection it carries is limited. */
    boolean limited() {
        return bytes > 0 || !duration.isZero();
    }
}
