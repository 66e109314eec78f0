package io.ppiofs.tests.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.netty.buffer.Unpooled;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Where implementations of the same specification like to differ: odd lengths, many addresses, refusals, news, resets. */
class CornersInteropTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final ProtocolId NOBODYS = new ProtocolId("/ppiofs-test/nobodys/1.0.0");
    private static final ProtocolId LATE = new ProtocolId("/ppiofs-test/late/1.0.0");

    @Test
    void a_ping_of_seventy_bytes_gets_its_two_whole_blocks_back() {
        try (JavaNode java = JavaNode.builder().start();
                JsPeer js = JsPeer.builder().start()) {
            byte[] sent = new byte[70];
            new Random(70).nextBytes(sent);
            JsonNode answer = js.ask(
                    "request", "addr", java.address(), "protocol", "/ipfs/ping/1.0.0", "data", JsPeer.base64(sent));
            assertThat(JsPeer.bytes(answer.get("data"))).isEqualTo(Arrays.copyOf(sent, 64));
        }
    }

    @Test
    void fifty_pings_on_one_stream_are_answered() {
        try (JavaNode java = JavaNode.builder().start();
                JsPeer js = JsPeer.builder().start()) {
            js.ask("dial", "addr", java.address());
            assertThat(js.ask("pings", "peer", java.id(), "count", 50)
                            .get("right")
                            .intValue())
                    .isEqualTo(50);
        }
    }

    @Test
    void a_peer_with_a_hundred_and_twenty_addresses_is_identified() {
        String[] many = IntStream.range(0, 120)
                .mapToObj(i -> "/ip4/10.7." + i + ".9/tcp/4001")
                .toArray(String[]::new);
        try (JavaNode java = JavaNode.builder().start();
                JsPeer js = JsPeer.builder().announce(many).start()) {
            js.ask("dial", "addr", java.address());
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(protocols(java, js)).contains(EchoService.PROTOCOL));
            assertThat(java.host().addressBook().addresses(PeerId.parse(js.id())))
                    .isNotEmpty()
                    .hasSizeLessThan(120);
        }
    }

    @Test
    void a_protocol_that_the_other_does_not_speak_is_passed_over() {
        try (JavaNode java = JavaNode.builder().start();
                JsPeer js = JsPeer.builder().start()) {
            JsonNode opened = js.ask("open", "addr", java.address(), "protocols", List.of(NOBODYS.name(), JsPeer.ECHO));
            assertThat(opened.get("protocol").textValue()).isEqualTo(JsPeer.ECHO);
            Stream stream = JavaNode.get(java.host()
                    .open(PeerId.parse(js.id()), List.of(NOBODYS, EchoService.PROTOCOL), OpenOptions.DEFAULT));
            assertThat(stream.protocol()).isEqualTo(EchoService.PROTOCOL);
            stream.reset();
        }
    }

    @Test
    void each_hears_of_a_protocol_that_the_other_serves_later() {
        try (JavaNode java = JavaNode.builder().start();
                JsPeer js = JsPeer.builder().start()) {
            js.ask("dial", "addr", java.address());
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(protocols(java, js)).contains(EchoService.PROTOCOL));
            java.host().handle(LATE, HandlerOptions.DEFAULT, Stream::reset);
            js.ask("handle", "protocol", LATE.name());
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(protocols(java, js)).contains(LATE));
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(JsPeer.texts(
                                    js.ask("peer", "peer", java.id()).get("protocols")))
                            .contains(LATE.name()));
        }
    }

    @Test
    void streams_reset_in_the_middle_leave_the_connection_whole() {
        try (JavaNode java = JavaNode.builder().start();
                JsPeer js = JsPeer.builder().start()) {
            js.ask("dial", "addr", java.address());
            for (int i = 0; i < 50; i++) {
                Stream stream = JavaNode.get(java.host().open(PeerId.parse(js.id()), EchoService.PROTOCOL));
                stream.write(Unpooled.wrappedBuffer(new byte[100_000]));
                stream.reset();
            }
            assertThat(java.ping(js.id())).isPositive();
            assertThat(js.ask("echo", "peer", java.id(), "size", 1 << 20)
                            .get("equal")
                            .booleanValue())
                    .isTrue();
            assertThat(java.connections(js.id())).hasSize(1);
        }
    }

    private static Set<ProtocolId> protocols(JavaNode java, JsPeer js) {
        return java.host().addressBook().protocols(PeerId.parse(js.id()));
    }
}
