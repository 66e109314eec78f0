package io.ppiofs.overlay.autonat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.overlay.NettyTransports;
import io.ppiofs.overlay.OverlayNode;
import io.ppiofs.overlay.OverlayOptions;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.TransportOptions;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AutoNatV2Test {
    private final List<OverlayNode> nodes = new ArrayList<>();

    @AfterEach
    void close() {
        nodes.forEach(OverlayNode::close);
    }

    private OverlayNode node(boolean privateAddresses) throws Exception {
        OverlayOptions options = OverlayOptions.builder(IdentityKey.generate(new SecureRandom()))
                .listen(List.of(Multiaddr.parse("/ip4/0.0.0.0/tcp/0")))
                .privateAddresses(privateAddresses)
                .build();
        OverlayNode node = new OverlayNode(options, new NettyTransports(TransportOptions.DEFAULT, 1));
        nodes.add(node);
        node.start().get(10, TimeUnit.SECONDS);
        return node;
    }

    private static int port(OverlayNode node) {
        return node.swarm().listening().get(0).socketAddress().getPort();
    }

    private static Multiaddr at(String ip, int port) {
        return Multiaddr.parse("/ip4/" + ip + "/tcp/" + port);
    }

    private static AutoNatV2.Verdict ask(OverlayNode asking, OverlayNode server, Multiaddr address) throws Exception {
        asking.swarm()
                .connect(at("127.0.0.1", port(server)).withPeer(server.host().id()))
                .get(10, TimeUnit.SECONDS);
        return asking.autonatV2().ask(server.host().id(), address).get(30, TimeUnit.SECONDS);
    }

    @Test
    void tellsOfEachAddressWhetherItIsReachable() throws Exception {
        OverlayNode server = node(true);
        OverlayNode asking = node(true);
        assertThat(ask(asking, server, at("127.0.0.1", port(asking)))).isEqualTo(AutoNatV2.Verdict.REACHABLE);
        int closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        assertThat(ask(asking, server, at("127.0.0.1", closed))).isEqualTo(AutoNatV2.Verdict.UNREACHABLE);
    }

    @Test
    void paysForADialToAnotherHost() throws Exception {
        OverlayNode server = node(true);
        OverlayNode asking = node(true);
        assertThat(ask(asking, server, at("127.0.0.2", port(asking)))).isEqualTo(AutoNatV2.Verdict.REACHABLE);
    }

    @Test
    void doesNotDialPrivateAddressesOfStrangers() throws Exception {
        OverlayNode server = node(false);
        OverlayNode asking = node(true);
        assertThat(ask(asking, server, at("127.0.0.1", port(asking)))).isEqualTo(AutoNatV2.Verdict.NO_ANSWER);
    }

    @Test
    void countsOnlyIfTheNonceArrives() throws Exception {
        OverlayNode server = node(true);
        OverlayNode asking = node(true);
        // somebody else answers at the address: the handshake with him fails, so it is not reachable as ours
        assertThat(ask(asking, server, at("127.0.0.1", port(server)))).isEqualTo(AutoNatV2.Verdict.UNREACHABLE);
        assertThatThrownBy(() -> asking.autonatV2()
                        .ask(IdentityKey.generate(new SecureRandom()).peerId(), at("127.0.0.1", 1))
                        .get(10, TimeUnit.SECONDS))
                .hasMessageContaining("no connection");
    }
}
