package io.ppiofs.overlay.swarm;

import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.transport.StreamAcceptor;
import io.ppiofs.overlay.transport.StreamUpgrader;
import io.ppiofs.overlay.transport.Transport;
import java.util.List;

/** Makes a node's transports when the swarm can tell them who serves inbound streams. */
@FunctionalInterface
public interface TransportFactory {
    Set create(IdentityKey key, StreamAcceptor acceptor);

    /**
     * @param transports in the order in which they are asked whether they take an address; the swarm closes them
     * @param upgrader makes connections of relayed streams
     * @param release gives back what the transports share (event loops), after they were closed
     */
    record Set(List<Transport> transports, StreamUpgrader upgrader, Runnable release) {}
}
