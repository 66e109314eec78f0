package io.ppiofs.overlay.autonat;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.TransportFactory;
import io.ppiofs.overlay.transport.Transport;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Dials back with transports of its own: a fresh key and no listening port, so neither an open connection nor the mapping
 * of a NAT helps. Made when it is first needed. Thread safe.
 */
public final class BackDialer implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(6);

    private final TransportFactory factory;
    private TransportFactory.@Nullable Set transports; // guarded by this
    private boolean closed; // guarded by this

    public BackDialer(TransportFactory factory) {
        this.factory = factory;
    }

    /** Fails as {@link Transport#dial}, and with NOT_SUPPORTED if no transport takes the address. */
    public CompletableFuture<Connection> dial(PeerId peer, Multiaddr address) {
        Optional<Transport> transport =
                transports().stream().filter(t -> t.dials(address)).findFirst();
        return transport
                .map(t -> t.dial(address, peer, ConnectionClass.CONTROL, TIMEOUT))
                .orElseGet(() -> CompletableFuture.failedFuture(
                        PpiofsException.expected(ErrorKind.NOT_SUPPORTED, "dial back", address.toString())));
    }

    /** Whether some transport takes this address. */
    boolean dials(Multiaddr address) {
        return transports().stream().anyMatch(t -> t.dials(address));
    }

    private synchronized List<Transport> transports() {
        if (closed) {
            return List.of();
        }
        if (transports == null) {
            transports = factory.create(IdentityKey.generate(new SecureRandom()), (connection, protocol) -> null);
        }
        return transports.transports();
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (transports != null) {
            transports.transports().forEach(Transport::close);
            transports.release().run();
        }
    }
}
