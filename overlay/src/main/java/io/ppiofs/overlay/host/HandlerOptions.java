package io.ppiofs.overlay.host;

import io.ppiofs.overlay.identity.PeerId;
import java.util.function.Predicate;

/**
 * How inbound streams of a protocol are admitted.
 *
 * @param access refuses a peer before the handler sees the stream
 * @param maxStreamsPerPeer most streams of this protocol open at once from one peer
 * @param overLimited whether streams over a limited (relayed) connection are taken
 */
public record HandlerOptions(Predicate<PeerId> access, int maxStreamsPerPeer, boolean overLimited) {
    /** Everybody, 32 streams, no limited connections. */
    public static final HandlerOptions DEFAULT = new HandlerOptions(peer -> true, 32, false);

    public HandlerOptions withAccess(Predicate<PeerId> value) {
        return new HandlerOptions(value, maxStreamsPerPeer, overLimited);
    }

    public HandlerOptions withMaxStreamsPerPeer(int value) {
        return new HandlerOptions(access, value, overLimited);
    }

    public HandlerOptions withOverLimited(boolean value) {
        return new HandlerOptions(access, maxStreamsPerPeer, value);
    }
}
