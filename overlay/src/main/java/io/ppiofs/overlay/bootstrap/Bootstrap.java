package io.ppiofs.overlay.bootstrap;

import io.netty.util.concurrent.DefaultThreadFactory;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.Swarm;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Dials bootstrap peers at the start, and again while fewer peers than wanted are connected. State is on the scheduler. */
public final class Bootstrap implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Bootstrap.class);
    private static final Duration FIRST = Duration.ofSeconds(2);
    private static final Duration LONGEST = Duration.ofMinutes(1);

    private final Swarm swarm;
    private final List<Multiaddr> peers;
    private final int target;
    private final DnsaddrResolver names = DnsaddrResolver.asking("dns:");
    /** Names are looked up one after the other, on a thread that exists only once there is one. */
    private final ExecutorService lookups =
            Executors.newSingleThreadExecutor(new DefaultThreadFactory("ppiofs-dnsaddr", true));

    private Duration pause = FIRST;
    private Scheduler.@Nullable Timer timer;
    private boolean closed;

    /**
     * @param peers addresses ending in {@code /p2p/PEER}, or {@code /dnsaddr/NAME} with or without it; the node's own are
     *     left out
     * @param target connected peers that are enough
     */
    public Bootstrap(Swarm swarm, List<Multiaddr> peers, int target) {
        this.swarm = swarm;
        this.peers = peers.stream()
                .filter(address -> address.peer().filter(swarm.id()::equals).isEmpty())
                .toList();
        this.target = target;
    }

    /** Begins to dial. */
    public void start() {
        swarm.scheduler().execute(this::round);
    }

    private void round() {
        if (closed) {
            return;
        }
        int connected = swarm.connectedPeers().size();
        if (connected < target) {
            for (Multiaddr address : peers) {
                boolean known = address.peer().filter(swarm::isConnected).isPresent();
                if (!known) {
                    dial(address);
                }
            }
        }
        // quickly while nobody is there, then ever less often
        Duration longer = pause.multipliedBy(2);
        pause = connected == 0 && longer.compareTo(LONGEST) > 0 ? LONGEST : connected == 0 ? longer : LONGEST;
        timer = swarm.scheduler().schedule(connected == 0 ? pause : LONGEST.dividedBy(2), this::round);
    }

    private void dial(Multiaddr address) {
        if (!DnsaddrResolver.concerns(address)) {
            connect(address);
            return;
        }
        CompletableFuture.supplyAsync(() -> names.resolve(address), lookups).whenComplete((found, failure) -> {
            if (failure == null) {
                found.forEach(this::connect);
            } else {
                LOG.debug("bootstrap name {}: {}", address, failure.getMessage());
            }
        });
    }

    private void connect(Multiaddr address) {
        swarm.connect(address).whenComplete((connection, failure) -> {
            if (failure != null) {
                LOG.debug("bootstrap peer {}: {}", address, failure.getMessage());
            }
        });
    }

    @Override
    public void close() {
        swarm.scheduler().execute(() -> {
            closed = true;
            lookups.shutdownNow();
            Scheduler.Timer old = timer;
            if (old != null) {
                old.cancel();
            }
        });
    }
}
