package io.ppiofs.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class RecordsTest {
    private static final HexFormat HEX = HexFormat.of();

    private final Head head = Fixed.head(5, Fixed.state(Fixed.HLC));
    private final VolumeConfig config =
            new VolumeConfig(Fixed.RW.volumeId(), NetworkId.LOCAL, VolumeParameters.defaults("default"), Fixed.NOW);

    @Test
    void certificateIsThatOfTheFormat() {
        WriterCertificate c = Fixed.WRITER.certificate();
        String actual = HEX.formatHex(c.envelope());
        assertThat(actual).isEqualTo(Fixed.golden("certificate.hex", actual));
        WriterCertificate read = WriterCertificate.decode(c.envelope(), "test");
        assertThat(read).isEqualTo(c);
        assertThat(read.slot()).isEqualTo(7);
        assertThat(read.writer()).isEqualTo(Fixed.WRITER_KEY.publicKey());
        assertThat(read.volume()).isEqualTo(Fixed.RW.volumeId());
        assertThat(read.expires()).isEqualTo(Fixed.NOW.plusSeconds(86_400));
        assertThat(read.isExpiredAt(Fixed.NOW.plusSeconds(86_399))).isFalse();
        assertThat(read.isExpiredAt(Fixed.NOW.plusSeconds(86_400))).isTrue();
    }

    @Test
    void revocationIsThatOfTheFormat() {
        WriterRevocation r = Fixed.RW.owner().revoke(NetworkId.LOCAL, Fixed.WRITER_KEY.publicKey(), 5);
        String actual = HEX.formatHex(r.envelope());
        assertThat(actual).isEqualTo(Fixed.golden("revocation.hex", actual));
        WriterRevocation read = WriterRevocation.decode(r.envelope(), "test");
        assertThat(read.forbids(Fixed.WRITER.certificate(), 5)).isFalse();
        assertThat(read.forbids(Fixed.WRITER.certificate(), 6)).isTrue();
        WriterCertificate other = Fixed.RW
                .owner()
                .certify(NetworkId.LOCAL, WriterKey.ofSeed(Fixed.secret(8)).publicKey(), 8, null);
        assertThat(read.forbids(other, 6)).isFalse();
    }

    @Test
    void headIsThatOfTheFormat() {
        String actual = HEX.formatHex(head.envelope());
        assertThat(actual).isEqualTo(Fixed.golden("head.hex", actual));
        Head read = Head.open(head.envelope(), Fixed.SECRETS.keys(), "test");
        assertThat(read.state()).isEqualTo(head.state());
        assertThat(read.clear()).isEqualTo(head.clear());
        assertThat(read.id()).isEqualTo(head.id());
        assertThat(Head.verify(head.envelope(), "test").sequence()).isEqualTo(5);
    }

    @Test
    void headWithEverythingComesBack() {
        CborMap extensions = CborMap.builder()
                .put("later", CborBytes.of(new byte[HeadState.MAX_EXTENSION_LENGTH]))
                .build();
        HeadState state = new HeadState(null, Fixed.HLC, VersionVector.EMPTY, 0, 2, extensions);
        HeadClear clear = new HeadClear(
                Fixed.WRITER.certificate(),
                Long.MAX_VALUE,
                List.of(Cid.ofDigest(Fixed.bytes(1)), Cid.ofDigest(Fixed.bytes(2))),
                Cid.ofDigest(Fixed.bytes(3)),
                4095);
        Head signed = Head.sign(clear, state, Fixed.WRITER, Fixed.SECRETS.keys());
        Head read = Head.open(signed.envelope(), Fixed.SECRETS.keys(), "test");
        assertThat(read.clear()).isEqualTo(clear);
        assertThat(read.state()).isEqualTo(state);
    }

    @Test
    void descriptionIsThatOfTheFormat() {
        byte[] envelope = config.sign(Fixed.RW.owner());
        String actual = HEX.formatHex(envelope);
        assertThat(actual).isEqualTo(Fixed.golden("volume.hex", actual));
        assertThat(VolumeConfig.decode(envelope, "test")).isEqualTo(config);
    }

    @Test
    void everyChangedByteIsRefused() {
        WriterRevocation r = Fixed.RW.owner().revoke(NetworkId.LOCAL, Fixed.WRITER_KEY.publicKey(), 5);
        VolumeKeys keys = Fixed.SECRETS.keys();
        refusesEveryChange(Fixed.WRITER.certificate().envelope(), b -> WriterCertificate.decode(b, "test"));
        refusesEveryChange(r.envelope(), b -> WriterRevocation.decode(b, "test"));
        refusesEveryChange(config.sign(Fixed.RW.owner()), b -> VolumeConfig.decode(b, "test"));
        refusesEveryChange(head.envelope(), b -> Head.verify(b, "test"));
        refusesEveryChange(head.envelope(), b -> Head.open(b, keys, "test"));
    }

    @Test
    void headsOfOtherVolumesAndLaterEpochsAreRefused() {
        VolumeKeys other = VolumeKeys.of(new Capability.ReadWrite(Fixed.secret(99)), 3, null);
        assertThatThrownBy(() -> Head.open(head.envelope(), other, "test"))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.WRONG_KEY));
        VolumeKeys earlier = VolumeKeys.of(Fixed.RW.readOnly(2), null);
        assertThatThrownBy(() -> Head.open(head.envelope(), earlier, "test"))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.WRONG_KEY))
                .hasMessageContaining("ask the volume's owner");
    }

    @Test
    void onlyTheOwnerCertifies() {
        // a thief certifies himself for a volume that is not his
        CborMap fields = CborMap.builder()
                .put(1, NetworkId.LOCAL.bytes())
                .put(2, Fixed.RW.volumeId().bytes())
                .put(3, Fixed.WRITER_KEY.publicKey().bytes())
                .put(4, 0)
                .put(5, io.ppiofs.cbor.CborSimple.NULL)
                .build();
        SigningKey thief = new SigningKey(Fixed.secret(77));
        byte[] envelope = RecordType.CERTIFICATE.sign(thief, NetworkId.LOCAL, fields);
        assertThatThrownBy(() -> WriterCertificate.decode(envelope, "test"))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT))
                .hasMessageContaining("not signed by the volume's owner");
    }

    @Test
    void onlyTheCertifiedWriterSignsHeads() {
        CborMap fields = head.clear().toCbor().put(8, new byte[16]).build();
        byte[] envelope = RecordType.HEAD.sign(new SigningKey(Fixed.secret(77)), NetworkId.LOCAL, fields);
        assertThatThrownBy(() -> Head.verify(envelope, "test"))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT))
                .hasMessageContaining("for another writer");
    }

    @Test
    void aSignatureIsGoodForOneTypeAndNetworkOnly() throws MalformedException {
        SigningKey key = new SigningKey(Fixed.secret(5));
        NetworkId other = NetworkId.of(Fixed.bytes(1));
        byte[] payload = "payload".getBytes(StandardCharsets.UTF_8);
        SignedEnvelope e = SignedEnvelope.parse(SignedEnvelope.seal(
                key, RecordType.HEAD.domain(NetworkId.LOCAL), RecordType.HEAD.payloadType(), payload));
        assertThat(e.isSignedUnder(RecordType.HEAD.domain(NetworkId.LOCAL))).isTrue();
        assertThat(e.isSignedUnder(RecordType.HEAD.domain(other))).isFalse();
        assertThat(e.isSignedUnder(RecordType.CONFIG.domain(NetworkId.LOCAL))).isFalse();
        assertThatThrownBy(() -> WriterCertificate.decode(head.envelope(), "test"))
                .satisfies(x -> KeysTest.kind(x, ErrorKind.CORRUPT));
    }

    @Test
    void laterVersionsAndCriticalExtensionsAreNamed() {
        byte[] newer = SignedEnvelope.seal(
                Fixed.WRITER_KEY.signingKey(),
                "whatever",
                "/ppiofs/head/2",
                "unknown".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> Head.verify(newer, "test"))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.UNSUPPORTED_FORMAT));

        HeadState s = Fixed.state(Fixed.HLC);
        CborMap critical =
                CborMap.builder().put("!shards", CborBytes.of(new byte[1])).build();
        Head demanding = Fixed.head(
                6, new HeadState(s.treeRoot(), s.clock(), s.versions(), s.journalLsn(), s.nextInode(), critical));
        assertThatThrownBy(() -> Head.open(demanding.envelope(), Fixed.SECRETS.keys(), "test"))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.UNSUPPORTED_FORMAT))
                .hasMessageContaining("shards");
        assertThatCode(() -> Head.verify(demanding.envelope(), "test")).doesNotThrowAnyException();
    }

    @Test
    void statesOutOfRangeAreNotMade() {
        CborMap none = HeadState.empty().extensions();
        CborMap long_ = CborMap.builder()
                .put("x", CborBytes.of(new byte[HeadState.MAX_EXTENSION_LENGTH + 1]))
                .build();
        VersionVector ahead = VersionVector.EMPTY.with(new Dot(10, 0));
        List<Runnable> bad = List.of(
                () -> new HeadState(null, 9, ahead, 0, 0, none),
                () -> new HeadState(null, 0, VersionVector.EMPTY, -1, 0, none),
                () -> new HeadState(null, 0, VersionVector.EMPTY, 0, 1L << 36, none),
                () -> new HeadState(null, 0, VersionVector.EMPTY, 0, 0, long_),
                () -> new Dot(-1, 0),
                () -> new Dot(0, 1 << 20));
        for (Runnable r : bad) {
            assertThatThrownBy(r::run).isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static void refusesEveryChange(byte[] good, Consumer<byte[]> decode) {
        assertThatCode(() -> decode.accept(good)).doesNotThrowAnyException();
        List<String> accepted = new ArrayList<>();
        for (int i = 0; i < good.length; i++) {
            for (int mask : new int[] {0x01, 0x80, 0xff}) {
                byte[] changed = good.clone();
                changed[i] ^= (byte) mask;
                collectIfAccepted(accepted, "byte " + i + " ^ " + mask, decode, changed);
            }
            collectIfAccepted(accepted, "cut at " + i, decode, Arrays.copyOf(good, i));
        }
        collectIfAccepted(accepted, "a byte more", decode, Arrays.copyOf(good, good.length + 1));
        assertThat(accepted).isEmpty();
    }

    private static void collectIfAccepted(List<String> accepted, String what, Consumer<byte[]> decode, byte[] changed) {
        try {
            decode.accept(changed);
            accepted.add(what);
        } catch (PpiofsException e) {
            assertThat(e.kind()).as(what).isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT);
        }
    }
}
