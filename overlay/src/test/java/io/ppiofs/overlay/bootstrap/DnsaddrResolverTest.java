package io.ppiofs.overlay.bootstrap;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.naming.CommunicationException;
import org.junit.jupiter.api.Test;

class DnsaddrResolverTest {
    private static final PeerId ONE = peer(1);
    private static final PeerId TWO = peer(2);
    private static final Multiaddr AT_ONE = Multiaddr.parse("/ip4/192.0.2.1/tcp/4001/p2p/" + ONE);
    private static final Multiaddr AT_TWO = Multiaddr.parse("/ip4/192.0.2.2/tcp/4001/p2p/" + TWO);

    private static PeerId peer(int n) {
        byte[] seed = new byte[32];
        seed[0] = (byte) n;
        return IdentityKey.ofSeed(seed).peerId();
    }

    private static List<Multiaddr> resolve(Map<String, List<String>> zone, String address) {
        return new DnsaddrResolver(name -> zone.getOrDefault(name, List.of())).resolve(Multiaddr.parse(address));
    }

    @Test
    void followsNamesAndLeavesOutWhatItDoesNotKnow() {
        Map<String, List<String>> zone = Map.of(
                "_dnsaddr.example.org",
                List.of(
                        "dnsaddr=/dnsaddr/a.example.org/p2p/" + ONE,
                        "dnsaddr=/dnsaddr/b.example.org",
                        "dnsaddr=/no/such/form",
                        "v=spf1 -all"),
                "_dnsaddr.a.example.org",
                List.of("dnsaddr=" + AT_ONE, "dnsaddr=/ip4/192.0.2.9/tcp/1"),
                "_dnsaddr.b.example.org",
                List.of("dnsaddr=" + AT_TWO));
        assertThat(resolve(zone, "/dnsaddr/Example.org")).containsExactly(AT_ONE, AT_TWO);
        assertThat(resolve(zone, "/dnsaddr/example.org/p2p/" + TWO)).containsExactly(AT_TWO);
        assertThat(resolve(zone, "/dnsaddr/nowhere.example.org")).isEmpty();
    }

    @Test
    void namesThatPointAtEachOtherOrAtManyEnd() {
        List<String> many = new ArrayList<>(List.of("dnsaddr=/dnsaddr/example.org"));
        for (int i = 0; i < 100; i++) {
            many.add("dnsaddr=/dnsaddr/x" + i + ".example.org");
            many.add("dnsaddr=/ip4/192.0.2.1/tcp/" + (i + 1) + "/p2p/" + ONE);
        }
        int[] lookups = {0};
        DnsaddrResolver resolver = new DnsaddrResolver(name -> {
            lookups[0]++;
            return many;
        });
        assertThat(resolver.resolve(Multiaddr.parse("/dnsaddr/example.org"))).hasSize(32);
        assertThat(lookups[0]).isEqualTo(16);
    }

    @Test
    void aNameThatCannotBeAskedForIsAnError() {
        DnsaddrResolver resolver = new DnsaddrResolver(name -> {
            throw new CommunicationException("no server");
        });
        assertThatThrownBy(() -> resolver.resolve(Multiaddr.parse("/dnsaddr/example.org")))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_CONNECTED));
    }

    @Test
    void realServersAreAsked() throws Exception {
        try (DatagramSocket server = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            Thread serving = new Thread(() -> serve(server, "dnsaddr=" + AT_ONE), "dns-server");
            serving.setDaemon(true);
            serving.start();
            DnsaddrResolver resolver = DnsaddrResolver.asking("dns://127.0.0.1:" + server.getLocalPort());
            assertThat(resolver.resolve(Multiaddr.parse("/dnsaddr/example.org")))
                    .containsExactly(AT_ONE);
        }
    }

    /** Answers each question with one TXT record (RFC 1035). */
    private static void serve(DatagramSocket server, String text) {
        byte[] in = new byte[512];
        try {
            while (true) {
                DatagramPacket query = new DatagramPacket(in, in.length);
                server.receive(query);
                int end = 12;
                while (in[end] != 0) {
                    end += in[end] + 1;
                }
                end += 5; // the name's end, type and class
                ByteArrayOutputStream out = new ByteArrayOutputStream();
                out.write(in, 0, 2);
                out.writeBytes(new byte[] {(byte) 0x85, (byte) 0x80, 0, 1, 0, 1, 0, 0, 0, 0});
                out.write(in, 12, end - 12);
                byte[] bytes = text.getBytes(US_ASCII);
                out.writeBytes(new byte[] {(byte) 0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, (byte) (bytes.length + 1)});
                out.write(bytes.length);
                out.writeBytes(bytes);
                server.send(new DatagramPacket(out.toByteArray(), out.size(), query.getSocketAddress()));
            }
        } catch (SocketException e) {
            // the test is over
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
