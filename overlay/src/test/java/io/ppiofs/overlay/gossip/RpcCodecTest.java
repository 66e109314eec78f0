package io.ppiofs.overlay.gossip;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.overlay.identity.IdentityKey;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RpcCodecTest {
    private static final HexFormat HEX = HexFormat.of();
    private static final byte[] PEER = peer();

    @Test
    void a_frame_is_that_of_the_specification() throws IOException {
        byte[] golden = golden("rpc");
        Rpc rpc = everything();
        assertThat(HEX.formatHex(RpcCodec.encode(rpc))).isEqualTo(HEX.formatHex(golden));
        Rpc read = RpcCodec.decode(golden);
        assertThat(read.topics).isEqualTo(rpc.topics);
        assertThat(read.messages).isEqualTo(rpc.messages);
        assertThat(read.have.get(0).topic()).isEqualTo("heads");
        assertThat(read.have.get(0).ids()).hasSize(2);
        assertThat(read.want.get(1)).containsExactly(1, 2, 3);
        assertThat(read.graft).containsExactly("heads", "tails");
        assertThat(read.prune.get(0).backoffSeconds()).isEqualTo(60);
        assertThat(read.prune.get(0).peers().get(0).signedRecord()).isEqualTo("record".getBytes(US_ASCII));
        assertThat(read.prune.get(0).peers().get(1).signedRecord()).isEmpty();
        assertThat(read.prune.get(1).backoffSeconds()).isZero();
        assertThat(read.dontWant).hasSize(1);
        assertThat(read.excess).isZero();
    }

    @Test
    void a_signed_message_is_that_of_the_specification() throws IOException {
        byte[] seed = new byte[32];
        Arrays.fill(seed, (byte) 2);
        Signatures signatures = new Signatures(SignaturePolicy.STRICT_SIGN, IdentityKey.ofSeed(seed));
        Message message = signatures.make("heads", "hello".getBytes(US_ASCII), 0x0102030405060708L);
        byte[] encoded = RpcCodec.encode(message);
        assertThat(HEX.formatHex(encoded)).isEqualTo(HEX.formatHex(golden("signed-message")));
        assertThat(signatures.verify(message)).isTrue();
        assertThat(signatures.id(message).toBytes())
                .startsWith(IdentityKey.ofSeed(seed).peerId().toBytes())
                .endsWith(1, 2, 3, 4, 5, 6, 7, 8);
    }

    @Test
    void fields_that_are_not_known_are_passed_over() throws IOException {
        byte[] golden = golden("rpc");
        byte[] more = Arrays.copyOf(golden, golden.length + 6);
        System.arraycopy(
                new byte[] {(byte) 0xa8, 1, 5, 0x52, 1, 7}, 0, more, golden.length, 6); // 21: varint, 10: bytes
        Rpc read = RpcCodec.decode(more);
        assertThat(read.messages).isEqualTo(everything().messages);
        // field 2 (a message) as a varint is another field
        assertThat(RpcCodec.decode(new byte[] {0x10, 1}).isEmpty()).isTrue();
    }

    @Test
    void entries_beyond_a_limit_are_counted_and_not_kept() throws IOException {
        Rpc rpc = new Rpc();
        for (int i = 0; i < 6_000; i++) {
            rpc.want.add(new byte[] {1});
            rpc.dontWant.add(new byte[] {1});
            rpc.graft.add("t");
        }
        rpc.want.set(0, new byte[MessageId.MAX_LENGTH + 1]);
        rpc.topics.add(new Rpc.Topic(true, "x".repeat(RpcCodec.MAX_TOPIC_BYTES + 1)));
        Rpc read = RpcCodec.decode(RpcCodec.encode(rpc));
        assertThat(read.want).hasSize(RpcCodec.MAX_IDS);
        assertThat(read.dontWant).hasSize(RpcCodec.MAX_DONT_WANT);
        assertThat(read.graft).hasSize(RpcCodec.MAX_GRAFTS);
        assertThat(read.topics).isEmpty();
        assertThat(read.excess)
                .isEqualTo(3 * 6_000 - RpcCodec.MAX_IDS - RpcCodec.MAX_DONT_WANT - RpcCodec.MAX_GRAFTS + 1);
    }

    @Test
    void damaged_frames_are_refused_or_read_but_never_more() throws IOException {
        byte[] golden = golden("rpc");
        long seed = new Random().nextLong();
        System.out.println("RpcCodecTest seed " + seed);
        Random random = new Random(seed);
        int refused = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] damaged = Arrays.copyOf(golden, 1 + random.nextInt(golden.length));
            for (int j = random.nextInt(4); j >= 0; j--) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            }
            try {
                RpcCodec.encode(RpcCodec.decode(damaged));
            } catch (IOException e) {
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(5_000);
        byte[] cut = Arrays.copyOf(golden, golden.length - 1);
        assertThatThrownBy(() -> RpcCodec.decode(cut)).isInstanceOf(IOException.class);
    }

    private static Rpc everything() {
        Rpc rpc = new Rpc();
        rpc.topics.add(new Rpc.Topic(true, "heads"));
        rpc.topics.add(new Rpc.Topic(false, "tails"));
        byte[] signature = new byte[64];
        Arrays.fill(signature, (byte) 9);
        rpc.messages.add(new Message(
                PEER, "hello".getBytes(US_ASCII), new byte[] {0, 1, 2, 3, 4, 5, 6, 7}, "heads", signature, null));
        rpc.messages.add(new Message(null, new byte[0], null, "t", null, null));
        byte[] first = Arrays.copyOf(PEER, PEER.length + 8);
        byte[] second = {1, 2, 3};
        rpc.have.add(new Rpc.Have("heads", List.of(first, second)));
        rpc.want.addAll(List.of(first, second));
        rpc.graft.addAll(List.of("heads", "tails"));
        Rpc.Referral known = new Rpc.Referral(PEER, "record".getBytes(US_ASCII));
        Rpc.Referral unknown = new Rpc.Referral(PEER, new byte[0]);
        rpc.prune.add(new Rpc.Prune("heads", List.of(known, unknown), 60));
        rpc.prune.add(new Rpc.Prune("tails", List.of(), 0));
        rpc.dontWant.add(first);
        return rpc;
    }

    private static byte[] peer() {
        byte[] peer = new byte[38];
        Arrays.fill(peer, (byte) 7);
        System.arraycopy(HEX.parseHex("002408011220"), 0, peer, 0, 6);
        return peer;
    }

    private static byte[] golden(String name) throws IOException {
        try (InputStream in = RpcCodecTest.class.getResourceAsStream(name + ".hex")) {
            assertThat(in).as(name).isNotNull();
            return HEX.parseHex(new String(in.readAllBytes(), US_ASCII).replaceAll("\\s", ""));
        }
    }
}
