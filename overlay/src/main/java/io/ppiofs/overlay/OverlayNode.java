package io.ppiofs.overlay;

import io.ppiofs.overlay.autonat.AutoNat;
import io.ppiofs.overlay.autonat.AutoNatServer;
import io.ppiofs.overlay.autonat.AutoNatV2;
import io.ppiofs.overlay.autonat.AutoNatV2Server;
import io.ppiofs.overlay.autonat.BackDialer;
import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.bootstrap.Bootstrap;
import io.ppiofs.overlay.dcutr.HolePuncher;
import io.ppiofs.overlay.exchange.PeerExchange;
import io.ppiofs.overlay.gossip.SignedRecords;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.identify.Identify;
import io.ppiofs.overlay.mdns.LocalDiscovery;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.ping.KeepAlive;
import io.ppiofs.overlay.ping.Ping;
import io.ppiofs.overlay.portmap.PortMapping;
import io.ppiofs.overlay.relay.AutoRelay;
import io.ppiofs.overlay.relay.RelayServer;
import io.ppiofs.overlay.relay.RelayTransport;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.swarm.TransportFactory;
import io.ppiofs.overlay.transport.TransportOptions;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node of the overlay with everything that keeps it connected: swarm, identify, ping, relays, hole punching, discovery.
 * Make it, add protocols to {@link #host}, {@link #start} it, {@link #close} it. Safe for any thread.
 */
public final class OverlayNode implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OverlayNode.class);

    private final OverlayOptions options;
    private final Swarm swarm;
    private final Identify identify;
    private final Ping ping;
    private final KeepAlive keepAlive;
    private final RelayTransport circuits;
    private final Optional<RelayServer> relayServer;
    private final Optional<HolePuncher> holePuncher;
    private final Bootstrap bootstrap;
    private final BackDialer backDialer;
    private final Optional<AutoNat> autonat;
    private final AutoNatV2 autonatV2;
    private final Optional<AutoRelay> autoRelay;
    private final Optional<PeerExchange> exchange;
    private volatile Optional<LocalDiscovery> localDiscovery = Optional.empty();
    private volatile Optional<PortMapping> portMapping = Optional.empty();

    /** A node on TCP. Opens no socket yet. */
    public OverlayNode(OverlayOptions options) {
        this(options, new NettyTransports(TransportOptions.DEFAULT, 0));
    }

    /** Opens no socket yet. */
    public OverlayNode(OverlayOptions options, TransportFactory transports) {
        this.options = options;
        this.swarm = new Swarm(
                options.key(), options.limits(), transports, options.gate(), options.metrics(), options.peersFile());
        this.identify = new Identify(swarm, options.protocolVersion(), options.agentVersion());
        this.ping = new Ping(swarm);
        this.keepAlive = new KeepAlive(swarm, ping, options.keepAlive());
        this.circuits = new RelayTransport(swarm);
        this.relayServer =
                Optional.ofNullable(options.relayServer()).map(limits -> new RelayServer(swarm, limits, peer -> true));
        this.holePuncher = options.holePunching()
                ? Optional.of(new HolePuncher(swarm, identify, options.privateAddresses()))
                : Optional.empty();
        this.bootstrap = new Bootstrap(swarm, options.bootstrap(), options.bootstrapTarget());
        this.backDialer = new BackDialer(transports);
        this.autonatV2 = new AutoNatV2(swarm);
        this.autonat = options.autonat()
                ? Optional.of(new AutoNat(swarm, identify, autonatV2, options.privateAddresses()))
                : Optional.empty();
        this.autoRelay = options.autonat() || !options.relays().isEmpty()
                ? Optional.of(new AutoRelay(swarm, circuits, options.relays()))
                : Optional.empty();
        this.exchange = options.exchange()
                ? Optional.of(new PeerExchange(swarm, identify, options.network()))
                : Optional.empty();
        swarm.addTransport(circuits);
        serve();
        swarm.announce("configured", options.announce());
    }

    private void serve() {
        identify.serve();
        ping.serve();
        relayServer.ifPresent(RelayServer::serve);
        holePuncher.ifPresent(HolePuncher::serve);
        exchange.ifPresent(PeerExchange::serve);
        if (options.autonat()) {
            new AutoNatServer(swarm, backDialer, options.privateAddresses()).serve();
            new AutoNatV2Server(swarm, backDialer, options.privateAddresses()).serve();
            autonatV2.serve();
        }
    }

    /**
     * Listens and begins to look for peers. Completes when all sockets listen; fails with the first that cannot, and then
     * the node should be closed.
     */
    public CompletableFuture<Void> start() {
        return CompletableFuture.allOf(
                        options.listen().stream().map(swarm::listen).toArray(CompletableFuture<?>[]::new))
                .thenRun(this::discover);
    }

    private void discover() {
        bootstrap.start();
        autoRelay.ifPresent(AutoRelay::start);
        autonat.ifPresent(own -> {
            autoRelay.ifPresent(relays -> own.addListener(relays::reachability));
            own.start();
        });
        if (options.portMapping()) {
            mapPorts();
        }
        if (options.mdns()) {
            try {
                LocalDiscovery discovery = new LocalDiscovery(swarm, options.network());
                discovery.start();
                localDiscovery = Optional.of(discovery);
            } catch (IOException e) {
                LOG.warn(
                        "look for peers on the local network: {}; free UDP port 5353 or switch mDNS off", e.toString());
            }
        }
    }

    private void mapPorts() {
        try {
            portMapping = PortMapping.forDefaultRouter(swarm);
            portMapping.ifPresent(PortMapping::start);
        } catch (IOException e) {
            LOG.warn("find the router: {}; ports are not mapped", e.toString());
        }
    }

    /** Where this node can be reached, each ending in {@code /p2p/PEER}; wildcards are expanded to interfaces. */
    public List<Multiaddr> listenAddresses() {
        return swarm.addresses().stream()
                .map(address -> address.withPeer(swarm.id()))
                .toList();
    }

    public Host host() {
        return swarm;
    }

    /** The host with what only a real one has: gates, protection from pruning, dialling of one address. */
    public Swarm swarm() {
        return swarm;
    }

    public Ping ping() {
        return ping;
    }

    public Identify identify() {
        return identify;
    }

    /** Whether others can dial this node, as far as AutoNAT knows. */
    public Reachability reachability() {
        return autonat.map(AutoNat::reachability).orElse(Reachability.UNKNOWN);
    }

    /** Asks peers about single addresses; answers come only with AutoNAT switched on. */
    public AutoNatV2 autonatV2() {
        return autonatV2;
    }

    /** The envelopes that peers have signed and identify or peer exchange has brought: for gossip's referrals. */
    public SignedRecords signedRecords() {
        return peer -> {
            byte[] envelope = swarm.addressBook().record(peer);
            return envelope.length == 0 ? null : envelope;
        };
    }

    /** Ends everything; waits some seconds at most. Idempotent. */
    @Override
    public void close() {
        keepAlive.close();
        bootstrap.close();
        localDiscovery.ifPresent(LocalDiscovery::close);
        portMapping.ifPresent(PortMapping::close);
        autonat.ifPresent(AutoNat::close);
        autoRelay.ifPresent(AutoRelay::close);
        exchange.ifPresent(PeerExchange::close);
        backDialer.close();
        holePuncher.ifPresent(HolePuncher::close);
        relayServer.ifPresent(RelayServer::close);
        circuits.close();
        swarm.close();
    }
}
