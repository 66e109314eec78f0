package io.ppiofs.overlay.host;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/**
 * What is known of peers: addresses with a time to live, protocols. Bounded; the least useful peers go first. Safe for any
 * thread.
 */
public interface AddressBook {
    /** How long an address is kept that somebody else told of. */
    Duration TOLD = Duration.ofMinutes(30);

    /** How long an address is kept under which the peer was reached or which it signed. */
    Duration CONFIRMED = Duration.ofHours(24);

    /** Adds addresses (any {@code /p2p} at their end is taken off); a longer life wins over a shorter one. */
    void addAddresses(PeerId peer, Collection<Multiaddr> addresses, Duration timeToLive);

    /** Addresses of the peer that have not expired, best first. */
    List<Multiaddr> addresses(PeerId peer);

    /** Protocols that the peer is known to speak; empty if nothing is known. */
    Set<ProtocolId> protocols(PeerId peer);

    /** All peers with an address that has not expired. */
    Set<PeerId> peers();

    void forget(PeerId peer);
}
