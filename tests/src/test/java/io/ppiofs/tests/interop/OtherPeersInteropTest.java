package io.ppiofs.tests.interop;

import static io.ppiofs.tests.interop.JsPeer.base64;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.transport.Security;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Peers that are not of today's js-libp2p with Ed25519 keys: another implementation, another generation, other keys. */
class OtherPeersInteropTest {
    private static final Duration SOON = Duration.ofMinutes(2);
    private static final Duration ECHO_LIMIT = Duration.ofMinutes(2);
    private static final int MIB = 1 << 20;
    private static final String TOPIC = "other peers";

    /** The protocol of the network that the smoldot of these tests belongs to. */
    private static final String SMOLDOT_KAD = "/e143f23803ac50e8f6f8e62695d1ce9e4e1d68aa36c1cd2cfd15340213f3423e/kad";

    private static final ProtocolId PING = new ProtocolId("/ipfs/ping/1.0.0");

    /**
     * smoldot is an implementation in Rust. It knows one node, shakes hands (Noise, yamux), pings it, tells who it is, and
     * asks it for nodes near a random key; so it comes to the other one, which nobody but the first has told it of.
     */
    @Test
    void rust_pings_is_identified_and_finds_a_second_node_by_the_dht() {
        try (JavaNode first = JavaNode.builder().dht(SMOLDOT_KAD, true, "test").start();
                JavaNode second =
                        JavaNode.builder().dht(SMOLDOT_KAD, true, "test").start()) {
            second.dial(first.address());
            await().atMost(SOON).until(() -> first.dhtTable().contains(second.id()));
            try (JsPeer rust = JsPeer.builder()
                    .program("smoldot.mjs")
                    .set("boot", first.address())
                    .start()) {
                for (JavaNode node : List.of(first, second)) {
                    await().atMost(SOON).untilAsserted(() -> {
                        assertThat(node.host().connections())
                                .anyMatch(connection -> connection.description().equals("noise/yamux")
                                        && node.host()
                                                .addressBook()
                                                .protocols(connection.remotePeer())
                                                .contains(PING));
                        assertThat(rust.ask("events", "name", "pong").findValuesAsText("peer_id"))
                                .contains(node.id());
                    });
                }
                assertThat(rust.ask("events", "name", "peer-discovered").findValuesAsText("obtained_from"))
                        .contains(first.id());
                // and the other way: Java pings it on the connection that it has made
                PeerId peer = first.host().connections().stream()
                        .filter(connection -> connection.description().equals("noise/yamux"))
                        .map(Connection::remotePeer)
                        .findFirst()
                        .orElseThrow();
                assertThat(first.ping(peer.toString())).isPositive();
            }
        }
    }

    @ParameterizedTest(name = "over {0}")
    @ValueSource(strings = {"tls", "noise"})
    void javascript_of_2024_gets_on_when_it_dials(String security) {
        try (JavaNode java = JavaNode.builder()
                        .gossip()
                        .dht("/ppiofs-test/kad/1.0.0", true, "test")
                        .start();
                JsPeer old = ofTwentyFour(security)) {
            JsonNode made = old.ask("dial", "addr", java.address());
            assertThat(made.get("peer").textValue()).isEqualTo(java.id());
            assertThat(made.get("multiplexer").textValue()).isEqualTo("/yamux/1.0.0");
            getOn(java, old);
        }
    }

    @ParameterizedTest(name = "over {0}")
    @ValueSource(strings = {"tls", "noise"})
    void javascript_of_2024_gets_on_when_it_is_dialled(String security) {
        try (JavaNode java = JavaNode.builder()
                        .gossip()
                        .dht("/ppiofs-test/kad/1.0.0", true, "test")
                        .start();
                JsPeer old = ofTwentyFour(security)) {
            assertThat(java.dial(old.address()).description()).isEqualTo(security + "/yamux");
            getOn(java, old);
        }
    }

    private static JsPeer ofTwentyFour(String security) {
        return JsPeer.builder().program("peer-of-2024.mjs").security(security).start();
    }

    private static void getOn(JavaNode java, JsPeer old) {
        for (int i = 0; i < 3; i++) {
            assertThat(old.ask("ping").get("millis").isNumber()).isTrue();
            assertThat(java.ping(old.id())).isPositive();
        }
        JsonNode told = old.ask("identify");
        assertThat(told.get("agent").textValue()).startsWith("ppiofs/");
        assertThat(JsPeer.texts(told.get("signed"))).isNotEmpty();
        await().atMost(SOON)
                .until(() -> java.host()
                        .addressBook()
                        .protocols(PeerId.parse(old.id()))
                        .contains(EchoService.PROTOCOL));
        assertThat(old.ask(ECHO_LIMIT, "echo", "size", 8 * MIB).get("equal").booleanValue())
                .isTrue();
        assertThat(EchoService.call(java.host(), PeerId.parse(old.id()), 8 * MIB, 2024)
                        .equal())
                .isTrue();
        gossip(java, old);
        values(java, old);
    }

    private static void gossip(JavaNode java, JsPeer old) {
        java.subscribe(TOPIC);
        old.ask("subscribe", "topic", TOPIC);
        await().atMost(SOON).until(() -> java.mesh(TOPIC).size() == 1);
        java.publish(TOPIC, "from Java");
        old.ask("publish", "topic", TOPIC, "data", base64("from JavaScript".getBytes(UTF_8)));
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(java.received(TOPIC)).containsExactly("from JavaScript"));
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(JsPeer.texts(old.ask("received", "topic", TOPIC)))
                        .containsExactly(base64("from Java".getBytes(UTF_8))));
    }

    private static void values(JavaNode java, JsPeer old) {
        byte[] key = "/test/from 2024".getBytes(UTF_8);
        await().atMost(SOON).until(() -> java.dhtTable().contains(old.id()));
        await().atMost(SOON).until(() -> old.ask("table").intValue() == 1);
        assertThat(JsPeer.texts(old.ask("put", "key", base64(key), "value", base64("old".getBytes(UTF_8)))))
                .contains(java.id());
        assertThat(java.getValue(key)).hasValue("old");
        byte[] mine = "/test/from Java".getBytes(UTF_8);
        java.putValue(mine, "new");
        assertThat(JsPeer.texts(old.ask("get", "key", base64(mine)))).contains(base64("new".getBytes(UTF_8)));
    }

    @ParameterizedTest(name = "{0} over {1}")
    @CsvSource({"RSA, tls", "RSA, noise", "secp256k1, tls", "secp256k1, noise"})
    void a_peer_with_another_kind_of_key_is_known_by_it(String keyType, String security) {
        try (JavaNode java = JavaNode.builder()
                        .security(Security.TLS, Security.NOISE)
                        .start();
                JsPeer js = JsPeer.builder().keyType(keyType).security(security).start()) {
            Connection connection = java.dial(js.address());
            assertThat(connection.remotePeer()).hasToString(js.id());
            await().atMost(SOON)
                    .until(() -> java.host()
                            .addressBook()
                            .protocols(connection.remotePeer())
                            .contains(EchoService.PROTOCOL));
            java.host().disconnect(connection.remotePeer()).join();
            await().atMost(SOON)
                    .until(() -> js.ask("connections", "peer", java.id()).isEmpty());
            assertThat(js.ask("dial", "addr", java.address()).get("peer").textValue())
                    .isEqualTo(java.id());
            assertThat(java.ping(js.id())).isPositive();
        }
    }
}
