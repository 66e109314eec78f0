package io.ppiofs.overlay.transport;

import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Hears what transports do, for counters. Called on event loops: must be quick and safe for any thread. */
public interface TransportMetrics {
    /** Listens to nothing. */
    TransportMetrics NONE = new TransportMetrics() {};

    /** A connection is authenticated and multiplexed; {@code took} counts from the first byte. */
    default void onHandshake(String description, Duration took) {}

    /** This side ended a connection, handshake or stream of {@code remote} (null: not known). */
    default void onViolation(Violation reason, @Nullable Multiaddr remote) {}

    /** Bytes of multiplexed frames that came. */
    default void onReceived(int bytes) {}

    /** Bytes of multiplexed frames that were handed to the socket's queue. */
    default void onSent(int bytes) {}
}
