package io.ppiofs.overlay.identity;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.overlay.fuzz.Decoding;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

class IdentityFuzzTest {
    private static final IdentityKey KEY = IdentityKey.ofSeed(new byte[32]);

    static Stream<byte[]> peerIds() {
        return Stream.of(KEY.peerId().toBytes(), new byte[] {0x12, 0x20});
    }

    @MethodSource("peerIds")
    @FuzzTest(maxDuration = "60s")
    void a_binary_peer_id(byte[] bytes) {
        Decoding.of(() -> PeerId.fromBytes(bytes)).ifPresent(peer -> {
            assertThat(peer.toBytes()).isEqualTo(bytes);
            assertThat(PeerId.parse(peer.toString())).isEqualTo(peer);
            PublicKey key = Decoding.of(peer::inlineKey).orElse(null);
            if (key != null) {
                assertThat(peer.names(key)).isTrue();
            }
        });
    }

    static Stream<byte[]> texts() {
        return Stream.of(
                        "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
                        "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
                        "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe")
                .map(text -> text.getBytes(UTF_8));
    }

    @MethodSource("texts")
    @FuzzTest(maxDuration = "60s")
    void the_text_of_a_peer_id(byte[] bytes) {
        String text = new String(bytes, UTF_8);
        Decoding.of(() -> PeerId.parse(text))
                .ifPresent(peer -> assertThat(PeerId.parse(peer.toString())).isEqualTo(peer));
    }

    static Stream<byte[]> keys() {
        return Stream.of(KEY.publicKey().toBytes(), new byte[] {0x08, 0x00, 0x12, 0x02, 0x30, 0x00});
    }

    @MethodSource("keys")
    @FuzzTest(maxDuration = "60s")
    void a_public_key(byte[] bytes) {
        Decoding.of(() -> PublicKey.parse(bytes)).ifPresent(key -> {
            assertThat(PublicKey.parse(key.toBytes())).isEqualTo(key);
            assertThat(key.verify("message".getBytes(UTF_8), bytes)).isFalse();
        });
    }

    static Stream<byte[]> privateKeys() {
        return Stream.of(KEY.toBytes());
    }

    @MethodSource("privateKeys")
    @FuzzTest(maxDuration = "60s")
    void a_private_key(byte[] bytes) {
        Decoding.of(() -> IdentityKey.parse(bytes))
                .ifPresent(key ->
                        assertThat(IdentityKey.parse(key.toBytes()).peerId()).isEqualTo(key.peerId()));
    }

    static Stream<byte[]> records() {
        PeerRecord record = new PeerRecord(KEY.peerId(), 7, List.of(Multiaddr.parse("/ip4/192.0.2.7/tcp/4001")));
        byte[] sealed = record.seal(KEY).toBytes();
        return Stream.of(sealed, Arrays.copyOf(sealed, sealed.length - 1));
    }

    @MethodSource("records")
    @FuzzTest(maxDuration = "60s")
    void a_signed_peer_record(byte[] bytes) {
        // only the key's owner can make one that opens, and the fuzzer does not have the key's signatures of other
        // records
        Decoding.of(() -> PeerRecord.open(bytes))
                .ifPresent(record -> assertThat(record.peer()).isNotNull());
    }

    static Stream<byte[]> payloads() {
        PeerRecord record = new PeerRecord(KEY.peerId(), 7, List.of(Multiaddr.parse("/ip4/192.0.2.7/tcp/4001")));
        return Stream.of(record.seal(KEY).payload());
    }

    /** The payload behind a signature that holds: what a hostile peer with a key of its own can send. */
    @MethodSource("payloads")
    @FuzzTest(maxDuration = "60s")
    void the_payload_of_a_peer_record(byte[] bytes) {
        byte[] sealed = Envelope.seal(KEY, PeerRecord.DOMAIN, new byte[] {0x03, 0x01}, bytes)
                .toBytes();
        Decoding.of(() -> PeerRecord.open(sealed))
                .ifPresent(record -> assertThat(record.peer()).isEqualTo(KEY.peerId()));
    }
}
