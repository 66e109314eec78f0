package io.ppiofs.overlay.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identify.Identify;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.ping.KeepAlive;
import io.ppiofs.overlay.ping.Ping;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("long")
class SwarmTest {
    private static final ProtocolId PROTOCOL = new ProtocolId("/test/1");
    private static final SwarmOptions FAST = SwarmOptions.DEFAULT
            .withDialing(SwarmOptions.Dialing.DEFAULT
                    .withTimeout(Duration.ofMillis(500))
                    .withBackOff(Duration.ofMillis(300), Duration.ofSeconds(1)))
            .withPool(
                    new SwarmOptions.Pool(100, 200, 300, Duration.ZERO, Duration.ofMinutes(5), Duration.ofMillis(200)));

    private final MemoryNetwork network = new MemoryNetwork();
    private final List<Swarm> swarms = new ArrayList<>();
    private final SwarmCounters counters = new SwarmCounters();
    private int next = 1;

    @AfterEach
    void close() {
        swarms.forEach(Swarm::close);
        network.close();
    }

    private Swarm swarm(SwarmOptions options, ConnectionGate gate, Multiaddr address) throws Exception {
        Swarm swarm = new Swarm(
                IdentityKey.generate(new SecureRandom()), options, network.factory(address), gate, counters, null);
        swarms.add(swarm);
        get(swarm.listen(address));
        return swarm;
    }

    private Swarm swarm() throws Exception {
        return swarm(FAST, ConnectionGate.OPEN, address());
    }

    private Multiaddr address() {
        int n = next++;
        return Multiaddr.parse("/ip4/5." + n / 200 + "." + n % 200 + ".1/tcp/4001");
    }

    private static void know(Swarm a, Swarm b) {
        a.addressBook().addAddresses(b.id(), b.addresses(), Duration.ofHours(1));
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(10, TimeUnit.SECONDS);
    }

    /** Waits for the end of a dial that the other side may close at once, before or after it counts as made here. */
    private static void settled(CompletableFuture<Connection> dial) throws Exception {
        get(dial.handle((connection, failure) -> connection));
    }

    private static ErrorKind kindOf(CompletableFuture<?> future) {
        try {
            future.get(10, TimeUnit.SECONDS);
            throw new AssertionError("it succeeded");
        } catch (ExecutionException e) {
            return ((PpiofsException) e.getCause()).kind();
        } catch (InterruptedException | java.util.concurrent.TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void connectsOnceForManyWhoAskAtTheSameTime() throws Exception {
        Swarm a = swarm();
        Swarm b = swarm();
        know(a, b);
        List<CompletableFuture<Connection>> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            all.add(a.connect(b.id()));
        }
        for (CompletableFuture<Connection> one : all) {
            assertThat(get(one).remotePeer()).isEqualTo(b.id());
        }
        assertThat(a.connections()).hasSize(1);
        await().untilAsserted(() -> assertThat(b.connectedPeers()).containsExactly(a.id()));
    }

    @Test
    void pingsAndIdentifies() throws Exception {
        Swarm a = swarm();
        Swarm b = swarm();
        for (Swarm swarm : List.of(a, b)) {
            new Identify(swarm, "test/1", "agent/2").serve();
            new Ping(swarm).serve();
        }
        b.handle(PROTOCOL, Stream::reset);
        know(a, b);
        assertThat(get(new Ping(a).ping(b.id()))).isPositive();
        await().untilAsserted(
                        () -> assertThat(a.addressBook().protocols(b.id())).contains(PROTOCOL, Ping.PROTOCOL));
        await().untilAsserted(
                        () -> assertThat(b.addressBook().addresses(a.id())).containsAll(a.addresses()));
        assertThat(a.addressBook().agent(b.id())).isEqualTo("agent/2");
    }

    @Test
    void pushesNewProtocols() throws Exception {
        Swarm a = swarm();
        Swarm b = swarm();
        new Identify(a, "test/1", "a").serve();
        new Identify(b, "test/1", "b").serve();
        know(a, b);
        get(a.connect(b.id()));
        await().untilAsserted(
                        () -> assertThat(a.addressBook().protocols(b.id())).contains(Identify.PUSH));
        await().untilAsserted(
                        () -> assertThat(b.addressBook().protocols(a.id())).contains(Identify.PUSH));
        b.handle(PROTOCOL, Stream::reset);
        await().untilAsserted(
                        () -> assertThat(a.addressBook().protocols(b.id())).contains(PROTOCOL));
    }

    @Test
    void saysWhenNoAddressIsKnown() throws Exception {
        Swarm a = swarm();
        Swarm b = swarm();
        assertThat(kindOf(a.connect(b.id()))).isEqualTo(ErrorKind.NOT_FOUND);
        assertThat(kindOf(a.connect(a.id()))).isEqualTo(ErrorKind.INVALID);
    }

    @Test
    void backsOffAnAddressThatFailedAndTriesAgainLater() throws Exception {
        Swarm a = swarm();
        PeerId nobody = IdentityKey.generate(new SecureRandom()).peerId();
        a.addressBook().addAddresses(nobody, List.of(Multiaddr.parse("/ip4/5.9.9.9/tcp/1")), Duration.ofHours(1));
        assertThat(kindOf(a.connect(nobody))).isEqualTo(ErrorKind.NOT_CONNECTED);
        assertThat(kindOf(a.connect(nobody))).isEqualTo(ErrorKind.BUSY);
        await().until(() -> kindOf(a.connect(nobody)) == ErrorKind.NOT_CONNECTED);
    }

    @Test
    void triesAgainWhereItWasTurnedAwayBeforeTheHandshake() throws Exception {
        Swarm a = swarm(SwarmOptions.DEFAULT, ConnectionGate.OPEN, address());
        Swarm b = swarm();
        know(a, b);
        Multiaddr busy = b.listening().get(0);
        network.turnsAway.put(busy, 2);
        assertThat(get(a.connect(b.id())).remotePeer()).isEqualTo(b.id());
        assertThat(network.dialled).containsExactly(busy, busy, busy);
        assertThat(counters.dials(SwarmMetrics.DialResult.REFUSED)).isEqualTo(2);
    }

    @Test
    void givesUpOnWhoeverTurnsItAwayEachTime() throws Exception {
        Swarm a = swarm(
                SwarmOptions.DEFAULT.withDialing(SwarmOptions.Dialing.DEFAULT.withTimeout(Duration.ofMillis(2_500))),
                ConnectionGate.OPEN,
                address());
        Swarm b = swarm();
        know(a, b);
        network.turnsAway.put(b.listening().get(0), 1_000);
        assertThat(kindOf(a.connect(b.id()))).isEqualTo(ErrorKind.NOT_CONNECTED);
        assertThat(kindOf(a.connect(b.id()))).as("backed off from").isEqualTo(ErrorKind.BUSY);
    }

    @Test
    void refusesAnotherPeerUnderTheAddress() throws Exception {
        Swarm a = swarm();
        Swarm b = swarm();
        PeerId other = IdentityKey.generate(new SecureRandom()).peerId();
        a.addressBook().addAddresses(other, b.addresses(), Duration.ofHours(1));
        assertThat(kindOf(a.connect(other))).isEqualTo(ErrorKind.NOT_CONNECTED);
        assertThat(counters.dials(SwarmMetrics.DialResult.WRONG_PEER)).isEqualTo(1);
        assertThat(a.connections()).isEmpty();
    }

    @Test
    void triesAFurtherAddressBesideOneThatDoesNotAnswer() throws Exception {
        Swarm a = swarm();
        Swarm b = swarm();
        Multiaddr hole = Multiaddr.parse("/ip4/10.0.0.1/tcp/1");
        network.blackHoles.add(hole);
        know(a, b);
        a.addressBook().addAddresses(b.id(), List.of(hole), Duration.ofHours(1));
        get(a.connect(b.id()));
        // the private address is nearer and comes first
        assertThat(network.dialled.get(0)).isEqualTo(hole);
    }

    @Test
    void keepsOneOfTwoConnectionsMadeAtOnce() throws Exception {
        for (int round = 0; round < 10; round++) {
            Swarm a = swarm();
            Swarm b = swarm();
            know(a, b);
            know(b, a);
            CompletableFuture<Connection> ab = a.connect(b.id());
            CompletableFuture<Connection> ba = b.connect(a.id());
            get(ab);
            get(ba);
            await().untilAsserted(() -> {
                assertThat(a.connections()).hasSize(1);
                assertThat(b.connections()).hasSize(1);
            });
            // both are ends of the same one
            assertThat(a.connections().get(0).direction())
                    .isNotEqualTo(b.connections().get(0).direction());
        }
    }

    @Test
    void keepsBothWhileTheLosingOneHasStreams() throws Exception {
        Swarm a = swarm();
        Swarm b = swarm();
        ConcurrentLinkedQueue<Stream> held = new ConcurrentLinkedQueue<>();
        for (Swarm swarm : List.of(a, b)) {
            swarm.handle(PROTOCOL, held::add);
        }
        boolean aSmaller = a.id().compareTo(b.id()) < 0;
        Swarm smaller = aSmaller ? a : b;
        Swarm larger = aSmaller ? b : a;
        Multiaddr toSmaller = smaller.addresses().get(0).withPeer(smaller.id());
        Multiaddr toLarger = larger.addresses().get(0).withPeer(larger.id());
        Connection losing = get(larger.connect(toSmaller));
        Stream stream = get(losing.open(List.of(PROTOCOL)));
        Connection winning = get(smaller.dialDirect(larger.id(), toLarger));
        assertThat(get(smaller.connect(larger.id()))).isSameAs(winning);
        stream.reset();
        await().untilAsserted(() -> assertThat(losing.isOpen()).isFalse());
        assertThat(winning.isOpen()).isTrue();
    }

    @Test
    void limitsInboundConnectionsPerPeerAndPrefix() throws Exception {
        Swarm server = swarm(
                FAST.withInbound(new SwarmOptions.Inbound(2, 3, Duration.ofSeconds(1), 8)),
                ConnectionGate.OPEN,
                address());
        Multiaddr target = server.addresses().get(0).withPeer(server.id());
        List<Swarm> clients = new ArrayList<>();
        for (int i = 1; i <= 4; i++) {
            clients.add(swarm(FAST, ConnectionGate.OPEN, Multiaddr.parse("/ip4/6.0.0." + i + "/tcp/4001")));
        }
        for (int i = 0; i < 3; i++) {
            settled(clients.get(0).dialDirect(server.id(), target));
        }
        await().untilAsserted(() ->
                assertThat(counters.refusals(SwarmMetrics.Refusal.PEER_LIMIT)).isEqualTo(1));
        get(clients.get(1).dialDirect(server.id(), target));
        settled(clients.get(2).dialDirect(server.id(), target));
        await().untilAsserted(() ->
                assertThat(counters.refusals(SwarmMetrics.Refusal.PREFIX_LIMIT)).isEqualTo(1));
        await().untilAsserted(() -> assertThat(server.connections()).hasSize(3));
        // a slot that is given back can be used again
        get(clients.get(0).disconnect(server.id()));
        await().untilAsserted(() -> assertThat(server.connections()).hasSize(1));
        get(clients.get(3).dialDirect(server.id(), target));
        await().untilAsserted(() -> assertThat(server.connections()).hasSize(2));
    }

    @Test
    void prunesTheLeastValuableAboveTheHighWaterMarkButNeverProtectedOnes() throws Exception {
        SwarmOptions small = FAST.withPool(
                new SwarmOptions.Pool(4, 8, 100, Duration.ZERO, Duration.ofMinutes(5), Duration.ofMillis(200)));
        Swarm server = swarm(small, ConnectionGate.OPEN, address());
        Multiaddr target = server.addresses().get(0).withPeer(server.id());
        List<Swarm> clients = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            clients.add(swarm());
            get(clients.get(i).connect(target));
        }
        await().untilAsserted(() -> assertThat(server.connections()).hasSize(8));
        server.tag(clients.get(0).id(), "useful", 10);
        server.protect(clients.get(1).id(), "relay");
        Swarm last = swarm();
        get(last.connect(target));
        await().untilAsserted(() -> assertThat(server.connections()).hasSize(4));
        assertThat(server.connectedPeers())
                .contains(clients.get(0).id(), clients.get(1).id());
    }

    @Test
    void servesNothingBeforeTheGateAdmits() throws Exception {
        CompletableFuture<Void> decision = new CompletableFuture<>();
        ProtocolId proof = new ProtocolId("/test/proof");
        ConnectionGate gate = new ConnectionGate() {
            @Override
            public CompletableFuture<Void> admit(Connection connection) {
                return decision;
            }

            @Override
            public Set<ProtocolId> beforeAdmission() {
                return Set.of(proof);
            }
        };
        Swarm server = swarm(FAST, gate, address());
        AtomicInteger served = new AtomicInteger();
        AtomicInteger proofs = new AtomicInteger();
        server.handle(PROTOCOL, stream -> served.incrementAndGet());
        server.handle(proof, stream -> proofs.incrementAndGet());
        Swarm client = swarm();
        Connection connection = get(client.connect(server.addresses().get(0).withPeer(server.id())));
        get(connection.open(List.of(PROTOCOL)));
        get(connection.open(List.of(proof)));
        await().untilAsserted(() -> assertThat(proofs).hasValue(1));
        assertThat(served).hasValue(0);
        assertThat(server.connections()).isEmpty();
        decision.complete(null);
        await().untilAsserted(() -> assertThat(served).hasValue(1));
        assertThat(server.connections()).hasSize(1);
    }

    @Test
    void closesWhatTheGateRefuses() throws Exception {
        ConnectionGate gate = new ConnectionGate() {
            @Override
            public CompletableFuture<Void> admit(Connection connection) {
                return CompletableFuture.failedFuture(new IllegalStateException("no member"));
            }
        };
        Swarm server = swarm(FAST, gate, address());
        Swarm client = swarm();
        // the server may close before the client has the connection, or after
        get(client.connect(server.addresses().get(0).withPeer(server.id()))
                .thenCompose(Connection::closed)
                .handle((closed, failure) -> true));
        await().untilAsserted(() ->
                assertThat(counters.refusals(SwarmMetrics.Refusal.GATE)).isEqualTo(1));
        await().untilAsserted(() -> assertThat(server.connections()).isEmpty());
    }

    @Test
    void limitsStreamsOfAProtocolPerPeer() throws Exception {
        Swarm server = swarm();
        ConcurrentLinkedQueue<Stream> held = new ConcurrentLinkedQueue<>();
        server.handle(PROTOCOL, HandlerOptions.DEFAULT.withMaxStreamsPerPeer(2), held::add);
        Swarm client = swarm();
        know(client, server);
        for (int i = 0; i < 3; i++) {
            get(client.open(server.id(), PROTOCOL));
        }
        await().untilAsserted(() ->
                assertThat(counters.refusals(SwarmMetrics.Refusal.STREAM_LIMIT)).isEqualTo(1));
        assertThat(held).hasSize(2);
        held.remove().reset();
        get(client.open(server.id(), PROTOCOL));
        await().untilAsserted(() -> assertThat(held).hasSize(2));
    }

    @Test
    void refusesPeersThatAProtocolDoesNotServe() throws Exception {
        Swarm server = swarm();
        server.handle(PROTOCOL, HandlerOptions.DEFAULT.withAccess(peer -> false), Stream::reset);
        Swarm client = swarm();
        know(client, server);
        assertThat(kindOf(client.open(server.id(), PROTOCOL))).isEqualTo(ErrorKind.NOT_SUPPORTED);
        assertThat(counters.refusals(SwarmMetrics.Refusal.ACCESS)).isEqualTo(1);
    }

    @Test
    void tellsOfTheFirstConnectionAndTheLastEnd() throws Exception {
        Swarm a = swarm();
        Swarm b = swarm();
        ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
        a.addListener(new HostListener() {
            @Override
            public void onConnected(PeerId peer) {
                events.add("connected");
            }

            @Override
            public void onConnection(Connection connection) {
                events.add("connection");
            }

            @Override
            public void onDisconnected(PeerId peer) {
                events.add("disconnected");
            }
        });
        Multiaddr target = b.addresses().get(0).withPeer(b.id());
        get(a.connect(target));
        get(a.dialDirect(b.id(), target));
        get(a.disconnect(b.id()));
        await().untilAsserted(() ->
                assertThat(events).containsExactly("connected", "connection", "connection", "disconnected"));
    }

    @Test
    void asksTheSameOfAnEndedConnectionAgain() throws Exception {
        Swarm a = swarm();
        Swarm b = swarm();
        b.handle(PROTOCOL, stream -> {});
        know(a, b);
        Connection first = get(a.connect(b.id()));
        first.close();
        assertThat(get(a.open(b.id(), PROTOCOL)).direction()).isEqualTo(Direction.OUTBOUND);
    }

    @Test
    void aDialWhoseConnectionHasEndedIsNotJoined() throws Exception {
        Swarm a = swarm();
        Swarm b = swarm();
        know(a, b);
        CompletableFuture<Connection> second = new CompletableFuture<>();
        AtomicBoolean first = new AtomicBoolean(true);
        a.addListener(new HostListener() {
            @Override
            public void onConnection(Connection connection) {
                if (first.getAndSet(false)) {
                    // here on the scheduler, so the dial counts as under way
                    connection.close().join();
                    a.connect(b.id()).thenAccept(second::complete);
                }
            }
        });
        var unused = a.connect(b.id());
        assertThat(get(second).isOpen()).isTrue();
    }

    @Test
    void doesNotDialWhenToldNotTo() throws Exception {
        Swarm a = swarm();
        Swarm b = swarm();
        know(a, b);
        assertThat(kindOf(a.connect(b.id(), OpenOptions.DEFAULT.withDial(false))))
                .isEqualTo(ErrorKind.NOT_CONNECTED);
        assertThatThrownBy(() -> new SwarmOptions.Pool(5, 4, 3, Duration.ZERO, Duration.ZERO, Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void closesWhatIsUnusedButNeitherWhatIsTaggedNorWhatHasStreams() throws Exception {
        SwarmOptions quick = FAST.withPool(FAST.pool().withIdle(Duration.ofSeconds(1)));
        Swarm a = swarm(quick, ConnectionGate.OPEN, address());
        Swarm unused = swarm();
        Swarm tagged = swarm();
        Swarm busy = swarm();
        busy.handle(PROTOCOL, stream -> {});
        for (Swarm other : List.of(unused, tagged, busy)) {
            know(a, other);
        }
        a.tag(tagged.id(), "test", 1);
        get(a.open(busy.id(), PROTOCOL));
        get(a.connect(tagged.id()));
        get(a.connect(unused.id()));
        await().atMost(Duration.ofSeconds(30)).until(() -> !a.isConnected(unused.id()));
        await().atMost(Duration.ofSeconds(30)).until(() -> !unused.isConnected(a.id()));
        assertThat(a.connectedPeers()).containsExactlyInAnyOrder(tagged.id(), busy.id());
    }

    @Test
    void closesAConnectionWhosePingsAreNotAnswered() throws Exception {
        Swarm a = swarm();
        Swarm dead = swarm();
        dead.handle(Ping.PROTOCOL, stream -> {}); // takes it, and says nothing
        know(a, dead);
        get(a.connect(dead.id()));
        Ping ping = new Ping(a, Duration.ofMillis(200));
        try (KeepAlive keepAlive = new KeepAlive(a, ping, Duration.ofMillis(200))) {
            assertThat(keepAlive).isNotNull();
            await().atMost(Duration.ofSeconds(30)).until(() -> !a.isConnected(dead.id()));
        }
    }

    @Test
    void carriesBulkOnAConnectionOfItsOwn() throws Exception {
        Swarm a = swarm();
        Swarm b = swarm();
        b.handle(PROTOCOL, stream -> {});
        know(a, b);
        OpenOptions bulk = OpenOptions.DEFAULT.withClass(ConnectionClass.BULK);
        assertThat(get(a.connect(b.id())).connectionClass()).isEqualTo(ConnectionClass.CONTROL);
        assertThat(get(a.connect(b.id(), bulk)).connectionClass()).isEqualTo(ConnectionClass.BULK);
        assertThat(a.connections(b.id())).hasSize(2);
        await().untilAsserted(() -> assertThat(b.connections(a.id()))
                .extracting(Connection::connectionClass)
                .containsExactlyInAnyOrder(ConnectionClass.CONTROL, ConnectionClass.BULK));
        List<ProtocolId> protocols = List.of(PROTOCOL);
        assertThat(get(a.open(b.id(), protocols, bulk)).connection().connectionClass())
                .isEqualTo(ConnectionClass.BULK);
        assertThat(get(a.open(b.id(), protocols, OpenOptions.DEFAULT))
                        .connection()
                        .connectionClass())
                .isEqualTo(ConnectionClass.CONTROL);
    }
}
