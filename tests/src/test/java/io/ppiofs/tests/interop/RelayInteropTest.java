package io.ppiofs.tests.interop;

import static io.ppiofs.tests.interop.JsPeer.base64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.transport.Security;
import io.ppiofs.overlay.wire.RelayWire.HopMessage;
import io.ppiofs.overlay.wire.RelayWire.Voucher;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Relay and upgrade with either kind as relay, as the one who is reached, and as the one who dials. */
@ParameterizedClass(name = "over {0}")
@EnumSource(Security.class)
class RelayInteropTest {
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final Duration RELAYED = Duration.ofMinutes(2);
    private static final long BYTES = 1 << 17;
    private static final int SIZE = 20_000;
    private static final String HOP = "/libp2p/circuit/relay/0.2.0/hop";

    /** Of every connection, relayed ones and those to relays. */
    @Parameter
    Security security;

    private JsPeer.Builder circuitJs() {
        return JsPeer.builder().security(security.label()).transports("tcp", "circuit");
    }

    private JavaNode.Builder java() {
        return JavaNode.builder().security(security);
    }

    /** Not reachable but through a relay. */
    private JsPeer hiddenJs() {
        return circuitJs().listen().start();
    }

    /** Not reachable but through a relay. */
    private JavaNode hiddenJava() {
        return java().listen().start();
    }

    @Test
    void java_relays_from_javascript_to_javascript() {
        try (JavaNode relay = java().relayServer(RELAYED, BYTES).start();
                JsPeer target = hiddenJs();
                JsPeer dialer = circuitJs().start()) {
            String circuit = reserve(target, relay.address());
            dialsJs(dialer, circuit, target.id());
        }
    }

    @Test
    void java_relays_from_java_to_javascript() {
        try (JavaNode relay = java().relayServer(RELAYED, BYTES).start();
                JsPeer target = hiddenJs();
                JavaNode dialer = java().start()) {
            String circuit = reserve(target, relay.address());
            dialsJava(dialer, circuit, target.id());
        }
    }

    @Test
    void java_relays_from_javascript_to_java() {
        try (JavaNode relay = java().relayServer(RELAYED, BYTES).start();
                JavaNode target = hiddenJava();
                JsPeer dialer = circuitJs().start()) {
            String circuit = target.reserve(relay.address());
            dialsJs(dialer, circuit, target.id());
        }
    }

    @Test
    void javascript_relays_from_java_to_java() {
        try (JsPeer relay = circuitJs().relay(RELAYED, BYTES).start();
                JavaNode target = hiddenJava();
                JavaNode dialer = java().start()) {
            String circuit = target.reserve(relay.address());
            assertThat(JsPeer.texts(relay.ask("reservations"))).contains(target.id());
            dialsJava(dialer, circuit, target.id());
        }
    }

    @Test
    void javascript_relays_from_javascript_to_java() {
        try (JsPeer relay = circuitJs().relay(RELAYED, BYTES).start();
                JavaNode target = hiddenJava();
                JsPeer dialer = circuitJs().start()) {
            String circuit = target.reserve(relay.address());
            dialsJs(dialer, circuit, target.id());
        }
    }

    @Test
    void javascript_relays_from_java_to_javascript() {
        try (JsPeer relay = circuitJs().relay(RELAYED, BYTES).start();
                JsPeer target = hiddenJs();
                JavaNode dialer = java().start()) {
            String circuit = reserve(target, relay.address());
            dialsJava(dialer, circuit, target.id());
        }
    }

    @Test
    void the_voucher_of_a_reservation_is_signed_by_the_relay_and_names_both() throws IOException {
        try (JavaNode relay = java().relayServer(RELAYED, BYTES).start();
                JsPeer js = circuitJs().start()) {
            byte[] request = {2, 8, 0}; // length, and a hop message of type RESERVE
            JsonNode answer = js.ask("request", "addr", relay.address(), "protocol", HOP, "data", base64(request));
            HopMessage hop = HopMessage.parseDelimitedFrom(new ByteArrayInputStream(JsPeer.bytes(answer.get("data"))));
            byte[] sealed = hop.getReservation().getVoucher().toByteArray();

            JsonNode envelope = js.ask("envelope", "envelope", base64(sealed), "domain", "libp2p-relay-rsvp");
            assertThat(envelope.get("signer").textValue()).isEqualTo(relay.id());
            assertThat(JsPeer.bytes(envelope.get("type"))).containsExactly(3, 2);
            Voucher voucher = Voucher.parseFrom(JsPeer.bytes(envelope.get("payload")));
            assertThat(PeerId.fromBytes(voucher.getRelay().toByteArray())).hasToString(relay.id());
            assertThat(PeerId.fromBytes(voucher.getPeer().toByteArray())).hasToString(js.id());
            assertThat(voucher.getExpiration()).isEqualTo(hop.getReservation().getExpire());
            assertThatThrownBy(() -> js.ask("envelope", "envelope", base64(sealed), "domain", "another"))
                    .isInstanceOf(JsPeer.JsError.class);
        }
    }

    @Test
    void java_upgrades_when_javascript_calls_it() throws IOException {
        int port = freePort();
        try (JavaNode relay = java().relayServer(RELAYED, BYTES).start();
                JavaNode target = java().holePunching().start();
                JsPeer dialer = circuitJs()
                        .dcutr()
                        .listen("/ip4/127.0.0.1/tcp/" + port)
                        .announce("/dns4/localhost/tcp/" + port)
                        .start()) {
            String circuit = target.reserve(relay.address());
            assertThat(dialer.ask("dial", "addr", circuit).get("relayed").booleanValue())
                    .isTrue();
            becomesDirect(target, dialer);
        }
    }

    @Test
    void javascript_upgrades_when_java_calls_it() throws IOException {
        int port = freePort();
        try (JavaNode relay = java().relayServer(RELAYED, BYTES).start();
                JsPeer target = circuitJs().dcutr().start();
                JavaNode dialer = java().holePunching()
                        .listen("/ip4/127.0.0.1/tcp/" + port)
                        .announce("/dns4/localhost/tcp/" + port)
                        .start()) {
            String circuit = reserve(target, relay.address());
            assertThat(dialer.dial(circuit).limited()).isTrue();
            becomesDirect(dialer, target);
        }
    }

    /** The relayed connection gives way to a direct one, on which the two get on. */
    private static void becomesDirect(JavaNode java, JsPeer js) {
        await().atMost(SOON).untilAsserted(() -> {
            assertThat(java.connections(js.id())).hasSize(1).noneMatch(Connection::limited);
            JsonNode connections = js.ask("connections", "peer", java.id());
            assertThat(connections).as("%s", connections).hasSize(1);
            assertThat(connections.get(0).get("limited").booleanValue()).isFalse();
        });
        // more than the relay would have carried
        JsonNode echo = js.ask("echo", "peer", java.id(), "size", 4 * BYTES);
        assertThat(echo.get("equal").booleanValue()).as("%s", echo).isTrue();
    }

    @Test
    void a_circuit_over_javascript_that_has_carried_its_bytes_ends_and_a_new_one_can_be_made() {
        try (JsPeer jsRelay = circuitJs().relay(RELAYED, BYTES).start();
                JavaNode target = hiddenJava();
                JavaNode java = java().start()) {
            String overJs = target.reserve(jsRelay.address());
            assertThat(java.dial(overJs).limited()).isTrue();
            assertThatThrownBy(() -> EchoService.call(java.host(), PeerId.parse(target.id()), (int) (4 * BYTES), 1))
                    .isInstanceOf(AssertionError.class);
            await().atMost(SOON).until(() -> java.connections(target.id()).isEmpty());
            assertThat(java.dial(overJs).limited()).isTrue(); // and a new one can be made
        }
    }

    /** A name stands for a public address with js-libp2p, so that it upgrades on the loopback; it needs the port before. */
    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Makes a JavaScript peer reachable through the relay; returns its address there. */
    private static String reserve(JsPeer target, String relay) {
        JsonNode addresses = target.ask("reserve", "addr", relay).get("addrs");
        return JsPeer.texts(addresses).stream()
                .filter(address -> address.contains("/p2p-circuit"))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no relayed address in " + addresses));
    }

    private static void dialsJs(JsPeer dialer, String circuit, String target) {
        JsonNode connection = dialer.ask("dial", "addr", circuit);
        assertThat(connection.get("relayed").booleanValue()).isTrue();
        assertThat(connection.get("limited").booleanValue()).isTrue();
        assertThat(dialer.ask("ping", "peer", target).get("millis").doubleValue())
                .isLessThan(5_000);
        JsonNode echo = dialer.ask("echo", "peer", target, "size", SIZE);
        assertThat(echo.get("equal").booleanValue()).as("%s", echo).isTrue();
        assertThat(echo.get("limited").booleanValue()).isTrue();
    }

    private static void dialsJava(JavaNode dialer, String circuit, String target) {
        assertThat(dialer.dial(circuit).limited()).isTrue();
        assertThat(dialer.ping(target)).isLessThan(Duration.ofSeconds(5));
        EchoService.Result echo = EchoService.call(dialer.host(), PeerId.parse(target), SIZE, 1);
        assertThat(echo.equal()).as("%s", echo).isTrue();
        assertThat(echo.limited()).isTrue();
    }
}
