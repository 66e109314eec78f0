package io.ppiofs.overlay.host;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** An authenticated, encrypted, multiplexed connection to one peer. Safe for any thread. */
public interface Connection {
    PeerId remotePeer();

    PublicKey remoteKey();

    /** The transport address of the other side, without {@code /p2p}. */
    Multiaddr remoteAddress();

    Multiaddr localAddress();

    Direction direction();

    ConnectionClass connectionClass();

    /** Whether it runs over a relay that limits time or bytes: only protocols that ask for it use it. */
    boolean limited();

    /** What secures and multiplexes it, for people: {@code tls/yamux}, {@code noise/yamux}, {@code quic-v1}. */
    String description();

    /**
     * Opens a stream of the first of {@code protocols} that the other side speaks. Fails with NOT_SUPPORTED if it speaks
     * none, NOT_CONNECTED if the connection has ended, RANGE if a stream limit is reached.
     */
    CompletableFuture<Stream> open(List<ProtocolId> protocols);

    boolean isOpen();

    /** Completes when the connection has ended, never exceptionally. */
    CompletableFuture<Void> closed();

    /** Ends the connection: streams are reset. Idempotent. */
    CompletableFuture<Void> close();
}
