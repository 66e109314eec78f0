package io.ppiofs.overlay.mdns;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

class MdnsFuzzTest {
    static Stream<byte[]> packets() {
        byte[] query = DnsMessage.query("_p2p._udp.local").encode();
        byte[] text = "dnsaddr=/ip4/192.0.2.7/tcp/4001".getBytes(UTF_8);
        byte[] answer = DnsMessage.answer("_p2p._udp.local", "abc._p2p._udp.local", List.of(text))
                .encode();
        byte[] pointing = Arrays.copyOf(query, query.length);
        pointing[12] = (byte) 0xc0; // a name that points to itself
        pointing[13] = 12;
        return Stream.of(query, answer, pointing, Arrays.copyOf(answer, answer.length - 3));
    }

    /** Anybody on the local network can send one. */
    @MethodSource("packets")
    @FuzzTest(maxDuration = "60s")
    void a_packet(byte[] bytes) {
        DnsMessage.decode(bytes, bytes.length).ifPresent(message -> {
            assertThat(message.questions().size()
                            + message.pointers().size()
                            + message.texts().size())
                    .isLessThanOrEqualTo(bytes.length);
            for (DnsMessage.Txt txt : message.texts()) {
                assertThat(txt.strings().stream().mapToInt(one -> one.length).sum())
                        .isLessThanOrEqualTo(bytes.length);
            }
        });
        DnsMessage.decode(bytes, bytes.length / 2); // less has come than the buffer holds
    }
}
