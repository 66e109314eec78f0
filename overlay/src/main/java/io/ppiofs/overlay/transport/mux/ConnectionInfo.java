package io.ppiofs.overlay.transport.mux;

import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;

/**
 * What is known of a connection once it is authenticated.
 *
 * @param description what secures and multiplexes it, for people
 */
public record ConnectionInfo(
        PeerId remotePeer,
        PublicKey remoteKey,
        Multiaddr remoteAddress,
        Multiaddr localAddress,
        Direction direction,
        ConnectionClass connectionClass,
        boolean limited,
        String description) {}
