package io.ppiofs.overlay.transport.upgrade;

import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What an upgrade starts from.
 *
 * @param role OUTBOUND: this side proposes, and is the client of the handshake
 * @param expected the peer that must be at the other end, null if any will do
 * @param local the address of this end
 * @param limited whether a relay limits the connection
 * @param timeout bound on the whole upgrade
 */
public record UpgradeRequest(
        Direction role,
        @Nullable PeerId expected,
        Multiaddr remote,
        Multiaddr local,
        ConnectionClass connectionClass,
        boolean limited,
        Duration timeout) {}
