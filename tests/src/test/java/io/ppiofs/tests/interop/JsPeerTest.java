package io.ppiofs.tests.interop;

import static io.ppiofs.tests.interop.JsPeer.base64;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;

/** The foreign peer itself: if two of them do not get on, a failure elsewhere in this package says nothing of the overlay. */
class JsPeerTest {
    @Test
    void two_javascript_peers_connect_ping_and_echo() {
        try (JsPeer a = JsPeer.builder().security("tls").start();
                JsPeer b = JsPeer.builder().security("tls", "noise").start()) {
            JsonNode connection = a.ask("dial", "addr", b.address());
            assertThat(connection.get("encryption").textValue()).isEqualTo("/tls/1.0.0");
            assertThat(a.ask("ping", "peer", b.id()).get("millis").doubleValue())
                    .isNotNegative();
            assertThat(a.ask("echo", "peer", b.id(), "size", 1 << 20)
                            .get("equal")
                            .booleanValue())
                    .isTrue();
        }
    }

    @Test
    void an_error_of_the_javascript_side_is_told() {
        try (JsPeer peer = JsPeer.builder().start()) {
            assertThatThrownBy(() -> peer.ask("put", "key", base64("/test/a".getBytes(UTF_8)), "value", ""))
                    .isInstanceOf(JsPeer.JsError.class)
                    .hasMessageStartingWith("put: TypeError");
            assertThatThrownBy(() -> peer.ask("juggle"))
                    .isInstanceOf(JsPeer.JsError.class)
                    .hasMessageContaining("no command juggle");
        }
    }
}
