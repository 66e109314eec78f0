package io.ppiofs.overlay.transport;

import static io.ppiofs.overlay.transport.Peers.ECHO;
import static io.ppiofs.overlay.transport.Peers.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.NoLeaks;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.Peers.Node;
import io.ppiofs.overlay.transport.quic.QuicTransport;
import io.ppiofs.overlay.transport.tcp.TcpTransport;
import io.ppiofs.overlay.transport.upgrade.Upgrader;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Transports against each other over loopback. */
@Tag("long")
@ExtendWith(NoLeaks.class)
class TransportTest {
    private static final ProtocolId SINK = new ProtocolId("/test/sink/1.0.0");
    private static final ProtocolId ABSENT = new ProtocolId("/test/absent/1.0.0");

    /** A way to connect: how nodes are made and where they listen. */
    enum Way {
        TLS("/ip4/127.0.0.1/tcp/0"),
        NOISE("/ip4/127.0.0.1/tcp/0"),
        JDK_TLS("/ip4/127.0.0.1/tcp/0"),
        PRIVATE_NETWORK("/ip4/127.0.0.1/tcp/0"),
        TCP_OVER_IP6("/ip6/::1/tcp/0"),
        QUIC("/ip4/127.0.0.1/udp/0/quic-v1");

        final String address;

        Way(String address) {
            this.address = address;
        }

        Node node() {
            TransportOptions options = TransportOptions.DEFAULT;
            return switch (this) {
                case TLS, TCP_OVER_IP6 -> new Node(options.withSecurities(Security.TLS));
                case NOISE -> new Node(options.withSecurities(Security.NOISE));
                case JDK_TLS -> new Node(options.withSecurities(Security.TLS).withNativeTls(false));
                case PRIVATE_NETWORK -> new Node(options.withNetworkKey(NetworkKey.of(new byte[32])));
                case QUIC -> new Node(options, QuicTransport::new);
            };
        }
    }

    private static byte[] echo(Connection connection, byte[] bytes) {
        Stream stream = Peers.open(connection, ECHO);
        Peers.Collector reader = new Peers.Collector();
        stream.read(reader);
        stream.write(Unpooled.copiedBuffer(bytes));
        stream.closeWrite();
        return await(reader.all);
    }

    @ParameterizedTest
    @EnumSource
    void eachWayAuthenticatesAndCarriesStreamsBothWays(Way way) throws InterruptedException {
        try (Node server = way.node();
                Node client = way.node()) {
            Multiaddr address = server.listen(way.address);
            Connection out = client.dial(address, server);
            Connection in = server.inbound.poll(10, TimeUnit.SECONDS);
            assertThat(out.remotePeer()).isEqualTo(server.key.peerId());
            assertThat(in.remotePeer()).isEqualTo(client.key.peerId());
            assertThat(in.remoteKey()).isEqualTo(client.key.publicKey());
            assertThat(out.direction()).isEqualTo(Direction.OUTBOUND);
            assertThat(in.direction()).isEqualTo(Direction.INBOUND);
            assertThat(out.remoteAddress()).isEqualTo(address);
            assertThat(echo(out, "there".getBytes(UTF_8))).isEqualTo("there".getBytes(UTF_8));
            assertThat(echo(in, "back".getBytes(UTF_8))).isEqualTo("back".getBytes(UTF_8));
            assertThatThrownBy(() -> Peers.open(out, ABSENT))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_SUPPORTED));
            Stream second = await(out.open(List.of(ABSENT, ECHO)));
            assertThat(second.protocol()).isEqualTo(ECHO);
            second.reset();
            await(out.close());
            await(in.closed());
            assertThat(in.isOpen()).isFalse();
            assertThatThrownBy(() -> Peers.open(out, ECHO))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_CONNECTED));
        }
    }

    @ParameterizedTest
    @EnumSource
    void anotherPeerThanExpectedIsRefused(Way way) {
        try (Node server = way.node();
                Node client = way.node()) {
            Multiaddr address = server.listen(way.address);
            PeerId other = IdentityKey.generate(new SecureRandom()).peerId();
            assertThatThrownBy(
                            () -> await(client.transport.dial(address, other, ConnectionClass.CONTROL, Peers.TIMEOUT)))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.ACCESS_DENIED));
            assertThat(client.violations).containsExactly(Violation.WRONG_PEER);
        }
    }

    @Test
    void whoIsRefusedOverQuicHearsOfIt() throws InterruptedException {
        try (Node server = Way.QUIC.node();
                Node client = Way.QUIC.node()) {
            Multiaddr address = server.listen(Way.QUIC.address);
            PeerId other = IdentityKey.generate(new SecureRandom()).peerId();
            assertThatThrownBy(
                            () -> await(client.transport.dial(address, other, ConnectionClass.CONTROL, Peers.TIMEOUT)))
                    .isInstanceOf(PpiofsException.class);
            // the handshake ends on its side, too, and then the connection; it does not wait in vain
            Connection refused = server.inbound.poll(20, TimeUnit.SECONDS);
            assertThat(refused).isNotNull();
            await(refused.closed());
        }
    }

    @ParameterizedTest
    @EnumSource
    void aReaderThatStopsStopsTheWriterAtABoundedNumberOfBytes(Way way) {
        try (Node server = way.node();
                Node client = way.node()) {
            CompletableFuture<Stream> sink = new CompletableFuture<>();
            server.handlers.put(SINK, sink::complete);
            Stream stream = Peers.open(client.dial(server.listen(way.address), server), SINK);
            byte[] piece = new byte[16 * 1024];
            long sent = 0;
            while (stream.isWritable() && sent < 64 << 20) {
                CompletableFuture<Void> written = stream.write(Unpooled.copiedBuffer(piece));
                sent += piece.length;
                awaitQuietly(written);
            }
            assertThat(sent).isGreaterThan(256 * 1024).isLessThan(8 << 20);
            Peers.Collector reader = new Peers.Collector();
            await(sink).read(reader);
            stream.closeWrite();
            assertThat(await(reader.all)).hasSize((int) sent);
        }
    }

    /** Waits a moment for the write, which does not complete once the other side takes no more. */
    private static void awaitQuietly(CompletableFuture<Void> written) {
        try {
            written.get(100, TimeUnit.MILLISECONDS);
        } catch (java.util.concurrent.TimeoutException e) {
            assertThat(written).isNotDone();
        } catch (InterruptedException | java.util.concurrent.ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"TLS", "NOISE"})
    void aPingIsNotHeldUpByABulkTransfer(Way way) {
        try (Node server = way.node();
                Node client = way.node()) {
            Discard sink = new Discard();
            server.handlers.put(SINK, stream -> stream.read(sink));
            Connection connection = client.dial(server.listen(way.address), server);
            Stream bulk = Peers.open(connection, SINK);
            Flood flood = new Flood(bulk);
            bulk.read(flood);
            flood.fill();
            Stream ping = Peers.open(connection, ECHO);
            BlockingQueue<Integer> answers = new LinkedBlockingQueue<>();
            ping.read(new Counting(answers));
            List<Long> overtaken = new ArrayList<>();
            for (int i = 0; i < 51; i++) {
                long before = sink.bytes;
                ping.write(Unpooled.wrappedBuffer(new byte[32]));
                assertThat(takeAll(answers, 32)).isEqualTo(32);
                overtaken.add(sink.bytes - before);
            }
            bulk.reset();
            overtaken.sort(null);
            assertThat(sink.bytes).isGreaterThan(1 << 20);
            assertThat(overtaken.get(25)).as("median of %s", overtaken).isLessThan(YamuxOptions.DEFAULT.maxWindow());
        }
    }

    /** An answer may come in pieces: a stream has no messages. */
    private static int takeAll(BlockingQueue<Integer> answers, int bytes) {
        int all = 0;
        while (all < bytes) {
            int piece = take(answers);
            if (piece <= 0) {
                return piece;
            }
            all += piece;
        }
        return all;
    }

    private static int take(BlockingQueue<Integer> answers) {
        try {
            Integer answer = answers.poll(20, TimeUnit.SECONDS);
            return answer == null ? -1 : answer;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private record Counting(BlockingQueue<Integer> answers) implements Stream.Reader {
        @Override
        public void onData(ByteBuf data) {
            answers.add(data.readableBytes());
            data.release();
        }

        @Override
        public void onEnd() {
            answers.add(-1);
        }

        @Override
        public void onReset(Throwable cause) {
            answers.add(-1);
        }
    }

    /** Writes whenever the stream takes more. */
    private static final class Flood implements Stream.Reader {
        private final Stream stream;
        private final byte[] piece = new byte[64 * 1024];
        private volatile long sent;

        Flood(Stream stream) {
            this.stream = stream;
        }

        void fill() {
            while (stream.isWritable()) {
                stream.write(Unpooled.wrappedBuffer(piece));
                sent += piece.length;
            }
        }

        @Override
        public void onData(ByteBuf data) {
            data.release();
        }

        @Override
        public void onEnd() {
            stream.reset();
        }

        @Override
        public void onReset(Throwable cause) {
            // the test is over
        }

        @Override
        public void onWritabilityChanged(boolean writable) {
            if (writable) {
                fill();
            }
        }
    }

    private static final class Discard implements Stream.Reader {
        private volatile long bytes;

        @Override
        public void onData(ByteBuf data) {
            bytes += data.readableBytes();
            data.release();
        }

        @Override
        public void onEnd() {
            // only the flood's end counts
        }

        @Override
        public void onReset(Throwable cause) {
            // only the flood's end counts
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatWaitsToBeSentIsSentBeforeTheEnd(Way way) {
        try (Node server = way.node();
                Node client = way.node()) {
            byte[] bytes = new byte[4 << 20];
            server.handlers.put(
                    SINK,
                    stream -> stream.read(new Peers.Collector() {
                        @Override
                        public void onEnd() {
                            stream.write(Unpooled.wrappedBuffer(bytes)); // far more than a window
                            stream.closeWrite();
                        }
                    }));
            Stream stream = Peers.open(client.dial(server.listen(way.address), server), SINK);
            Peers.Collector reader = new Peers.Collector();
            stream.read(reader);
            stream.closeWrite();
            assertThat(await(reader.all)).hasSize(bytes.length);
        }
    }

    @Test
    void aRelayedStreamIsUpgradedLikeASocket() throws InterruptedException {
        ProtocolId circuit = new ProtocolId("/test/circuit/1.0.0");
        try (Node server = Way.TLS.node();
                Node client = Way.TLS.node()) {
            BlockingQueue<Connection> inner = new LinkedBlockingQueue<>();
            Upgrader ofServer = ((TcpTransport) server.transport).upgrader();
            Upgrader ofClient = ((TcpTransport) client.transport).upgrader();
            Multiaddr remote = Multiaddr.parse("/ip4/192.0.2.1/tcp/1/p2p/" + server.key.peerId() + "/p2p-circuit");
            server.handlers.put(
                    circuit,
                    stream -> ofServer.upgrade(stream, Direction.INBOUND, null, remote, true, Peers.TIMEOUT)
                            .thenAccept(inner::add));
            Connection outer = client.dial(server.listen(), server);
            Stream stream = Peers.open(outer, circuit);
            Connection relayed = await(
                    ofClient.upgrade(stream, Direction.OUTBOUND, server.key.peerId(), remote, true, Peers.TIMEOUT));
            assertThat(relayed.limited()).isTrue();
            assertThat(relayed.description()).isEqualTo("tls/yamux");
            assertThat(relayed.remoteAddress()).isEqualTo(remote);
            byte[] bytes = new byte[2 << 20];
            Arrays.fill(bytes, (byte) 7);
            assertThat(echo(relayed, bytes)).isEqualTo(bytes);
            Connection other = inner.poll(10, TimeUnit.SECONDS);
            assertThat(echo(other, bytes)).isEqualTo(bytes);
            await(relayed.close());
            await(other.closed());
            assertThat(outer.isOpen()).isTrue();
        }
    }

    @Test
    void bothSidesOfATcpPunchMayDialEachOther() {
        try (Node one = Way.TLS.node();
                Node two = Way.TLS.node()) {
            Multiaddr first = one.listen();
            Multiaddr second = two.listen();
            CompletableFuture<Connection> out =
                    one.transport.punch(second, two.key.peerId(), Direction.OUTBOUND, Peers.TIMEOUT);
            Connection connection = await(out);
            assertThat(connection.localAddress()).isEqualTo(first);
            assertThat(echo(connection, new byte[] {1})).containsExactly(1);
        }
    }

    @Test
    void punchesFromBothSidesAtOnceMeetInOneConnection() {
        for (int round = 0; round < 10; round++) {
            try (Node one = Way.TLS.node();
                    Node two = Way.TLS.node()) {
                Multiaddr first = one.listen();
                Multiaddr second = two.listen();
                CompletableFuture<Connection> in =
                        one.transport.punch(second, two.key.peerId(), Direction.INBOUND, Peers.TIMEOUT);
                CompletableFuture<Connection> out =
                        two.transport.punch(first, one.key.peerId(), Direction.OUTBOUND, Peers.TIMEOUT);
                assertThat(await(out).direction()).isEqualTo(Direction.OUTBOUND);
                assertThat(await(in).direction()).isEqualTo(Direction.INBOUND);
                assertThat(await(in).remoteAddress()).isEqualTo(second);
                assertThat(echo(await(out), new byte[] {1})).containsExactly(1);
                assertThat(echo(await(in), new byte[] {2})).containsExactly(2);
            }
        }
    }

    /** Some listeners speak as soon as they have accepted; nothing of that may be lost, however late the dialler is. */
    @Test
    void whatAListenerSaysAtOnceIsHeard() throws IOException {
        byte[] refusal = "\u0013/multistream/1.0.0\n\u0003na\n\u0003na\n".getBytes(UTF_8);
        try (java.net.ServerSocket server = new java.net.ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                Node client = Way.TLS.node()) {
            Multiaddr address = Multiaddr.parse("/ip4/127.0.0.1/tcp/" + server.getLocalPort());
            for (int round = 0; round < 50; round++) {
                CompletableFuture<Connection> dial =
                        client.transport.dial(address, null, ConnectionClass.CONTROL, Peers.TIMEOUT);
                try (Socket accepted = server.accept()) {
                    accepted.getOutputStream().write(refusal);
                    assertThatThrownBy(() -> await(dial)).hasMessageContaining("speaks none");
                }
            }
        }
    }

    @Test
    void aQuicPunchIsAcceptedByTheWaitingSide() {
        try (Node one = Way.QUIC.node();
                Node two = Way.QUIC.node()) {
            Multiaddr first = one.listen(Way.QUIC.address);
            Multiaddr second = two.listen(Way.QUIC.address);
            CompletableFuture<Connection> in =
                    one.transport.punch(second, two.key.peerId(), Direction.INBOUND, Peers.TIMEOUT);
            CompletableFuture<Connection> out =
                    two.transport.punch(first, one.key.peerId(), Direction.OUTBOUND, Peers.TIMEOUT);
            assertThat(await(in).remotePeer()).isEqualTo(two.key.peerId());
            assertThat(await(out).localAddress()).isEqualTo(second);
            assertThat(echo(await(in), new byte[] {1})).containsExactly(1);
            assertThat(one.inbound).isEmpty();
        }
    }

    /** An end that is written while datagrams are read was lost when they acknowledged all bytes of its stream. */
    @Test
    void theEndOfAStreamIsSentThoughAllItsBytesAreAcknowledged() throws InterruptedException {
        try (Node server = Way.QUIC.node();
                Node client = Way.QUIC.node()) {
            Connection out = client.dial(server.listen(Way.QUIC.address), server);
            Connection in = server.inbound.poll(10, TimeUnit.SECONDS);
            for (int round = 0; round < 200; round++) {
                assertThat(echo(out, new byte[] {1})).as("round %d", round).containsExactly(1);
                assertThat(echo(in, new byte[] {2})).as("round %d", round).containsExactly(2);
            }
        }
    }

    @Test
    void aNameIsResolved() {
        try (Node server = Way.TLS.node();
                Node client = Way.TLS.node()) {
            String port = server.listen()
                    .value(io.ppiofs.overlay.multiaddr.AddressProtocol.TCP)
                    .orElseThrow();
            Connection connection = client.dial(Multiaddr.parse("/dns4/localhost/tcp/" + port), server);
            assertThat(connection.remotePeer()).isEqualTo(server.key.peerId());
        }
    }

    @Test
    void nobodyThereIsNotConnected() throws IOException {
        int free;
        try (java.net.ServerSocket probe = new java.net.ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = probe.getLocalPort();
        }
        try (Node client = Way.TLS.node()) {
            Multiaddr nowhere = Multiaddr.parse("/ip4/127.0.0.1/tcp/" + free);
            assertThatThrownBy(
                            () -> await(client.transport.dial(nowhere, null, ConnectionClass.CONTROL, Peers.TIMEOUT)))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_CONNECTED));
        }
    }

    @Test
    void aPortThatIsTakenIsRefused() {
        try (Node one = Way.TLS.node();
                Node two = Way.TLS.node()) {
            String taken = one.listen().toString();
            assertThatThrownBy(() -> two.listen(taken))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.IN_USE));
        }
    }

    @Test
    void anotherNetworkKeyKeepsOut() {
        TransportOptions options =
                TransportOptions.DEFAULT.withTimeouts(Duration.ofMillis(500), Duration.ofSeconds(10));
        byte[] other = new byte[32];
        other[0] = 1;
        try (Node server = new Node(options.withNetworkKey(NetworkKey.of(new byte[32])));
                Node client = new Node(options.withNetworkKey(NetworkKey.of(other)))) {
            Multiaddr address = server.listen();
            assertThatThrownBy(() -> client.dial(address, server)).isInstanceOf(PpiofsException.class);
            assertThat(server.inbound).isEmpty();
        }
    }

    // ---- hostility

    @Test
    void aPeerThatSaysNothingIsDroppedInTime() throws IOException {
        TransportOptions options =
                TransportOptions.DEFAULT.withTimeouts(Duration.ofMillis(300), Duration.ofSeconds(10));
        try (Node server = new Node(options);
                Socket silent = connect(server.listen())) {
            assertThat(endOf(silent)).isTrue();
            assertThat(server.violations).containsExactly(Violation.SLOW_HANDSHAKE);
        }
    }

    @Test
    void aPeerThatDripsItsBytesIsDroppedInTime() throws IOException {
        TransportOptions options =
                TransportOptions.DEFAULT.withTimeouts(Duration.ofMillis(500), Duration.ofSeconds(10));
        try (Node server = new Node(options);
                Socket slow = connect(server.listen())) {
            byte[] line = "\u0013/multistream/1.0.0\n".getBytes(UTF_8);
            int[] at = {0};
            Awaitility.await().pollInterval(Duration.ofMillis(50)).until(() -> {
                if (server.violations.isEmpty()) {
                    slow.getOutputStream().write(line, at[0]++ % line.length, 1);
                    return false;
                }
                return true;
            });
            assertThat(server.violations).containsExactly(Violation.SLOW_HANDSHAKE);
        }
    }

    static List<byte[]> garbage() {
        byte[] http = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(UTF_8);
        byte[] endless = new byte[8_192];
        Arrays.fill(endless, (byte) 0xff);
        return List.of(http, endless);
    }

    @ParameterizedTest
    @MethodSource("garbage")
    void whoDoesNotSpeakMultistreamIsDropped(byte[] bytes) throws IOException {
        try (Node server = Way.TLS.node();
                Socket stranger = connect(server.listen())) {
            stranger.getOutputStream().write(bytes);
            assertThat(endOf(stranger)).isTrue();
            assertThat(server.violations).containsExactly(Violation.MALFORMED);
        }
    }

    @ParameterizedTest
    @EnumSource(Security.class)
    void garbageInsteadOfAHandshakeIsDropped(Security security) throws IOException {
        try (Node server = new Node(TransportOptions.DEFAULT);
                Socket stranger = connect(server.listen())) {
            String name = security.protocol() + "\n";
            stranger.getOutputStream()
                    .write(("\u0013/multistream/1.0.0\n" + (char) name.length() + name).getBytes(UTF_8));
            stranger.getOutputStream().write(new byte[2_000]);
            assertThat(endOf(stranger)).isTrue();
            assertThat(server.violations).containsExactly(Violation.BAD_HANDSHAKE);
        }
    }

    @Test
    void handshakesBeyondTheLimitOfAnAddressAreDropped() throws IOException {
        try (Node server = new Node(TransportOptions.DEFAULT.withHandshakeLimits(100, 2))) {
            Multiaddr address = server.listen();
            try (Socket one = connect(address);
                    Socket two = connect(address)) {
                assertThat(one.getInputStream()).isNotNull();
                assertThat(two.getInputStream()).isNotNull();
                try (Socket three = connect(address)) {
                    assertThat(endOf(three)).isTrue();
                }
            }
            assertThat(server.violations).contains(Violation.TOO_MANY_HANDSHAKES);
        }
    }

    private static Socket connect(Multiaddr address) throws IOException {
        Socket socket = new Socket();
        socket.connect(address.socketAddress(), 5_000);
        socket.setSoTimeout(20_000);
        return socket;
    }

    /** Reads until the other side closes; a reset is an end, too. */
    private static boolean endOf(Socket socket) throws IOException {
        InputStream in = socket.getInputStream();
        try {
            while (in.read() >= 0) {
                // answers do not matter
            }
            return true;
        } catch (java.net.SocketException e) {
            return true;
        }
    }
}
