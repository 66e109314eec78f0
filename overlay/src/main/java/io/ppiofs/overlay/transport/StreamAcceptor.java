package io.ppiofs.overlay.transport;

import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.StreamHandler;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who serves the streams that the other side of a connection opens. Called on the connection's event loop. */
@FunctionalInterface
public interface StreamAcceptor {
    /** The handler of {@code protocol} for this connection, or null: then the other side is told "na". */
    @Nullable
    StreamHandler handler(Connection connection, ProtocolId protocol);

    /** The protocols that a peer is told of when it asks for the list; by default none. */
    default Collection<ProtocolId> protocols(Connection connection) {
        return List.of();
    }
}
