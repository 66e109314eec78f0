package io.ppiofs.overlay.transport;

import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One way to connect. Connections are given out when they are authenticated and multiplexed, not before. Thread safe. */
public interface Transport extends AutoCloseable {
    /** Whether this transport can dial {@code address}. */
    boolean dials(Multiaddr address);

    /** Whether this transport can listen on {@code address}. */
    boolean listens(Multiaddr address);

    /**
     * Connects and authenticates.
     *
     * @param expected the peer that must answer, or null if any will do
     * @return fails with NOT_CONNECTED (nobody answers, or not in time), ACCESS_DENIED (another peer answers)
     */
    CompletableFuture<Connection> dial(
            Multiaddr address, @Nullable PeerId expected, ConnectionClass connectionClass, Duration timeout);

    /**
     * Dials at an agreed moment from the listening port, so that two NATs open for each other (DCUtR). With TCP both
     * sides dial: {@code role} says who then acts as the client of the handshakes. With QUIC the INBOUND side sends
     * random datagrams to open its NAT and accepts.
     */
    CompletableFuture<Connection> punch(Multiaddr address, PeerId expected, Direction role, Duration timeout);

    /** Accepts connections on {@code address} (port 0: chosen by the system) until the listener is closed. */
    CompletableFuture<Listener> listen(Multiaddr address, Consumer<Connection> accepted);

    @Override
    void close();

    /** An open listening socket. */
    interface Listener extends AutoCloseable {
        /** The address with the real port. */
        Multiaddr address();

        @Override
        void close();
    }
}
