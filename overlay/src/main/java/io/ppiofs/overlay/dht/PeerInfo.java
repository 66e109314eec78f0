package io.ppiofs.overlay.dht;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.List;

/** A peer and the addresses it is said to have, without {@code /p2p}; the list may be empty. */
public record PeerInfo(PeerId id, List<Multiaddr> addresses) {
    public PeerInfo {
        addresses = List.copyOf(addresses);
    }
}
