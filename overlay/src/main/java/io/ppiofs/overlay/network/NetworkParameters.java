package io.ppiofs.overlay.network;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import java.time.Duration;

/**
 * What all peers of a network must agree on. Fixed by the genesis record.
 *
 * @param replication k: closest peers that keep a record, and bucket size of the DHT; 4 to 64
 * @param providerLifetime how long a provider record is kept after it was last published
 * @param valueLifetime how long a value record is kept after it was last published
 * @param maxGossipMessage largest gossip message with its envelope, bytes; 1 KiB to 4 MiB
 */
public record NetworkParameters(
        int replication, Duration providerLifetime, Duration valueLifetime, int maxGossipMessage) {
    /** k = 20, 48 h, 48 h, 1 MiB. */
    public static final NetworkParameters DEFAULT =
            new NetworkParameters(20, Duration.ofHours(48), Duration.ofHours(48), 1 << 20);

    private static final int MAX_SECONDS = 366 * 86_400;

    public NetworkParameters {
        requireRange("replication", replication, 4, 64);
        requireRange("provider lifetime in seconds", providerLifetime.toSeconds(), 60, MAX_SECONDS);
        requireRange("value lifetime in seconds", valueLifetime.toSeconds(), 60, MAX_SECONDS);
        requireRange("largest gossip message", maxGossipMessage, 1 << 10, 4 << 20);
    }

    private static void requireRange(String what, long value, long min, long max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(what + " is " + value + ", not from " + min + " to " + max);
        }
    }

    CborMap toCbor() {
        return CborMap.builder()
                .put(1, replication)
                .put(2, providerLifetime.toSeconds())
                .put(3, valueLifetime.toSeconds())
                .put(4, maxGossipMessage)
                .build();
    }

    static NetworkParameters of(CborMap fields) throws MalformedException {
        fields.requireFields(4);
        try {
            return new NetworkParameters(
                    (int) fields.uint(1, 64),
                    Duration.ofSeconds(fields.uint(2, MAX_SECONDS)),
                    Duration.ofSeconds(fields.uint(3, MAX_SECONDS)),
                    (int) fields.uint(4, 4 << 20));
        } catch (IllegalArgumentException e) {
            throw new MalformedException("its " + e.getMessage());
        }
    }
}
