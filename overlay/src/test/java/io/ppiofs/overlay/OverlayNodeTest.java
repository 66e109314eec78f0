package io.ppiofs.overlay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("long")
class OverlayNodeTest {
    private final List<OverlayNode> nodes = new ArrayList<>();

    @AfterEach
    void close() {
        nodes.forEach(OverlayNode::close);
    }

    private OverlayNode node(UnaryOperator<OverlayOptions.Builder> change) throws Exception {
        OverlayOptions.Builder builder = OverlayOptions.builder(IdentityKey.generate(new SecureRandom()))
                .listen(List.of(
                        Multiaddr.parse("/ip4/127.0.0.1/tcp/0"), Multiaddr.parse("/ip4/127.0.0.1/udp/0/quic-v1")))
                .privateAddresses(true);
        OverlayNode node = new OverlayNode(change.apply(builder).build());
        nodes.add(node);
        get(node.start());
        return node;
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(15, TimeUnit.SECONDS);
    }

    private static Multiaddr address(OverlayNode node, AddressProtocol kind) {
        return node.listenAddresses().stream()
                .filter(a -> a.has(kind))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void pingsOverTcpAndQuic() throws Exception {
        for (AddressProtocol kind : List.of(AddressProtocol.TCP, AddressProtocol.QUIC_V1)) {
            OverlayNode a = node(b -> b);
            OverlayNode b = node(x -> x);
            Connection connection = get(a.swarm().connect(address(b, kind)));
            assertThat(connection.description()).startsWith(kind == AddressProtocol.TCP ? "tls" : "quic");
            assertThat(get(a.ping().ping(b.host().id()))).isPositive();
        }
    }

    @Test
    void beginsWithBootstrapPeersAndLearnsOfFurtherOnes() throws Exception {
        OverlayNode first = node(b -> b);
        List<Multiaddr> bootstrap = List.of(address(first, AddressProtocol.TCP));
        OverlayNode second = node(b -> b.bootstrap(bootstrap, 4));
        OverlayNode third = node(b -> b.bootstrap(bootstrap, 4));
        await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
            List<OverlayNode> later = List.of(second, third);
            assertThat(later)
                    .allMatch(node -> node.host().isConnected(first.host().id()));
            // at least the later of the two hears of the other from the first
            assertThat(later)
                    .anyMatch(node -> later.stream()
                            .filter(other -> other != node)
                            .anyMatch(other -> !node.host()
                                    .addressBook()
                                    .addresses(other.host().id())
                                    .isEmpty()));
        });
    }

    @Test
    void findsOutThatItIsReachable() throws Exception {
        OverlayNode server = node(b -> b);
        OverlayNode asking = node(b -> b.bootstrap(List.of(address(server, AddressProtocol.TCP)), 1));
        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() -> assertThat(asking.reachability()).isEqualTo(Reachability.PUBLIC));
    }

    /** How long it takes is measured by the benchmarks; how many round trips, by UpgradeTest. */
    @Test
    void connectsAgainAndAgain() throws Exception {
        OverlayNode server = node(b -> b);
        OverlayNode client = node(b -> b);
        for (int i = 0; i < 10; i++) {
            get(client.swarm().connect(address(server, AddressProtocol.TCP)));
            assertThat(get(client.ping().ping(server.host().id()))).isPositive();
            get(client.swarm().disconnect(server.host().id()));
            await().until(() -> !client.host().isConnected(server.host().id())
                    && !server.host().isConnected(client.host().id()));
        }
    }
}
