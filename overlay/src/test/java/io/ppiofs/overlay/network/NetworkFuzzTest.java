package io.ppiofs.overlay.network;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.fuzz.Decoding;
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Records of a network: what lies behind a signature that holds, because a hostile member signs what it likes. */
class NetworkFuzzTest {
    private static final MembershipAuthority AUTHORITY = Example.authority();
    private static final MembershipCertificate CERTIFICATE = Example.certify(AUTHORITY, Example.ALICE);
    private static final RevocationList REVOCATIONS = AUTHORITY.revoke(Example.ALICE.peerId(), Example.NOW);

    @MethodSource("genesisPayloads")
    @FuzzTest(maxDuration = "60s")
    void a_genesis_record(byte[] payload) {
        byte[] sealed = seal("genesis", NetworkId.LOCAL, Example.FOUNDER, payload);
        Decoding.of(() -> Genesis.decode(sealed))
                .ifPresent(genesis -> assertThat(genesis.encode()).isEqualTo(sealed));
    }

    static Stream<byte[]> genesisPayloads() {
        return Stream.of(payload(Example.CLOSED.encode()), payload(Genesis.PUBLIC.encode()));
    }

    @MethodSource("certificatePayloads")
    @FuzzTest(maxDuration = "60s")
    void a_membership_certificate(byte[] payload) {
        byte[] sealed = seal("member", Example.CLOSED.id(), Example.FOUNDER, payload);
        Decoding.of(() -> MembershipCertificate.decode(sealed, Example.CLOSED))
                .ifPresent(certificate -> assertThat(certificate.encode()).isEqualTo(sealed));
    }

    static Stream<byte[]> certificatePayloads() {
        return Stream.of(payload(CERTIFICATE.encode()));
    }

    @MethodSource("revocationPayloads")
    @FuzzTest(maxDuration = "60s")
    void a_list_of_revocations(byte[] payload) {
        byte[] sealed = seal("revocations", Example.CLOSED.id(), Example.FOUNDER, payload);
        Decoding.of(() -> RevocationList.decode(sealed, Example.CLOSED)).ifPresent(list -> {
            assertThat(list.encode()).isEqualTo(sealed);
            list.revokes(CERTIFICATE);
        });
    }

    static Stream<byte[]> revocationPayloads() {
        return Stream.of(payload(REVOCATIONS.encode()));
    }

    @MethodSource("advertPayloads")
    @FuzzTest(maxDuration = "60s")
    void a_super_peer_advert(byte[] payload) {
        byte[] sealed = seal("super-peer", Example.CLUB.id(), Example.ALICE, payload);
        Decoding.of(() -> SuperPeerAdvert.open(sealed, Example.CLUB));
    }

    static Stream<byte[]> advertPayloads() {
        SuperPeerAdvert advert = new SuperPeerAdvert(
                Example.ALICE.peerId(),
                1,
                Set.of(SuperPeerAdvert.Service.values()),
                List.of(Multiaddr.parse("/ip4/192.0.2.7/tcp/4001")),
                Duration.ofHours(1));
        return Stream.of(payload(advert.seal(Example.ALICE, Example.CLUB)));
    }

    /** Any bytes, wherever an envelope is expected. */
    @MethodSource("envelopes")
    @FuzzTest(maxDuration = "60s")
    void an_envelope_of_any_kind(byte[] bytes) {
        Decoding.of(() -> Genesis.decode(bytes));
        Decoding.of(() -> MembershipCertificate.decode(bytes, Example.CLOSED));
        Decoding.of(() -> RevocationList.decode(bytes, Example.CLOSED));
        Decoding.of(() -> SuperPeerAdvert.open(bytes, Example.CLUB));
    }

    static Stream<byte[]> envelopes() {
        return Stream.of(Example.CLOSED.encode(), CERTIFICATE.encode(), REVOCATIONS.encode());
    }

    @MethodSource("invitations")
    @FuzzTest(maxDuration = "60s")
    void an_invitation(byte[] bytes) {
        Decoding.of(() -> Invitation.parse(new String(bytes, UTF_8)))
                .ifPresent(invitation ->
                        assertThat(Invitation.parse(invitation.print()).print()).isEqualTo(invitation.print()));
    }

    static Stream<byte[]> invitations() {
        Multiaddr address = Multiaddr.parse("/ip4/192.0.2.7/tcp/4001").withPeer(Example.BOB.peerId());
        return Stream.of(
                new Invitation(Example.CLOSED, List.of(address), CERTIFICATE)
                        .print()
                        .getBytes(UTF_8),
                new Invitation(Genesis.PUBLIC, List.of(), null).print().getBytes(UTF_8));
    }

    @MethodSource("openings")
    @FuzzTest(maxDuration = "60s")
    void an_opening(byte[] bytes) {
        Decoding.of(() -> Opening.decode(bytes))
                .ifPresent(
                        opening -> assertThat(Opening.decode(opening.encode())).isEqualTo(opening));
    }

    static Stream<byte[]> openings() {
        return Stream.of(Opening.of(1).encode());
    }

    @MethodSource("genesisPayloads")
    @FuzzTest(maxDuration = "60s")
    void deterministic_cbor(byte[] bytes) {
        Cbor value;
        try {
            value = CborDecoder.decode(bytes);
        } catch (MalformedException refused) {
            return;
        }
        assertThat(CborEncoder.encode(value)).as("the one encoding").isEqualTo(bytes);
    }

    private static byte[] payload(byte[] envelope) {
        try {
            return io.ppiofs.overlay.wire.IdentityWire.Envelope.parseFrom(envelope)
                    .getPayload()
                    .toByteArray();
        } catch (com.google.protobuf.InvalidProtocolBufferException e) {
            throw new AssertionError("our own envelope", e);
        }
    }

    private static byte[] seal(String label, NetworkId network, IdentityKey key, byte[] payload) {
        RecordType type = new RecordType(label, 1);
        return Envelope.seal(key, type.domain(network), type.payloadType(), payload)
                .toBytes();
    }
}
