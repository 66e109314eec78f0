package io.ppiofs.overlay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.relay.RelayLimits;
import io.ppiofs.overlay.swarm.SwarmCounters;
import io.ppiofs.overlay.swarm.SwarmMetrics;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("long")
class RelayTest {
    private static final ProtocolId ECHO = new ProtocolId("/test/echo/1");

    private final List<OverlayNode> nodes = new ArrayList<>();
    private final SwarmCounters counters = new SwarmCounters();

    @AfterEach
    void close() {
        nodes.forEach(OverlayNode::close);
    }

    private OverlayNode node(UnaryOperator<OverlayOptions.Builder> change) throws Exception {
        OverlayOptions.Builder builder = OverlayOptions.builder(IdentityKey.generate(new SecureRandom()))
                .listen(List.of(Multiaddr.parse("/ip4/127.0.0.1/tcp/0")))
                .holePunching(false)
                .autonat(false)
                .metrics(counters);
        OverlayNode node = new OverlayNode(change.apply(builder).build());
        nodes.add(node);
        node.host().handle(ECHO, HandlerOptions.DEFAULT.withOverLimited(true), stream -> stream.read(new Echo(stream)));
        get(node.start());
        return node;
    }

    private OverlayNode relay(RelayLimits limits) throws Exception {
        return node(b -> b.relayServer(limits));
    }

    private static Multiaddr address(OverlayNode node) {
        return node.listenAddresses().stream()
                .filter(a -> !a.has(AddressProtocol.P2P_CIRCUIT))
                .findFirst()
                .orElseThrow();
    }

    private static Multiaddr reserve(OverlayNode node, OverlayNode relay) throws Exception {
        get(node.swarm().listen(Multiaddr.parse(address(relay) + "/p2p-circuit")));
        return node.listenAddresses().stream()
                .filter(a -> a.has(AddressProtocol.P2P_CIRCUIT))
                .findFirst()
                .orElseThrow();
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(15, TimeUnit.SECONDS);
    }

    @Test
    void carriesAConnectionEndToEndEncryptedAndCounts() throws Exception {
        OverlayNode relay = relay(RelayLimits.GENEROUS);
        OverlayNode target = node(b -> b);
        OverlayNode caller = node(b -> b);
        Multiaddr circuit = reserve(target, relay);
        Connection connection = get(caller.swarm().connect(circuit));
        assertThat(connection.limited()).isFalse();
        assertThat(connection.remotePeer()).isEqualTo(target.host().id());
        assertThat(get(caller.ping().ping(target.host().id()))).isPositive();
        int size = 3 << 20;
        assertThat(echoed(connection, size)).isEqualTo(size);
        assertThat(counters.bytesRelayed()).isGreaterThan(2L * size);
    }

    @Test
    void limitsBytesOfACircuit() throws Exception {
        OverlayNode relay = relay(new RelayLimits(4, 4, Duration.ofHours(1), 4, 4, Duration.ofMinutes(2), 64 * 1024));
        OverlayNode target = node(b -> b);
        OverlayNode caller = node(b -> b);
        Multiaddr circuit = reserve(target, relay);
        Connection connection = get(caller.swarm().connect(circuit));
        assertThat(connection.limited()).isTrue();
        Stream stream =
                get(caller.host().open(target.host().id(), List.of(ECHO), OpenOptions.DEFAULT.withOverLimited(true)));
        stream.read(new Count());
        for (int i = 0; i < 20; i++) {
            stream.write(Unpooled.wrappedBuffer(new byte[8 * 1024]));
        }
        get(connection.closed());
        assertThat(counters.bytesRelayed()).isLessThan(200 * 1024);
    }

    @Test
    void limitsTheTimeOfACircuit() throws Exception {
        OverlayNode relay = relay(new RelayLimits(4, 4, Duration.ofHours(1), 4, 4, Duration.ofSeconds(1), 0));
        OverlayNode target = node(b -> b);
        OverlayNode caller = node(b -> b);
        Connection connection = get(caller.swarm().connect(reserve(target, relay)));
        get(connection.closed());
    }

    @Test
    void doesNotUseALimitedConnectionForProtocolsThatDidNotAsk() throws Exception {
        OverlayNode relay = relay(RelayLimits.DEFAULT);
        OverlayNode target = node(b -> b);
        OverlayNode caller = node(b -> b);
        get(caller.swarm().connect(reserve(target, relay)));
        OpenOptions soon =
                OpenOptions.DEFAULT.withTimeout(Duration.ofMillis(500)).withDial(false);
        assertThatThrownBy(() -> get(caller.host().open(target.host().id(), List.of(ECHO), soon)))
                .hasMessageContaining("no connection");
    }

    @Test
    void refusesReservationsAboveTheLimit() throws Exception {
        OverlayNode relay = relay(new RelayLimits(1, 1, Duration.ofHours(1), 4, 4, Duration.ZERO, 0));
        reserve(node(b -> b), relay);
        OverlayNode second = node(b -> b);
        assertThatThrownBy(() -> reserve(second, relay)).hasMessageContaining("no place");
        assertThat(counters.refusals(SwarmMetrics.Refusal.RELAY_LIMIT)).isEqualTo(1);
    }

    @Test
    void refusesCircuitsAboveTheLimit() throws Exception {
        OverlayNode relay = relay(new RelayLimits(8, 8, Duration.ofHours(1), 8, 1, Duration.ZERO, 0));
        OverlayNode target = node(b -> b);
        Multiaddr circuit = reserve(target, relay);
        get(node(b -> b).swarm().connect(circuit));
        OverlayNode late = node(b -> b);
        assertThatThrownBy(() -> get(late.swarm().connect(circuit))).hasMessageContaining("full");
    }

    @Test
    void doesNotCallPeersWithoutAPlace() throws Exception {
        OverlayNode relay = relay(RelayLimits.DEFAULT);
        OverlayNode target = node(b -> b);
        OverlayNode caller = node(b -> b);
        get(target.swarm().connect(address(relay)));
        Multiaddr circuit = Multiaddr.parse(
                address(relay) + "/p2p-circuit/p2p/" + target.host().id());
        assertThatThrownBy(() -> get(caller.swarm().connect(circuit))).hasMessageContaining("no place");
    }

    @Test
    void announcesThePlaceOnlyWhileItStands() throws Exception {
        OverlayNode relay = relay(RelayLimits.DEFAULT);
        OverlayNode target = node(b -> b);
        Multiaddr circuit = reserve(target, relay);
        assertThat(target.listenAddresses()).contains(circuit);
        relay.close();
        await().untilAsserted(() -> assertThat(target.listenAddresses()).doesNotContain(circuit));
    }

    @Test
    void renewsThePlaceAfterTheConnectionWasLost() throws Exception {
        OverlayNode relay = relay(RelayLimits.DEFAULT);
        OverlayNode target = node(b -> b);
        Multiaddr circuit = reserve(target, relay);
        get(target.swarm().disconnect(relay.host().id()));
        await().untilAsserted(() -> assertThat(target.listenAddresses()).doesNotContain(circuit));
        await().untilAsserted(() -> assertThat(target.listenAddresses()).contains(circuit));
        OverlayNode caller = node(b -> b);
        get(caller.swarm().connect(circuit));
    }

    @Test
    void replacesTheRelayedConnectionByADirectOne() throws Exception {
        OverlayNode relay = relay(RelayLimits.DEFAULT);
        OverlayNode target = node(b -> b.holePunching(true).privateAddresses(true));
        OverlayNode caller = node(b -> b.holePunching(true).privateAddresses(true));
        Connection relayed = get(caller.swarm().connect(reserve(target, relay)));
        get(relayed.closed());
        await().untilAsserted(
                        () -> assertThat(caller.host().connections(target.host().id()))
                                .isNotEmpty()
                                .allMatch(c -> !c.remoteAddress().has(AddressProtocol.P2P_CIRCUIT)));
        assertThat(counters.holePunches(true)).isEqualTo(1);
        assertThat(get(caller.ping().ping(target.host().id()))).isPositive();
    }

    private static long echoed(Connection connection, int size) throws Exception {
        Stream stream = get(connection.open(List.of(ECHO)));
        Count count = new Count();
        stream.read(count);
        for (int sent = 0; sent < size; sent += 64 * 1024) {
            stream.write(Unpooled.wrappedBuffer(new byte[64 * 1024]));
        }
        stream.closeWrite();
        get(count.ended);
        return count.bytes.get();
    }

    private record Echo(Stream stream) implements Stream.Reader {
        @Override
        public void onData(ByteBuf data) {
            stream.write(data);
        }

        @Override
        public void onEnd() {
            stream.closeWrite();
        }

        @Override
        public void onReset(Throwable cause) {}
    }

    private static final class Count implements Stream.Reader {
        final AtomicLong bytes = new AtomicLong();
        final CompletableFuture<Void> ended = new CompletableFuture<>();

        @Override
        public void onData(ByteBuf data) {
            bytes.addAndGet(data.readableBytes());
            data.release();
        }

        @Override
        public void onEnd() {
            ended.complete(null);
        }

        @Override
        public void onReset(Throwable cause) {
            ended.completeExceptionally(cause);
        }
    }
}
