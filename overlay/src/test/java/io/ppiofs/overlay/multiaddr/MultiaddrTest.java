package io.ppiofs.overlay.multiaddr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import java.net.InetSocketAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MultiaddrTest {
    private static final String PEER = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/ip4/127.0.0.1/tcp/4001",
                "/ip4/0.0.0.0/udp/0/quic-v1",
                "/ip6/::1/tcp/65535",
                "/ip6/2001:db8::7/udp/9/quic-v1/p2p/" + PEER,
                "/ip6/0:0:0:0:0:ffff:102:304/tcp/1",
                "/dns4/example.org/tcp/443/tls/sni/example.org/ws",
                "/ip4/192.0.2.1/tcp/4001/p2p/" + PEER + "/p2p-circuit/p2p/" + PEER,
                "/ip6zone/eth0/ip6/fe80::1/tcp/1",
                "/p2p/" + PEER,
                "/ip4/1.2.3.4/udp/4/quic-v1/webtransport/certhash/uEiAsGPzpiPGQzSlVHRXrUCT5EkTV7YFrV4VZ3hpEKTd_zg"
            })
    void textAndBinaryFormGoBothWays(String text) {
        Multiaddr address = Multiaddr.parse(text);
        assertThat(address).hasToString(text);
        assertThat(Multiaddr.read(address.toBytes())).contains(address);
        assertThat(Multiaddr.read(address.toBytes()).orElseThrow()).hasToString(text);
    }

    @Test
    void theBinaryFormIsTheSpecifications() {
        assertThat(HexFormat.of()
                        .formatHex(Multiaddr.parse("/ip4/127.0.0.1/udp/1234").toBytes()))
                .isEqualTo("047f000001910204d2");
        assertThat(HexFormat.of()
                        .formatHex(Multiaddr.parse("/ip4/127.0.0.1/tcp/4001").toBytes()))
                .isEqualTo("047f000001060fa1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "ip4/1.2.3.4",
                "/ip4",
                "/ip4/1.2.3",
                "/ip4/::1/tcp/1",
                "/ip4/1.2.3.4/tcp",
                "/ip4/1.2.3.4/tcp/65536",
                "/ip4/1.2.3.4/tcp/-1",
                "/ip4/1.2.3.4/tcp/x",
                "/foo/1",
                "/p2p/x",
                "/dns//tcp/1",
                "/ip4/1.2.3.4/tcp/+1",
                "/ip6/gg::/tcp/1"
            })
    void malformedTextIsRefusedInOneSentence(String text) {
        assertThatThrownBy(() -> Multiaddr.parse(text))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
    }

    @Test
    void foreignBytesAreAnAddressOrNothing() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] good = Multiaddr.parse("/ip4/192.0.2.1/tcp/4001/p2p/" + PEER).toBytes();
        int read = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = good.clone();
            for (int flips = random.nextInt(4); flips >= 0; flips--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            Optional<Multiaddr> address = Multiaddr.read(bytes);
            read += address.isPresent() ? 1 : 0;
            address.ifPresent(a -> assertThat(Multiaddr.parse(a.toString()).parts())
                    .as("seed %d", seed)
                    .isEqualTo(a.parts()));
        }
        assertThat(read).isPositive();
        assertThat(Multiaddr.read(new byte[2_000])).isEmpty();
    }

    @Test
    void thePeerIsPutOnAndTakenOff() {
        PeerId peer = PeerId.parse(PEER);
        Multiaddr bare = Multiaddr.parse("/ip4/192.0.2.1/tcp/4001");
        assertThat(bare.peer()).isEmpty();
        assertThat(bare.withPeer(peer).peer()).contains(peer);
        assertThat(bare.withPeer(peer).withPeer(peer)).isEqualTo(bare.withPeer(peer));
        assertThat(bare.withPeer(peer).withoutPeer()).isEqualTo(bare);
        assertThat(bare.withoutPeer()).isEqualTo(bare);
        Multiaddr circuit = bare.withPeer(peer).with(Multiaddr.parse("/p2p-circuit"));
        assertThat(circuit.peer()).isEmpty();
        assertThat(circuit.has(AddressProtocol.P2P_CIRCUIT)).isTrue();
    }

    @Test
    void socketAddressesComeAndGo() {
        InetSocketAddress socket = new InetSocketAddress("192.0.2.9", 77);
        assertThat(Multiaddr.tcp(socket)).hasToString("/ip4/192.0.2.9/tcp/77");
        assertThat(Multiaddr.quic(socket)).hasToString("/ip4/192.0.2.9/udp/77/quic-v1");
        assertThat(Multiaddr.tcp(socket).socketAddress()).isEqualTo(socket);
        for (String none : List.of("/dns4/a.example/tcp/1", "/p2p/" + PEER, "/ip4/1.2.3.4")) {
            assertThat(Multiaddr.parse(none).socketAddress()).isNull();
        }
    }
}
