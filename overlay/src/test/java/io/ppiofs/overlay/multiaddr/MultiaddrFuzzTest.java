package io.ppiofs.overlay.multiaddr;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.overlay.fuzz.Decoding;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

class MultiaddrFuzzTest {
    private static final String RELAYED = "/ip6/2001:db8::1/udp/4001/quic-v1/p2p/"
            + "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq/p2p-circuit/p2p/"
            + "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq";

    static Stream<byte[]> texts() {
        return Stream.of(
                        "/ip4/192.0.2.7/tcp/4001",
                        RELAYED,
                        "/dns4/example.org/tcp/443",
                        "/ip6zone/eth0/ip6/fe80::1/tcp/1")
                .map(text -> text.getBytes(UTF_8));
    }

    static Stream<byte[]> binaries() {
        return texts().flatMap(text -> Decoding.of(() -> Multiaddr.parse(new String(text, UTF_8))).stream())
                .map(Multiaddr::toBytes);
    }

    @MethodSource("binaries")
    @FuzzTest(maxDuration = "60s")
    void a_binary_multiaddr(byte[] bytes) {
        Multiaddr.read(bytes).ifPresent(MultiaddrFuzzTest::survives);
    }

    @MethodSource("texts")
    @FuzzTest(maxDuration = "60s")
    void the_text_of_a_multiaddr(byte[] bytes) {
        Decoding.of(() -> Multiaddr.parse(new String(bytes, UTF_8))).ifPresent(MultiaddrFuzzTest::survives);
    }

    private static void survives(Multiaddr address) {
        Multiaddr again = Multiaddr.parse(address.toString());
        assertThat(again).hasToString(address.toString());
        assertThat(Multiaddr.read(again.toBytes())).contains(again);
        address.peer();
        address.withoutPeer();
        address.socketAddress();
    }
}
