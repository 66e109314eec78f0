package io.ppiofs.overlay.relay;

import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.wire.RelayWire.HopMessage;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A place at one relay, renewed before it expires and made anew when the connection to the relay was lost. While it
 * stands its circuit addresses are announced. State is on the scheduler.
 */
final class Reservation implements HostListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Reservation.class);
    private static final Duration SOONEST = Duration.ofSeconds(2);
    private static final Duration RETRY_MAX = Duration.ofMinutes(2);
    private static final Duration LONGEST = Duration.ofHours(1);

    private final Swarm swarm;
    private final PeerId relay;
    private final Supplier<CompletableFuture<Connection>> connect;
    private final CompletableFuture<Void> first = new CompletableFuture<>();
    private final String source;
    private Duration retry = SOONEST;
    private Scheduler.@Nullable Timer timer;
    private boolean asking;
    private boolean closed;

    Reservation(Swarm swarm, PeerId relay, Supplier<CompletableFuture<Connection>> connect) {
        this.swarm = swarm;
        this.relay = relay;
        this.connect = connect;
        this.source = "relay " + relay;
        swarm.addListener(this);
        swarm.protect(relay, source);
        swarm.scheduler().execute(this::ask);
    }

    /** Completes when a place was given for the first time. */
    CompletableFuture<Void> first() {
        return first;
    }

    private void ask() {
        if (closed || asking) {
            return;
        }
        asking = true;
        connect.get()
                .thenCompose(connection -> RelayTransport.reserve(swarm, relay))
                .whenCompleteAsync(this::answered, swarm.scheduler());
    }

    private void answered(@Nullable HopMessage message, @Nullable Throwable failure) {
        asking = false;
        if (closed) {
            return;
        }
        if (message == null) {
            LOG.debug("reserve at {}: {}", relay, String.valueOf(failure));
            first.completeExceptionally(failure == null ? new IllegalStateException("no answer") : failure);
            swarm.announce(source, List.of());
            again(retry);
            Duration twice = retry.multipliedBy(2);
            retry = twice.compareTo(RETRY_MAX) < 0 ? twice : RETRY_MAX;
            return;
        }
        retry = SOONEST;
        swarm.announce(source, circuits(message));
        long left =
                message.getReservation().getExpire() * 1_000 - swarm.scheduler().wallMillis();
        // a relay whose clock differs must be asked neither all the time nor never
        long renew = Math.max(SOONEST.toMillis(), Math.min(left * 3 / 4, LONGEST.toMillis()));
        again(Duration.ofMillis(renew));
        first.complete(null);
    }

    private List<Multiaddr> circuits(HopMessage message) {
        List<Multiaddr> told = message.getReservation().getAddrsList().stream()
                .limit(16)
                .flatMap(bytes -> Multiaddr.read(bytes.toByteArray()).stream())
                .filter(address -> !address.toString().contains("/p2p-circuit"))
                .toList();
        List<Multiaddr> used = swarm.connections(relay).stream()
                .filter(connection -> !connection.limited())
                .filter(connection -> connection.direction() == io.ppiofs.overlay.host.Direction.OUTBOUND)
                .map(Connection::remoteAddress)
                .toList();
        return (told.isEmpty() ? used : told)
                .stream()
                        .map(address -> Multiaddr.parse(address.withPeer(relay) + "/p2p-circuit"))
                        .distinct()
                        .toList();
    }

    private void again(Duration delay) {
        Scheduler.Timer old = timer;
        if (old != null) {
            old.cancel();
        }
        timer = swarm.scheduler().schedule(delay, this::ask);
    }

    @Override
    public void onDisconnected(PeerId peer) {
        if (peer.equals(relay) && !closed && !swarm.isConnected(relay)) {
            swarm.announce(source, List.of());
            again(SOONEST);
        }
    }

    @Override
    public void close() {
        swarm.scheduler().execute(() -> {
            closed = true;
            Scheduler.Timer old = timer;
            if (old != null) {
                old.cancel();
            }
            swarm.removeListener(this);
            swarm.unprotect(relay, source);
            swarm.announce(source, List.of());
        });
    }
}
