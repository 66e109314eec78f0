package io.ppiofs.overlay.portmap;

import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.AddressScope;
import io.ppiofs.overlay.swarm.Swarm;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps the listening ports of a node forwarded by the router, and announces them. Works on one thread of its own. */
public final class PortMapping implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PortMapping.class);
    private static final Duration LIFE = Duration.ofHours(1);
    private static final Duration SOONEST = Duration.ofSeconds(30);
    private static final Duration RETRY = Duration.ofMinutes(10);
    private static final String SOURCE = "mapped";

    /** A port that is to be reachable. */
    private record Port(PortMapper.Protocol protocol, int number, boolean quic) {}

    private final Swarm swarm;
    private final List<PortMapper> mappers;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread own = new Thread(task, "ppiofs-portmap");
        own.setDaemon(true);
        return own;
    });
    private final Map<Port, PortMapper> held = new HashMap<>(); // on the thread

    PortMapping(Swarm swarm, List<PortMapper> mappers) {
        this.swarm = swarm;
        this.mappers = mappers;
    }

    /** For the default router of this machine; empty if there is none. */
    public static Optional<PortMapping> forDefaultRouter(Swarm swarm) throws IOException {
        Optional<InetAddress> gateway = Gateway.find();
        InetAddress ssdp = InetAddress.getByAddress(new byte[] {(byte) 239, (byte) 255, (byte) 255, (byte) 250});
        return gateway.map(router -> new PortMapping(
                swarm,
                List.of(
                        new Pcp(new InetSocketAddress(router, 5351)),
                        new NatPmp(new InetSocketAddress(router, 5351)),
                        new UpnpIgd(new InetSocketAddress(ssdp, 1900)))));
    }

    /** Begins to ask. */
    public void start() {
        thread.execute(this::round);
    }

    private void round() {
        List<Multiaddr> announced = new ArrayList<>();
        Duration next = RETRY;
        for (Port port : ports()) {
            Optional<PortMapper.Mapping> mapping = map(port);
            if (mapping.isPresent()) {
                InetSocketAddress external = mapping.get().external();
                announced.add(port.quic ? Multiaddr.quic(external) : Multiaddr.tcp(external));
                Duration half = mapping.get().life().dividedBy(2);
                next = half.compareTo(next) < 0 || next.equals(RETRY) ? half : next;
            }
        }
        swarm.announce(SOURCE, announced);
        Duration pause = next.compareTo(SOONEST) < 0 ? SOONEST : next;
        try {
            thread.schedule(this::round, pause.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("closed meanwhile", e);
        }
    }

    /** Listening ports of wildcard and private addresses; others are reachable as they are, or not at all. */
    private List<Port> ports() {
        List<Port> ports = new ArrayList<>();
        for (Multiaddr address : swarm.listening()) {
            InetSocketAddress socket = address.socketAddress();
            boolean four = address.parts().get(0).protocol() == AddressProtocol.IP4;
            if (four && socket != null && AddressScope.of(address) == AddressScope.PRIVATE) {
                boolean quic = address.has(AddressProtocol.QUIC_V1);
                ports.add(new Port(quic ? PortMapper.Protocol.UDP : PortMapper.Protocol.TCP, socket.getPort(), quic));
            }
        }
        return ports;
    }

    private Optional<PortMapper.Mapping> map(Port port) {
        PortMapper before = held.get(port);
        List<PortMapper> order = new ArrayList<>(mappers);
        if (before != null) {
            order.remove(before);
            order.add(0, before);
        }
        for (PortMapper mapper : order) {
            try {
                PortMapper.Mapping mapping = mapper.map(port.protocol, port.number, LIFE);
                boolean real = mapping.external().getPort() != 0
                        && !mapping.external().getAddress().isAnyLocalAddress()
                        && !mapping.life().isZero();
                if (real) {
                    held.put(port, mapper);
                    return Optional.of(mapping);
                }
            } catch (IOException e) {
                LOG.debug("map {} port {} by {}: {}", port.protocol, port.number, mapper.name(), e.getMessage());
            }
        }
        held.remove(port);
        return Optional.empty();
    }

    /** Takes the mappings back; waits two seconds at most. */
    @Override
    public void close() {
        try {
            thread.execute(() -> held.forEach((port, mapper) -> unmap(port, mapper)));
            thread.shutdown();
            if (!thread.awaitTermination(2, TimeUnit.SECONDS)) {
                thread.shutdownNow(); // the router forgets at the end of the lease
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void unmap(Port port, PortMapper mapper) {
        try {
            mapper.unmap(port.protocol, port.number);
        } catch (IOException e) {
            LOG.debug("unmap port {}: {}", port.number, e.getMessage());
        }
    }
}
