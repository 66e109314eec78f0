package io.ppiofs.overlay.dht;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.io.BaseEncoding;
import com.google.protobuf.ByteString;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.wire.KadWire;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bytes worked out by hand from the specification: field number and wire type, length, content. */
class DhtMessageTest {
    private static final byte[] KEY = DhtNetwork.key("/test/k");
    private static final String KEY_HEX = "1207" + "2f746573742f6b"; // field 2
    private static final PeerId PEER = IdentityKey.ofSeed(new byte[32]).peerId();
    private static final String PEER_HEX = "002408011220" // multihash: identity of 36 bytes: Ed25519 key of 32
            + "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
    private static final Multiaddr ADDRESS = Multiaddr.parse("/ip4/192.0.2.7/tcp/4001");
    private static final String PEER_FIELDS = "0a26" + PEER_HEX + "1208" + "04c0000207060fa1";

    private static String hex(DhtMessage message) {
        return BaseEncoding.base16().lowerCase().encode(message.encode());
    }

    private static byte[] bytes(String hex) {
        return BaseEncoding.base16().lowerCase().decode(hex);
    }

    @ParameterizedTest
    @CsvSource({"GET_VALUE, 0801", "GET_PROVIDERS, 0803", "FIND_NODE, 0804"})
    void requestsAreATypeAndAKey(DhtMessage.Type type, String typeHex) {
        assertThat(hex(DhtMessage.request(type, KEY))).isEqualTo(typeHex + KEY_HEX);
        DhtMessage back = DhtMessage.decode(bytes(typeHex + KEY_HEX));
        assertThat(back.type()).isEqualTo(type);
        assertThat(back.key()).isEqualTo(KEY);
        assertThat(back.record()).isNull();
    }

    @Test
    void aPingIsItsTypeOnly() {
        assertThat(hex(DhtMessage.request(DhtMessage.Type.PING, new byte[0]))).isEqualTo("0805");
    }

    @Test
    void aPutSaysItsTypeAlthoughItIsZeroAndCarriesARecord() {
        String time = BaseEncoding.base16().lowerCase().encode(DhtNetwork.key("2026-11-20T15:00:00.123000000Z"));
        String record = "0a07" + "2f746573742f6b" + "1203" + "616263" + "2a1e" + time;
        String expected = "0800" + KEY_HEX + "1a2e" + record;
        DhtMessage put = DhtMessage.put(KEY, DhtNetwork.key("abc"), 1_795_186_800_123L);
        assertThat(hex(put)).isEqualTo(expected);
        DhtMessage withoutType = DhtMessage.decode(bytes(expected.substring(4)));
        assertThat(withoutType.type()).isEqualTo(DhtMessage.Type.PUT_VALUE);
        assertThat(withoutType.record().value()).isEqualTo(DhtNetwork.key("abc"));
    }

    @Test
    void anAddProviderNamesItsSender() {
        DhtMessage add = new DhtMessage(
                DhtMessage.Type.ADD_PROVIDER,
                KEY,
                null,
                List.of(),
                List.of(DhtMessage.Peer.of(PEER, List.of(ADDRESS))));
        assertThat(hex(add)).isEqualTo("0802" + KEY_HEX + "4a32" + PEER_FIELDS); // field 9
    }

    @Test
    void anAnswerNamesPeersAndWhatJsSendsIsUnderstood() {
        DhtMessage answer = new DhtMessage(
                DhtMessage.Type.FIND_NODE, KEY, null, List.of(DhtMessage.Peer.of(PEER, List.of(ADDRESS))), List.of());
        assertThat(hex(answer)).isEqualTo("0804" + KEY_HEX + "4232" + PEER_FIELDS); // field 8
        String connected = "0804" + KEY_HEX + "4234" + PEER_FIELDS + "1801" + "5001"; // connection 3, cluster level 10
        DhtMessage back = DhtMessage.decode(bytes(connected));
        assertThat(back.closer()).hasSize(1);
        assertThat(back.closer().get(0).id()).isEqualTo(PEER);
        assertThat(back.closer().get(0).addresses()).containsExactly(ADDRESS);
    }

    @Test
    void tooManyPeersAndAddressesAreCutAndUnknownOnesLeftOut() {
        KadWire.KadPeer.Builder peer = KadWire.KadPeer.newBuilder().setId(ByteString.copyFrom(PEER.toBytes()));
        for (int i = 0; i < 50; i++) {
            peer.addAddrs(ByteString.copyFrom(
                    Multiaddr.parse("/ip4/192.0.2.7/tcp/" + i).toBytes()));
        }
        KadWire.KadMessage.Builder wire = KadWire.KadMessage.newBuilder().setType(4);
        wire.addCloserPeers(KadWire.KadPeer.newBuilder().setId(ByteString.copyFromUtf8("not a peer id")));
        for (int i = 0; i < 50; i++) {
            wire.addCloserPeers(peer);
        }
        DhtMessage message = DhtMessage.decode(wire.build().toByteArray());
        assertThat(message.closer()).hasSize(DhtMessage.MAX_PEERS);
        assertThat(message.closer().get(0).rawAddresses()).hasSize(DhtMessage.MAX_ADDRESSES);
    }

    @Test
    void whatPassesABoundIsRefused() {
        refused("0806", "unknown message type 6");
        refused("08ffffffffffffffffff01", "unknown message type -1");
        refused("0804ff", "not a protobuf message");
        refused(
                hex(DhtMessage.request(DhtMessage.Type.FIND_NODE, new byte[DhtMessage.MAX_KEY + 1])),
                "longer than 256");
        refused(hex(DhtMessage.put(KEY, new byte[DhtMessage.MAX_VALUE + 1], 0)), "too long");
        assertThatThrownBy(() -> DhtMessage.decode(new byte[DhtMessage.MAX_BYTES + 1]))
                .hasMessageContaining("more than");
    }

    private static void refused(String hex, String why) {
        assertThatThrownBy(() -> DhtMessage.decode(bytes(hex)))
                .isInstanceOf(PpiofsException.class)
                .hasMessageContaining(why);
    }

    @Test
    void noBytesMakeTheDecoderFailInAnotherWay() {
        long seed = new Random().nextLong();
        System.out.println("random messages, seed " + seed);
        Random random = new Random(seed);
        byte[] valid = new DhtMessage(
                        DhtMessage.Type.GET_VALUE,
                        KEY,
                        new DhtMessage.Value(KEY, KEY, 0),
                        List.of(DhtMessage.Peer.of(PEER, List.of(ADDRESS))),
                        List.of())
                .encode();
        List<String> accepted = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            byte[] mutated = valid.clone();
            for (int n = 1 + random.nextInt(4); n > 0; n--) {
                mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(256);
            }
            try {
                DhtMessage message = DhtMessage.decode(mutated);
                message.closer().forEach(DhtMessage.Peer::addresses);
                accepted.add(message.type().name());
            } catch (PpiofsException e) {
                assertThat(e.kind()).isEqualTo(io.ppiofs.error.ErrorKind.CORRUPT);
            }
        }
        assertThat(accepted).isNotEmpty();
    }
}
