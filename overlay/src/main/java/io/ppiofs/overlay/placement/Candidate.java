package io.ppiofs.overlay.placement;

import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/**
 * A peer that may be given slots.
 *
 * @param capacity bytes it lends in all: its weight
 * @param free bytes of these that are not taken, by its own word
 * @param domain failure domain, empty if nothing is said
 * @param prefixes where it is reached; empty on loopback
 * @param reachability whether others can dial it
 * @param score how well it has served, 0 to 1
 */
public record Candidate(
        PeerId peer,
        long capacity,
        long free,
        String domain,
        Set<NetworkPrefix> prefixes,
        Reachability reachability,
        double score) {
    public Candidate {
        prefixes = Set.copyOf(prefixes);
    }

    /** The prefixes of these addresses. */
    public static Set<NetworkPrefix> prefixes(Collection<Multiaddr> addresses) {
        Set<NetworkPrefix> prefixes = new HashSet<>();
        addresses.forEach(address -> NetworkPrefix.of(address).ifPresent(prefixes::add));
        return prefixes;
    }

    /** Taken bytes by its own word. */
    long taken() {
        return Math.max(0, capacity - free);
    }
}
