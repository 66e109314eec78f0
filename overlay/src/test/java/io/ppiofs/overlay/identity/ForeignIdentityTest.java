package io.ppiofs.overlay.identity;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.overlay.fuzz.JsLibp2p;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Keys and records as js-libp2p writes them. */
class ForeignIdentityTest {
    private static final IdentityKey KEY = IdentityKey.parse(JsLibp2p.bytes("key"));

    @Test
    void its_key_is_the_key_of_the_seed() {
        byte[] seed = new byte[32];
        Arrays.fill(seed, (byte) 1);
        assertThat(KEY.peerId()).isEqualTo(IdentityKey.ofSeed(seed).peerId());
        assertThat(KEY.toBytes()).isEqualTo(JsLibp2p.bytes("key"));
        assertThat(KEY.publicKey().toBytes()).isEqualTo(JsLibp2p.bytes("public-key"));
    }

    @Test
    void its_peer_record_opens_and_ours_is_the_same() {
        PeerRecord record = PeerRecord.open(JsLibp2p.bytes("peer-record"));
        assertThat(record.peer()).isEqualTo(KEY.peerId());
        assertThat(record.sequence()).isEqualTo(7);
        assertThat(record.addresses())
                .extracting(Multiaddr::toString)
                .startsWith("/ip4/192.0.2.7/tcp/4001", "/ip6/2001:db8::1/udp/4001/quic-v1")
                .hasSize(3);
        assertThat(record.seal(KEY).toBytes()).isEqualTo(JsLibp2p.bytes("peer-record"));
    }
}
