package io.ppiofs.overlay.swarm;

import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Who may be dialled, and which connections stay. Private networks check membership certificates here. Thread safe. */
public interface ConnectionGate {
    /** Lets everybody in. */
    ConnectionGate OPEN = new ConnectionGate() {};

    /** Whether {@code peer} may be dialled under {@code address}. Must not block. */
    default boolean mayDial(PeerId peer, Multiaddr address) {
        return true;
    }

    /**
     * Decides on a connection after its handshake. Until the future completes no stream of another protocol than {@link
     * #beforeAdmission} is served; completing exceptionally, or not in time, closes the connection. The gate may open
     * streams on it.
     */
    default CompletableFuture<Void> admit(Connection connection) {
        return CompletableFuture.completedFuture(null);
    }

    /** The protocols with which membership is proven. */
    default Set<ProtocolId> beforeAdmission() {
        return Set.of();
    }
}
