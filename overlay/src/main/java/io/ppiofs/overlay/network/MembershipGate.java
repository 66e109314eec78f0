package io.ppiofs.overlay.network;

import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.swarm.ConnectionGate;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Lets members of a private network in and nobody else. A gate is made before its host, so it is told of it afterwards by
 * {@link #bind}; connections that come before wait. Thread safe.
 */
public final class MembershipGate implements ConnectionGate {
    private final Network network;
    private final MembershipRoll roll;
    private final CompletableFuture<MembershipExchange> exchange = new CompletableFuture<>();

    public MembershipGate(Network network, MembershipRoll roll) {
        this.network = network;
        this.roll = roll;
    }

    /**
     * Serves the membership protocol on {@code host}, whose gate this is. Once, before it listens.
     *
     * @throws io.ppiofs.error.PpiofsException CONFIG if the roll's certificate is of another peer
     */
    public MembershipExchange bind(Host host) {
        MembershipExchange bound = new MembershipExchange(host, network, roll);
        exchange.complete(bound);
        return bound;
    }

    @Override
    public CompletableFuture<Void> admit(Connection connection) {
        return exchange.thenCompose(bound -> bound.admit(connection));
    }

    @Override
    public Set<ProtocolId> beforeAdmission() {
        return Set.of(network.member());
    }
}
