package io.ppiofs.proofs.pod;

import java.time.Duration;

/**
 * How long each step may take.
 *
 * @param order from an order's date, in either direction, to its commitment at the verifier
 * @param answer for the answers to all challenges
 * @param transfer for everything between escrow and receipt, besides the bytes' own time
 * @param complaint from the key to the complaint, besides the bytes' own time
 */
public record PodTimes(Duration order, Duration answer, Duration transfer, Duration complaint) {
    /** 5 minutes, 30 s, 60 s, 60 s. */
    public static final PodTimes USUAL =
            new PodTimes(Duration.ofMinutes(5), Duration.ofSeconds(30), Duration.ofSeconds(60), Duration.ofSeconds(60));

    /** The slowest transfer that is waited for, bytes a second. */
    private static final long SLOWEST_TRANSFER = 256 << 10;

    /** The slowest disk that is waited for, bytes a second. */
    private static final long SLOWEST_CHECK = 4 << 20;

    /** Until the receipt. */
    Duration transfer(long bytes) {
        return transfer.plusSeconds(bytes / SLOWEST_TRANSFER);
    }

    /** Until a complaint is too late. */
    Duration complaint(long bytes) {
        return complaint.plusSeconds(bytes / SLOWEST_CHECK);
    }
}
