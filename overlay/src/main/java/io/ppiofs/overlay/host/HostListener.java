package io.ppiofs.overlay.host;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.List;
import java.util.Set;

/** What happens to a host's peers. Called on the host's scheduler, in order. */
public interface HostListener {
    /** The first connection to this peer is up (for a second connection there is no call). */
    default void onConnected(PeerId peer) {}

    /** The last connection to this peer has ended. */
    default void onDisconnected(PeerId peer) {}

    /** Identify told which protocols the peer speaks, or they changed. */
    default void onIdentified(PeerId peer, Set<ProtocolId> protocols) {}

    /** A further connection, of whatever class; also called for the first one, after {@link #onConnected}. */
    default void onConnection(Connection connection) {}

    /** The addresses under which this host announces itself have changed. */
    default void onAddressesChanged(List<Multiaddr> addresses) {}
}
