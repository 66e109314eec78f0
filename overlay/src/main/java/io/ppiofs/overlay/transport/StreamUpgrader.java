package io.ppiofs.overlay.transport;

import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Makes a secured, multiplexed connection out of a byte stream that a relay carries. Thread safe. */
public interface StreamUpgrader {
    /**
     * Negotiates security and multiplexer over {@code stream}, which it takes over.
     *
     * @param role OUTBOUND if this side asked the relay for the circuit
     * @param expected the peer that must be at the other end, or null (inbound)
     * @param remote the circuit address of the other side
     * @param limited whether the relay limits time or bytes
     */
    CompletableFuture<Connection> upgrade(
            Stream stream,
            Direction role,
            @Nullable PeerId expected,
            Multiaddr remote,
            boolean limited,
            Duration timeout);
}
