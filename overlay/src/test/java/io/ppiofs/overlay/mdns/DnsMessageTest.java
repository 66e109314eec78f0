package io.ppiofs.overlay.mdns;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DnsMessageTest {
    private static final String SERVICE = "_p2p._udp.local";

    @Test
    void readsWhatItWrites() {
        byte[] text = "dnsaddr=/ip4/192.0.2.1/tcp/1".getBytes(UTF_8);
        byte[] bytes =
                DnsMessage.answer(SERVICE, "abc." + SERVICE, List.of(text)).encode();
        DnsMessage read = DnsMessage.decode(bytes, bytes.length).orElseThrow();
        assertThat(read.response()).isTrue();
        assertThat(read.pointers()).containsExactly(new DnsMessage.Ptr(SERVICE, "abc." + SERVICE));
        assertThat(read.texts().get(0).name()).isEqualTo("abc." + SERVICE);
        assertThat(read.texts().get(0).strings().get(0)).isEqualTo(text);
        byte[] query = DnsMessage.query(SERVICE).encode();
        assertThat(DnsMessage.decode(query, query.length).orElseThrow().questions())
                .containsExactly(new DnsMessage.Question(SERVICE, DnsMessage.PTR));
    }

    @Test
    void followsCompressedNames() {
        // header of a response with one PTR; its name at 12, the target "x" + pointer to 12
        byte[] head = {0, 0, (byte) 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0};
        byte[] name = {4, '_', 'p', '2', 'p', 4, '_', 'u', 'd', 'p', 5, 'l', 'o', 'c', 'a', 'l', 0};
        byte[] rest = {0, 12, 0, 1, 0, 0, 0, 9, 0, 4, 1, 'X', (byte) 0xc0, 12};
        byte[] whole = com.google.common.primitives.Bytes.concat(head, name, rest);
        assertThat(DnsMessage.decode(whole, whole.length).orElseThrow().pointers())
                .containsExactly(new DnsMessage.Ptr(SERVICE, "x." + SERVICE));
    }

    @Test
    void refusesNamesThatLoop() {
        byte[] loop = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, (byte) 0xc0, 12, 0, 12, 0, 1};
        assertThat(DnsMessage.decode(loop, loop.length)).isEmpty();
    }

    @Test
    void survivesNoise() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] good = DnsMessage.answer(SERVICE, "abc." + SERVICE, List.of(new byte[200]))
                .encode();
        int read = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] noise = good.clone();
            for (int n = random.nextInt(6); n >= 0; n--) {
                noise[random.nextInt(noise.length)] = (byte) random.nextInt();
            }
            read += DnsMessage.decode(noise, random.nextInt(noise.length + 1)).isPresent() ? 1 : 0;
        }
        assertThat(read).as("seed %d", seed).isLessThan(20_000);
    }

    @Test
    void namesTheServiceAfterTheNetwork() {
        assertThat(LocalDiscovery.serviceName("")).isEqualTo(SERVICE);
        assertThat(LocalDiscovery.serviceName("A".repeat(90))).isEqualTo("_" + "a".repeat(62) + "._udp.local");
    }
}
