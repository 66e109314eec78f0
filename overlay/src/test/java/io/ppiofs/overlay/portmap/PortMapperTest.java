package io.ppiofs.overlay.portmap;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class PortMapperTest {
    private static final byte[] EXTERNAL = {5, 6, 7, 8};

    /** Answers datagrams on loopback; drops the first so that the client must repeat. */
    private static final class Router implements AutoCloseable {
        final DatagramSocket socket;
        final ConcurrentLinkedQueue<byte[]> requests = new ConcurrentLinkedQueue<>();

        Router(int dropped, Function<byte[], Optional<byte[]>> answer) throws IOException {
            socket = new DatagramSocket(0, InetAddress.getLoopbackAddress());
            Thread thread = new Thread(() -> serve(dropped, answer), "test-router");
            thread.setDaemon(true);
            thread.start();
        }

        InetSocketAddress address() {
            return (InetSocketAddress) socket.getLocalSocketAddress();
        }

        private void serve(int dropped, Function<byte[], Optional<byte[]>> answer) {
            int left = dropped;
            while (!socket.isClosed()) {
                DatagramPacket packet = new DatagramPacket(new byte[2048], 2048);
                try {
                    socket.receive(packet);
                    byte[] request = Arrays.copyOf(packet.getData(), packet.getLength());
                    requests.add(request);
                    Optional<byte[]> bytes = left-- > 0 ? Optional.empty() : answer.apply(request);
                    if (bytes.isPresent()) {
                        socket.send(new DatagramPacket(bytes.get(), bytes.get().length, packet.getSocketAddress()));
                    }
                } catch (IOException e) {
                    return; // closed
                }
            }
        }

        @Override
        public void close() {
            socket.close();
        }
    }

    private static Optional<byte[]> natPmp(byte[] request) {
        ByteBuffer in = ByteBuffer.wrap(request);
        if (request.length == 2) {
            return Optional.of(ByteBuffer.allocate(12)
                    .put((byte) 0)
                    .put((byte) 128)
                    .putShort((short) 0)
                    .putInt(1)
                    .put(EXTERNAL)
                    .array());
        }
        return Optional.of(ByteBuffer.allocate(16)
                .put((byte) 0)
                .put((byte) (128 + request[1]))
                .putShort((short) 0)
                .putInt(1)
                .putShort(in.getShort(4))
                .putShort((short) 40_000)
                .putInt(Math.min(in.getInt(8), 600))
                .array());
    }

    private static Optional<byte[]> pcp(byte[] request) {
        ByteBuffer out = ByteBuffer.allocate(60).put(request);
        out.put(1, (byte) (0x80 | request[1]));
        out.putShort(2, (short) 0);
        out.putInt(4, 900);
        Arrays.fill(out.array(), 8, 24, (byte) 0);
        out.putShort(42, (short) 40_001);
        System.arraycopy(EXTERNAL, 0, out.array(), 56, 4);
        out.put(54, (byte) 0xff).put(55, (byte) 0xff);
        return Optional.of(out.array());
    }

    @Test
    void natPmpMapsWhatTheRouterGivesAndRepeatsALostRequest() throws IOException {
        try (Router router = new Router(1, PortMapperTest::natPmp)) {
            PortMapper mapper = new NatPmp(router.address());
            PortMapper.Mapping mapping = mapper.map(PortMapper.Protocol.TCP, 4001, Duration.ofHours(1));
            assertThat(mapping.external()).isEqualTo(new InetSocketAddress(InetAddress.getByAddress(EXTERNAL), 40_000));
            assertThat(mapping.life()).isEqualTo(Duration.ofSeconds(600));
            mapper.unmap(PortMapper.Protocol.TCP, 4001);
            byte[] last = router.requests.toArray(byte[][]::new)[router.requests.size() - 1];
            assertThat(ByteBuffer.wrap(last).getInt(8)).isZero();
        }
    }

    @Test
    void natPmpSaysWhenTheRouterRefuses() throws IOException {
        byte[] refusal = ByteBuffer.allocate(12)
                .put((byte) 0)
                .put((byte) 128)
                .putShort((short) 2)
                .array();
        try (Router router = new Router(0, request -> Optional.of(refusal))) {
            assertThatThrownBy(() -> new NatPmp(router.address()).map(PortMapper.Protocol.UDP, 1, Duration.ofHours(1)))
                    .hasMessageContaining("result 2");
        }
    }

    @Test
    void pcpMapsAndChecksTheNonce() throws IOException {
        try (Router router = new Router(0, PortMapperTest::pcp)) {
            PortMapper.Mapping mapping =
                    new Pcp(router.address()).map(PortMapper.Protocol.UDP, 4001, Duration.ofHours(1));
            assertThat(mapping.external()).isEqualTo(new InetSocketAddress(InetAddress.getByAddress(EXTERNAL), 40_001));
            assertThat(mapping.life()).isEqualTo(Duration.ofSeconds(900));
        }
        Function<byte[], Optional<byte[]>> otherNonce = request -> pcp(request).map(answer -> {
            answer[24] ^= 1;
            return answer;
        });
        try (Router router = new Router(0, otherNonce)) {
            assertThatThrownBy(() -> new Pcp(router.address()).map(PortMapper.Protocol.UDP, 1, Duration.ofHours(1)))
                    .hasMessageContaining("does not answer");
        }
    }

    @Test
    void pcpSaysWhenTheRouterOnlyKnowsNatPmp() throws IOException {
        byte[] unsupported = {0, (byte) 0x81, 0, 1};
        try (Router router = new Router(0, request -> Optional.of(unsupported))) {
            assertThatThrownBy(() -> new Pcp(router.address()).map(PortMapper.Protocol.UDP, 1, Duration.ofHours(1)))
                    .hasMessageContaining("refuses PCP");
        }
    }

    @Test
    void upnpMapsThroughTheControlAddressOfTheDescription() throws IOException {
        HttpServer http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        ConcurrentLinkedQueue<String> calls = new ConcurrentLinkedQueue<>();
        http.createContext("/desc.xml", exchange -> {
            byte[] body = ("<root><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
                            + "<controlURL>/ctl</controlURL></service></root>")
                    .getBytes(UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        http.createContext("/ctl", exchange -> {
            String action = exchange.getRequestHeaders().getFirst("SOAPAction");
            calls.add(action + new String(exchange.getRequestBody().readAllBytes(), UTF_8));
            byte[] body = "<r><NewExternalIPAddress>5.6.7.8</NewExternalIPAddress></r>".getBytes(UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        http.start();
        String location = "http://127.0.0.1:" + http.getAddress().getPort() + "/desc.xml";
        try (Router ssdp = new Router(0, request -> Optional.of(found(location)))) {
            PortMapper mapper = new UpnpIgd(ssdp.address());
            PortMapper.Mapping mapping = mapper.map(PortMapper.Protocol.TCP, 4001, Duration.ofHours(1));
            assertThat(mapping.external()).isEqualTo(new InetSocketAddress(InetAddress.getByAddress(EXTERNAL), 4001));
            mapper.unmap(PortMapper.Protocol.TCP, 4001);
            assertThat(calls)
                    .anyMatch(call -> call.contains("#AddPortMapping") && call.contains("<NewInternalPort>4001<"))
                    .anyMatch(call -> call.contains("#DeletePortMapping"));
        } finally {
            http.stop(0);
        }
    }

    private static byte[] found(String location) {
        return ("HTTP/1.1 200 OK\r\nLOCATION: " + location + "\r\nST: x\r\n\r\n").getBytes(UTF_8);
    }

    @Test
    void upnpDoesNotFollowADeviceToAnotherHost() throws IOException {
        try (Router ssdp = new Router(0, request -> Optional.of(found("http://127.0.0.2:80/desc.xml")))) {
            assertThatThrownBy(() -> new UpnpIgd(ssdp.address()).map(PortMapper.Protocol.TCP, 1, Duration.ofHours(1)))
                    .hasMessageContaining("another host");
        }
    }

    @Test
    void findsTheDefaultRouterInTheTableOfRoutes() throws IOException {
        String table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
                + "eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
                + "eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
        assertThat(Gateway.find(table)).contains(InetAddress.getByAddress(new byte[] {(byte) 192, (byte) 168, 2, 1}));
        assertThat(Gateway.find("Iface\tDestination\n")).isEmpty();
    }
}
