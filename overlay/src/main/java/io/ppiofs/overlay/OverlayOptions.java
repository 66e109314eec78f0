package io.ppiofs.overlay;

import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.relay.RelayLimits;
import io.ppiofs.overlay.swarm.ConnectionGate;
import io.ppiofs.overlay.swarm.SwarmMetrics;
import io.ppiofs.overlay.swarm.SwarmOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a node is and does. Made by {@link #builder}; immutable.
 *
 * @param key the node's identity
 * @param network name in protocol ids and on the local network ({@code _NETWORK._udp.local}), for example the network's
 *     id; empty for libp2p's common names
 * @param protocolVersion told by identify
 * @param agentVersion told by identify
 * @param listen addresses to listen on; {@code …/p2p/RELAY/p2p-circuit} reserves a place at that relay
 * @param announce addresses to announce beside those that are found out
 * @param bootstrap peers to begin with, ending in {@code /p2p/PEER}
 * @param bootstrapTarget as long as fewer peers are connected, bootstrap peers are dialled again
 * @param relays relays to reserve places at while this node is not publicly reachable, ending in {@code /p2p/PEER}
 * @param relayServer limits with which this node relays for others, or null: it does not
 * @param holePunching whether relayed connections are replaced by direct ones (DCUtR)
 * @param privateAddresses whether AutoNAT and DCUtR also use private and loopback addresses (LANs and tests)
 * @param autonat whether reachability is found out with the help of others, and others are helped
 * @param mdns whether peers on the local network are looked for
 * @param portMapping whether the router is asked to forward ports (PCP, NAT-PMP, UPnP)
 * @param exchange whether signed records of peers are exchanged
 * @param keepAlive silence after which a connection is pinged
 * @param peersFile where the address book is kept between runs, or null
 * @param limits of the swarm
 * @param gate who is admitted
 * @param metrics hears what happens
 */
public record OverlayOptions(
        IdentityKey key,
        String network,
        String protocolVersion,
        String agentVersion,
        List<Multiaddr> listen,
        List<Multiaddr> announce,
        List<Multiaddr> bootstrap,
        int bootstrapTarget,
        List<Multiaddr> relays,
        @Nullable RelayLimits relayServer,
        boolean holePunching,
        boolean privateAddresses,
        boolean autonat,
        boolean mdns,
        boolean portMapping,
        boolean exchange,
        Duration keepAlive,
        @Nullable Path peersFile,
        SwarmOptions limits,
        ConnectionGate gate,
        SwarmMetrics metrics) {
    public OverlayOptions {
        listen = List.copyOf(listen);
        announce = List.copyOf(announce);
        bootstrap = List.copyOf(bootstrap);
        relays = List.copyOf(relays);
    }

    public static Builder builder(IdentityKey key) {
        return new Builder(key);
    }

    /** Collects options; everything that sends to strangers unasked (mDNS, port mapping) is off until it is set. */
    public static final class Builder {
        private final IdentityKey key;
        private String network = "";
        private String protocolVersion = "ppiofs/1.0.0";
        private String agentVersion = "ppiofs/0.1.0";
        private List<Multiaddr> listen = List.of();
        private List<Multiaddr> announce = List.of();
        private List<Multiaddr> bootstrap = List.of();
        private int bootstrapTarget = 4;
        private List<Multiaddr> relays = List.of();
        private @Nullable RelayLimits relayServer;
        private boolean holePunching = true;
        private boolean privateAddresses;
        private boolean autonat = true;
        private boolean mdns;
        private boolean portMapping;
        private boolean exchange = true;
        private Duration keepAlive = Duration.ofSeconds(30);
        private @Nullable Path peersFile;
        private SwarmOptions limits = SwarmOptions.DEFAULT;
        private ConnectionGate gate = ConnectionGate.OPEN;
        private SwarmMetrics metrics = SwarmMetrics.NONE;

        private Builder(IdentityKey key) {
            this.key = key;
        }

        public Builder network(String value) {
            network = value;
            return this;
        }

        public Builder versions(String protocol, String agent) {
            protocolVersion = protocol;
            agentVersion = agent;
            return this;
        }

        public Builder listen(List<Multiaddr> value) {
            listen = value;
            return this;
        }

        public Builder announce(List<Multiaddr> value) {
            announce = value;
            return this;
        }

        public Builder bootstrap(List<Multiaddr> peers, int target) {
            bootstrap = peers;
            bootstrapTarget = target;
            return this;
        }

        public Builder relays(List<Multiaddr> value) {
            relays = value;
            return this;
        }

        public Builder relayServer(@Nullable RelayLimits value) {
            relayServer = value;
            return this;
        }

        public Builder holePunching(boolean value) {
            holePunching = value;
            return this;
        }

        public Builder privateAddresses(boolean value) {
            privateAddresses = value;
            return this;
        }

        public Builder autonat(boolean value) {
            autonat = value;
            return this;
        }

        public Builder mdns(boolean value) {
            mdns = value;
            return this;
        }

        public Builder portMapping(boolean value) {
            portMapping = value;
            return this;
        }

        public Builder exchange(boolean value) {
            exchange = value;
            return this;
        }

        public Builder keepAlive(Duration value) {
            keepAlive = value;
            return this;
        }

        public Builder peersFile(@Nullable Path value) {
            peersFile = value;
            return this;
        }

        public Builder limits(SwarmOptions value) {
            limits = value;
            return this;
        }

        public Builder gate(ConnectionGate value) {
            gate = value;
            return this;
        }

        public Builder metrics(SwarmMetrics value) {
            metrics = value;
            return this;
        }

        public OverlayOptions build() {
            return new OverlayOptions(
                    key,
                    network,
                    protocolVersion,
                    agentVersion,
                    listen,
                    announce,
                    bootstrap,
                    bootstrapTarget,
                    relays,
                    relayServer,
                    holePunching,
                    privateAddresses,
                    autonat,
                    mdns,
                    portMapping,
                    exchange,
                    keepAlive,
                    peersFile,
                    limits,
                    gate,
                    metrics);
        }
    }
}
