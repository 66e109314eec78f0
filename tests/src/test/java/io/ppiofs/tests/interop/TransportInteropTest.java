package io.ppiofs.tests.interop;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.NetworkKey;
import io.ppiofs.overlay.transport.Security;
import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.Seeds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Handshake, identify, ping, and an echo under flow control, each way, with whoever of the two has dialled. */
class TransportInteropTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final Duration ECHO_LIMIT = Duration.ofMinutes(2);
    private static final int MIB = 1 << 20;
    private static final ProtocolId PING = new ProtocolId("/ipfs/ping/1.0.0");

    /** How the two are connected. */
    enum Way {
        TLS,
        NOISE,
        QUIC;

        JavaNode java() {
            return switch (this) {
                case TLS -> JavaNode.builder().security(Security.TLS).start();
                case NOISE -> JavaNode.builder().security(Security.NOISE).start();
                case QUIC ->
                    JavaNode.builder().listen("/ip4/127.0.0.1/udp/0/quic-v1").start();
            };
        }

        JsPeer js() {
            return switch (this) {
                case TLS -> JsPeer.builder().security("tls").start();
                case NOISE -> JsPeer.builder().security("noise").start();
                case QUIC ->
                    JsPeer.builder()
                            .transports("quic")
                            .listen("/ip4/127.0.0.1/udp/0/quic-v1")
                            .start();
            };
        }

        /** What the JavaScript side calls it. */
        String encryption() {
            return switch (this) {
                case TLS -> "/tls/1.0.0";
                case NOISE -> "/noise";
                case QUIC -> "native";
            };
        }

        /** What the Java side calls it. */
        String description() {
            return switch (this) {
                case TLS -> "tls/yamux";
                case NOISE -> "noise/yamux";
                case QUIC -> "quic-v1";
            };
        }
    }

    @ParameterizedTest(name = "JavaScript dials Java over {0}")
    @EnumSource(Way.class)
    void javascript_dials_java(Way way) {
        try (JavaNode java = way.java();
                JsPeer js = way.js()) {
            JsonNode connection = js.ask("dial", "addr", java.address());
            assertThat(connection.get("encryption").textValue()).isEqualTo(way.encryption());
            assertThat(connection.get("peer").textValue()).isEqualTo(java.id());
            getOn(way, java, js);
        }
    }

    @ParameterizedTest(name = "Java dials JavaScript over {0}")
    @EnumSource(Way.class)
    void java_dials_javascript(Way way) {
        try (JavaNode java = way.java();
                JsPeer js = way.js()) {
            Connection connection = java.dial(js.address());
            assertThat(connection.description()).isEqualTo(way.description());
            assertThat(connection.remotePeer()).hasToString(js.id());
            getOn(way, java, js);
        }
    }

    private static void getOn(Way way, JavaNode java, JsPeer js) {
        javaKnows(java, js);
        javascriptKnows(java, js);
        ping(java, js);
        echo(way, java, js, 64 * MIB);
        // all of that went over the one connection that was dialled
        assertThat(java.connections(js.id())).hasSize(1);
        assertThat(js.ask("connections", "peer", java.id())).hasSize(1);
    }

    private static void javaKnows(JavaNode java, JsPeer js) {
        PeerId peer = PeerId.parse(js.id());
        await().atMost(SOON)
                .untilAsserted(() ->
                        assertThat(java.host().addressBook().protocols(peer)).contains(PING, EchoService.PROTOCOL));
        List<Multiaddr> listening = js.addresses().stream()
                .map(text -> Multiaddr.parse(text).withoutPeer())
                .toList();
        assertThat(java.host().addressBook().addresses(peer)).containsAll(listening);
    }

    private static void javascriptKnows(JavaNode java, JsPeer js) {
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(
                                js.ask("peer", "peer", java.id()).get("agent").textValue())
                        .startsWith("ppiofs/"));
        JsonNode peer = js.ask("peer", "peer", java.id());
        assertThat(JsPeer.texts(peer.get("protocols"))).contains(PING.name(), JsPeer.ECHO, "/ipfs/id/1.0.0");
        assertThat(peer.get("signedRecord").booleanValue()).isTrue();
        assertThat(peer.get("addrs").findValuesAsText("addr"))
                .contains(Multiaddr.parse(java.address()).withoutPeer().toString());
        // asked again, on the open connection
        JsonNode identified = js.ask("identify", "peer", java.id());
        assertThat(identified.get("observed").textValue()).contains("/127.0.0.1/");
        assertThat(JsPeer.texts(identified.get("signed"))).isNotEmpty();
    }

    private static void ping(JavaNode java, JsPeer js) {
        for (int i = 0; i < 3; i++) {
            assertThat(js.ask("ping", "peer", java.id()).get("millis").doubleValue())
                    .isLessThan(5_000);
            assertThat(java.ping(js.id())).isPositive().isLessThan(Duration.ofSeconds(5));
        }
    }

    private static void echo(Way way, JavaNode java, JsPeer js, int size) {
        JsonNode fromJs = js.ask(ECHO_LIMIT, "echo", "peer", java.id(), "size", size);
        assertThat(fromJs.get("equal").booleanValue())
                .as("came back to JavaScript: %s", fromJs)
                .isTrue();
        EchoService.Result fromJava =
                EchoService.call(java.host(), PeerId.parse(js.id()), size, Seeds.next("echo over " + way));
        assertThat(fromJava.equal()).as("came back to Java: %s", fromJava).isTrue();
        Log.say(way + ": echo of " + size / MIB + " MiB, JavaScript to Java and back in "
                + fromJs.get("millis").intValue() + " ms, Java to JavaScript and back in " + fromJava.millis() + " ms");
    }

    @Test
    void two_hundred_streams_at_once_do_not_disturb_each_other() throws Exception {
        try (JavaNode java = JavaNode.builder().start();
                JsPeer js = JsPeer.builder().start()) {
            js.ask("dial", "addr", java.address());
            var answers = IntStream.range(0, 200)
                    .mapToObj(i -> js.begin("echo", "peer", java.id(), "size", 10_000 + i, "seed", "s" + i))
                    .toList();
            for (var answer : answers) {
                JsonNode echo = answer.get(60, TimeUnit.SECONDS);
                assertThat(echo.get("equal").booleanValue()).isTrue();
            }
        }
    }

    @Test
    void who_offers_both_agrees_with_either() {
        try (JavaNode both = JavaNode.builder()
                        .security(Security.TLS, Security.NOISE)
                        .start();
                JsPeer tls = JsPeer.builder().security("tls").start();
                JsPeer noise = JsPeer.builder().security("noise").start();
                JsPeer any = JsPeer.builder().security("noise", "tls").start()) {
            assertThat(both.dial(tls.address()).description()).isEqualTo("tls/yamux");
            assertThat(both.dial(noise.address()).description()).isEqualTo("noise/yamux");
            assertThat(any.ask("dial", "addr", both.address()).get("encryption").textValue())
                    .isEqualTo("/noise");
        }
    }

    @Test
    void nothing_in_common_is_a_refusal_not_a_hang() {
        try (JavaNode java = JavaNode.builder().security(Security.TLS).start();
                JsPeer js = JsPeer.builder().security("noise").start()) {
            assertThatThrownBy(() -> js.ask("dial", "addr", java.address())).isInstanceOf(JsPeer.JsError.class);
            assertThatThrownBy(() -> java.dial(js.address())).hasMessageContaining("speaks none");
            assertThat(java.host().connections()).isEmpty();
        }
    }

    @ParameterizedTest(name = "somebody else than expected is refused over {0}")
    @EnumSource(Way.class)
    void somebody_else_than_expected_is_refused(Way way) {
        try (JavaNode java = way.java();
                JsPeer js = way.js();
                JavaNode absent = way.java()) {
            String notJava = java.address().replace(java.id(), absent.id());
            assertThatThrownBy(() -> js.ask("dial", "addr", notJava)).isInstanceOf(JsPeer.JsError.class);
            String notJs = js.address().replace(js.id(), absent.id());
            assertThatThrownBy(() -> java.dial(notJs)).isInstanceOf(RuntimeException.class);
            // over QUIC the word that the other side closes may come before its keys and be lost; then silence ends it
            await().atMost(Duration.ofSeconds(40))
                    .until(() -> java.host().connectedPeers().isEmpty());
        }
    }

    @Test
    void with_a_key_of_a_private_network_the_two_meet_and_others_stay_out() {
        String text = "/key/swarm/psk/1.0.0/\n/base16/\n" + "5a".repeat(NetworkKey.LENGTH) + "\n";
        NetworkKey key = NetworkKey.parse(text.getBytes(UTF_8));
        try (JavaNode java = JavaNode.builder().networkKey(key).start();
                JsPeer js = JsPeer.builder().psk(text).start();
                JavaNode outsider = JavaNode.builder().start()) {
            js.ask("dial", "addr", java.address());
            javascriptKnows(java, js);
            echo(Way.TLS, java, js, MIB);
            java.host().disconnect(PeerId.parse(js.id())).join();
            await().atMost(SOON)
                    .until(() -> js.ask("connections", "peer", java.id()).isEmpty());
            assertThat(java.dial(js.address()).remotePeer()).hasToString(js.id());
            ping(java, js);
            assertThatThrownBy(() -> outsider.dial(js.address())).isInstanceOf(RuntimeException.class);
            assertThatThrownBy(() -> outsider.dial(java.address())).isInstanceOf(RuntimeException.class);
        }
    }

    @Test
    void more_than_javascript_takes_within_a_second_get_in_one_after_the_other() {
        List<JavaNode> javas = new ArrayList<>();
        try (JsPeer js =
                JsPeer.builder().limits(Map.of("inboundConnectionThreshold", 2)).start()) {
            for (int i = 0; i < 5; i++) {
                javas.add(JavaNode.builder().start());
            }
            List<CompletableFuture<Connection>> dials =
                    javas.stream().map(java -> java.beginDial(js.address())).toList();
            dials.forEach(dial -> assertThat(JavaNode.get(dial).remotePeer()).hasToString(js.id()));
        } finally {
            javas.forEach(JavaNode::close);
        }
    }

    @Test
    void a_closed_connection_is_noticed_on_the_other_side() {
        try (JavaNode java = JavaNode.builder().start();
                JsPeer js = JsPeer.builder().start()) {
            js.ask("dial", "addr", java.address());
            await().atMost(SOON).until(() -> java.connections(js.id()).size() == 1);
            js.ask("hangUp", "peer", java.id());
            await().atMost(SOON).until(() -> java.connections(js.id()).isEmpty());

            java.dial(js.address());
            await().atMost(SOON)
                    .until(() -> js.ask("connections", "peer", java.id()).size() == 1);
            java.host().disconnect(PeerId.parse(js.id())).join();
            await().atMost(SOON)
                    .until(() -> js.ask("connections", "peer", java.id()).isEmpty());
        }
    }
}
