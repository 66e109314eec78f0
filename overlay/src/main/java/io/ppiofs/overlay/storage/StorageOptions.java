package io.ppiofs.overlay.storage;

import java.time.Duration;
import java.util.List;

/**
 * What an operator lends and says of itself.
 *
 * @param capacity stored bytes in all
 * @param domain failure domain, empty if nothing is said
 * @param regions labels from wide to narrow
 * @param deletionDelay from a release, or from a table that moves a slot elsewhere, to the deletion
 * @param grace how much longer an expired lease's blocks are kept while space is left
 */
public record StorageOptions(
        long capacity, String domain, List<String> regions, Duration deletionDelay, Duration grace) {
    public StorageOptions {
        regions = List.copyOf(regions);
        if (capacity < 0
                || domain.length() > StorageAdvert.MAX_LABEL
                || regions.size() > StorageAdvert.MAX_REGIONS
                || regions.stream().anyMatch(r -> r.length() > StorageAdvert.MAX_LABEL)) {
            throw new IllegalArgumentException("no storage options: " + capacity + ", " + domain + ", " + regions);
        }
    }

    /** No domain, no regions, 7 days, 30 days. */
    public static StorageOptions of(long capacity) {
        return new StorageOptions(capacity, "", List.of(), Duration.ofDays(7), Duration.ofDays(30));
    }

    public StorageOptions withPlace(String newDomain, List<String> newRegions) {
        return new StorageOptions(capacity, newDomain, newRegions, deletionDelay, grace);
    }

    public StorageOptions withDeletionDelay(Duration delay) {
        return new StorageOptions(capacity, domain, regions, delay, grace);
    }
}
