package io.ppiofs.node.storage;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.sectors.SealConsent;
import io.ppiofs.overlay.blocks.BlockLimits;
import io.ppiofs.overlay.repair.RepairOptions;
import io.ppiofs.overlay.storage.StorageAdvert;
import java.time.Duration;
import java.util.List;

/**
 * How much a node shall lend, and what it says of its place.
 *
 * @param capacity stored bytes
 * @param domain failure domain: nodes of one text fail together; empty if nothing is said
 * @param regions labels from wide to narrow
 * @param repair when and how fast lost redundancy is restored
 * @param scrub how often all hosted blocks are hashed
 * @param deletion from the moment in which a tenant gives a slot up to its deletion
 * @param traffic what one peer, and all together, may use
 * @param seal which hosted slots are sealed for their tenants
 */
public record StorageOrder(
        long capacity,
        String domain,
        List<String> regions,
        RepairOptions repair,
        Duration scrub,
        Duration deletion,
        BlockLimits traffic,
        SealConsent seal) {
    /** How often hosted blocks are hashed if nobody says otherwise. */
    public static final Duration DAILY = Duration.ofHours(24);

    /** How long what was given up is kept if nobody says otherwise: who reads an old head finds its blocks that long. */
    public static final Duration WEEK = Duration.ofDays(7);

    /** With {@link BlockLimits#DEFAULT}, and sealing for nobody. */
    public StorageOrder(
            long capacity,
            String domain,
            List<String> regions,
            RepairOptions repair,
            Duration scrub,
            Duration deletion) {
        this(capacity, domain, regions, repair, scrub, deletion, BlockLimits.DEFAULT, SealConsent.NONE);
    }

    /** @throws PpiofsException INVALID with what would be right */
    public StorageOrder {
        regions = List.copyOf(regions);
        if (capacity < 1) {
            throw new PpiofsException(ErrorKind.INVALID, "lend", capacity + " bytes", "give a size like 100GiB");
        }
        if (domain.length() > StorageAdvert.MAX_LABEL
                || regions.size() > StorageAdvert.MAX_REGIONS
                || regions.stream().anyMatch(r -> r.isEmpty() || r.length() > StorageAdvert.MAX_LABEL)) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "lend",
                    "domain and regions",
                    "a label has up to " + StorageAdvert.MAX_LABEL + " characters, and there are up to "
                            + StorageAdvert.MAX_REGIONS + " regions");
        }
    }
}
