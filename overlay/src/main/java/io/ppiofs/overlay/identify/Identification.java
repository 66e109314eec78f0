package io.ppiofs.overlay.identify;

import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a peer told of itself.
 *
 * @param protocolVersion its family of protocols, for people
 * @param agentVersion its program, for people
 * @param addresses under which it says to listen, without {@code /p2p}
 * @param observed under which it sees this node
 * @param signed whether the addresses come from a record that it signed
 */
public record Identification(
        String protocolVersion,
        String agentVersion,
        Set<ProtocolId> protocols,
        List<Multiaddr> addresses,
        Optional<Multiaddr> observed,
        boolean signed) {
    public Identification {
        protocols = Set.copyOf(protocols);
        addresses = List.copyOf(addresses);
    }
}
