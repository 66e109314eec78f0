package io.ppiofs.overlay.dht;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.overlay.fuzz.Decoding;
import io.ppiofs.overlay.fuzz.JsLibp2p;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;

class DhtFuzzTest {
    static Stream<byte[]> messages() {
        return JsLibp2p.all(
                "kad-put",
                "kad-get",
                "kad-get-answer",
                "kad-add-provider",
                "kad-get-providers",
                "kad-get-providers-answer",
                "kad-find-node",
                "kad-find-node-answer",
                "kad-ping");
    }

    @MethodSource("messages")
    @FuzzTest(maxDuration = "60s")
    void a_message(byte[] bytes) {
        Decoding.of(() -> DhtMessage.decode(bytes)).ifPresent(message -> {
            byte[] encoded = message.encode();
            assertThat(DhtMessage.decode(encoded).encode()).isEqualTo(encoded);
            message.closer().forEach(DhtMessage.Peer::addresses);
            message.providers().forEach(DhtMessage.Peer::addresses);
        });
    }

    @Test
    void a_put_of_javascript_is_read() {
        DhtMessage put = DhtMessage.decode(JsLibp2p.bytes("kad-put"));
        assertThat(put.type()).isEqualTo(DhtMessage.Type.PUT_VALUE);
        assertThat(put.key()).asString(UTF_8).isEqualTo("/test/name");
        assertThat(put.record()).isNotNull();
        assertThat(put.record().key()).asString(UTF_8).isEqualTo("/test/name");
        assertThat(put.record().value()).asString(UTF_8).isEqualTo("value");
    }

    @Test
    void providers_and_closer_peers_of_javascript_are_read() {
        DhtMessage answer = DhtMessage.decode(JsLibp2p.bytes("kad-get-providers-answer"));
        assertThat(answer.type()).isEqualTo(DhtMessage.Type.GET_PROVIDERS);
        assertThat(answer.closer()).hasSize(1);
        assertThat(answer.providers()).hasSize(1);
        assertThat(answer.providers().get(0).addresses()).hasSize(3);
    }
}
