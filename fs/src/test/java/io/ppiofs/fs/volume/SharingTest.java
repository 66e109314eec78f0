package io.ppiofs.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A volume on a second machine: made from a capability, following the first one's heads, taking its place. */
class SharingTest {
    private static final Protection OPEN = new Protection.Unprotected();

    @TempDir
    Path home;

    private Path there;
    private UnlockedVolume original;
    private VolumeDirectory source;
    private Capability.ReadWrite all;

    @BeforeEach
    void original() {
        there = home.resolve("there");
        Path here = home.resolve("here");
        original =
                VolumeDirectory.create(here, VolumeParameters.defaults("default"), OPEN, Fixed.counting(), Fixed.WALL);
        source = VolumeDirectory.of(here.resolve(original.config().id().toString()));
        all = (Capability.ReadWrite) original.capability();
    }

    private byte[] commit(long clock) {
        return original.heads().commit(Fixed.state0(clock)).envelope();
    }

    private UnlockedVolume imported(Capability capability, byte[] head) {
        return VolumeDirectory.importVolume(
                there, capability, source.configEnvelope(), head, OPEN, new java.security.SecureRandom(), Fixed.WALL);
    }

    private UnlockedVolume reopened() {
        return VolumeDirectory.open(there.resolve(original.config().id().toString()), Unlocker.of(OPEN));
    }

    // ---- import -----------------------------------------------------------------------------------------------------

    @Test
    void aReaderGetsAVolumeWithoutWriter() {
        byte[] head = commit(Fixed.HLC);
        UnlockedVolume reader = imported(all.readOnly(0), head);
        assertThat(reader.writer()).isNull();
        assertThat(reader.owner()).isNull();
        assertThat(reader.heads().read().envelope()).isEqualTo(head);
        UnlockedVolume again = reopened();
        assertThat(again.config()).isEqualTo(original.config());
        assertThat(again.capability()).isEqualTo(all.readOnly(0));
        assertThat(again.heads().read().state()).isEqualTo(Fixed.state0(Fixed.HLC));
        assertThat(again.keys().nameKey()).isEqualTo(original.keys().nameKey());
        fails(ErrorKind.READ_ONLY, () -> again.heads().commit(Fixed.state0(Fixed.HLC + 1)));
        assertThat(VolumeDirectory.find(there, "default").isImported()).isTrue();
        assertThat(source.isImported()).isFalse();
    }

    @Test
    void anOwnerGetsAWriterOfItsOwnThatGoesOn() {
        UnlockedVolume restored = imported(all, commit(Fixed.HLC));
        WriterIdentity writer = restored.writer();
        assertThat(writer).isNotNull();
        assertThat(writer.slot()).isBetween(1, WriterCertificate.MAX_SLOT);
        assertThat(writer.key().publicKey())
                .isNotEqualTo(original.writer().key().publicKey());
        assertThat(restored.owner()).isNotNull();
        long later = Fixed.HLC + (1 << 20);
        HeadState next = new HeadState(
                Fixed.ref(3),
                later,
                Fixed.state0(Fixed.HLC).versions().with(new Dot(later, writer.slot())),
                1,
                Fixed.state0(Fixed.HLC).nextInode() + 10,
                HeadState.empty().extensions());
        Head first = restored.heads().commit(next);
        assertThat(first.clear().sequence()).isEqualTo(1);
        assertThat(first.clear().parents())
                .containsExactly(original.heads().read().id());
        // anybody with the capability believes the new writer: the owner's signature is under its certificate
        assertThat(Head.open(first.envelope(), original.keys(), "test").state()).isEqualTo(next);
        assertThat(reopened().heads().read().state()).isEqualTo(next);
        // it is not the one to follow any more
        fails(ErrorKind.NOT_PERMITTED, () -> restored.heads().adopt(commit(Fixed.HLC + (1 << 21))));
    }

    @Test
    void anImportTakesTheEpochOfTheHead() {
        source.rotate(Unlocker.of(OPEN));
        UnlockedVolume rotated = source.unlock(Unlocker.of(OPEN));
        byte[] head = rotated.heads().commit(Fixed.state0(Fixed.HLC)).envelope();
        assertThat(imported(all, head).keys().currentEpoch()).isEqualTo(1);
        fails(
                ErrorKind.WRONG_KEY,
                () -> VolumeDirectory.importVolume(
                        home.resolve("third"), all.readOnly(0), source.configEnvelope(), head, OPEN));
    }

    @Test
    void whatDoesNotBelongTogetherIsRefusedAndLeavesNothing() throws IOException {
        byte[] head = commit(Fixed.HLC);
        byte[] config = source.configEnvelope();
        Capability.ReadWrite other = new Capability.ReadWrite(Fixed.secret(77));
        fails(ErrorKind.WRONG_KEY, () -> imported(other, head));
        fails(ErrorKind.WRONG_KEY, () -> imported(other.readOnly(0), head));
        fails(ErrorKind.INVALID, () -> imported(all.readOnly(0).verify(), head));
        byte[] foreign = Fixed.head(1, Fixed.state(Fixed.HLC)).envelope();
        fails(ErrorKind.WRONG_KEY, () -> imported(all, foreign));
        for (int at = 0; at < head.length; at += 37) {
            byte[] damaged = head.clone();
            damaged[at] ^= 4;
            assertThatThrownBy(() -> imported(all, damaged)).isInstanceOf(io.ppiofs.error.PpiofsException.class);
        }
        for (int at = 0; at < config.length; at += 11) {
            byte[] damaged = config.clone();
            damaged[at] ^= 4;
            assertThatThrownBy(() -> VolumeDirectory.importVolume(there, all, damaged, head, OPEN))
                    .isInstanceOf(io.ppiofs.error.PpiofsException.class);
        }
        fails(ErrorKind.CORRUPT, () -> VolumeDirectory.importVolume(there, all, new byte[5000], head, OPEN));
        assertThat(VolumeDirectory.list(there).volumes()).isEmpty();
        assertThat(imported(all, head).config()).isEqualTo(original.config());
        fails(ErrorKind.EXISTS, () -> imported(all, head));
        try (var left = Files.list(there)) {
            assertThat(left).hasSize(1);
        }
    }

    @Test
    void aWriterThatTheOwnerDidNotCertifyIsNotBelieved() {
        // a thief with the reading keys and an owner key of his own
        OwnerKey thief = new Capability.ReadWrite(Fixed.secret(66)).owner();
        WriterKey key = WriterKey.ofSeed(Fixed.secret(5));
        WriterIdentity writer = new WriterIdentity(key, thief.certify(NetworkId.LOCAL, key.publicKey(), 9, null));
        byte[] forged = Head.sign(
                        new HeadClear(writer.certificate(), 1, List.of(), null, 0),
                        Fixed.state0(Fixed.HLC),
                        writer,
                        original.keys())
                .envelope();
        UnlockedVolume reader = imported(all.readOnly(0), commit(Fixed.HLC));
        fails(ErrorKind.WRONG_KEY, () -> reader.heads().adopt(forged));
    }

    @Test
    void aNameThatIsTakenMeansTheVolumeMadeHere() {
        byte[] head = commit(Fixed.HLC);
        UnlockedVolume own = VolumeDirectory.create(there, VolumeParameters.defaults("default"), OPEN);
        imported(all.readOnly(0), head);
        assertThat(VolumeDirectory.list(there).volumes()).hasSize(2);
        assertThat(VolumeDirectory.find(there, "default").config()).isEqualTo(own.config());
        assertThat(VolumeDirectory.find(there, original.config().id().toString())
                        .config())
                .isEqualTo(original.config());
    }

    // ---- following --------------------------------------------------------------------------------------------------

    @Test
    void aFollowerTakesNewerHeadsAndNeverGoesBack() {
        byte[] first = commit(Fixed.HLC);
        byte[] second = commit(Fixed.HLC + 1);
        byte[] third = commit(Fixed.HLC + 2);
        HeadStore heads = imported(all.readOnly(0), first).heads();
        assertThat(heads.adopt(first).envelope()).isEqualTo(first);
        assertThat(heads.isNewer(third)).isTrue();
        assertThat(heads.adopt(third).envelope()).isEqualTo(third);
        assertThat(heads.isNewer(second)).isFalse();
        assertThat(heads.adopt(second).envelope()).isEqualTo(third);
        HeadStore again = reopened().heads();
        assertThat(again.adopt(first).envelope()).isEqualTo(third);
        byte[] damaged = third.clone();
        damaged[damaged.length - 1] ^= 1;
        fails(ErrorKind.CORRUPT, () -> again.adopt(damaged));
        assertThat(again.read().envelope()).isEqualTo(third);
    }

    @Test
    void aForkAndAHeadFromTheFutureAreRefused() {
        HeadStore heads = imported(all.readOnly(0), commit(Fixed.HLC)).heads();
        WriterKey key = WriterKey.ofSeed(Fixed.secret(5));
        WriterIdentity second = new WriterIdentity(key, all.owner().certify(NetworkId.LOCAL, key.publicKey(), 9, null));
        HeadState apart = new HeadState(
                Fixed.ref(1),
                Fixed.HLC + 9,
                VersionVector.EMPTY.with(new Dot(Fixed.HLC + 9, 9)),
                1,
                10,
                HeadState.empty().extensions());
        byte[] fork = Head.sign(
                        new HeadClear(second.certificate(), 1, List.of(), null, 0), apart, second, original.keys())
                .envelope();
        fails(ErrorKind.NOT_PERMITTED, () -> heads.adopt(fork));
        HeadStore early = new HeadStore(
                there.resolve(original.config().id().toString()),
                VolumeKeys.of(all.readOnly(0), null),
                null,
                InstantSource.fixed(Fixed.NOW.minusSeconds(3600)));
        fails(ErrorKind.NOT_PERMITTED, () -> early.adopt(commit(Fixed.HLC + 5)));
    }

    @Test
    void aRestoredWriterFollowsUntilItHasWritten() throws IOException {
        UnlockedVolume restored = imported(all, commit(Fixed.HLC));
        byte[] newer = commit(Fixed.HLC + 1);
        assertThat(restored.heads().adopt(newer).envelope()).isEqualTo(newer);
        Files.write(restored.journalDirectory().resolve("0000.journal"), new byte[1]);
        fails(ErrorKind.NOT_PERMITTED, () -> restored.heads().adopt(commit(Fixed.HLC + 2)));
    }

    // ---- manifests --------------------------------------------------------------------------------------------------

    @Test
    void aPublishedHeadHasTheManifestAndTheSameState() {
        byte[] first = commit(Fixed.HLC);
        Head local = original.heads().read();
        Cid manifest = Cid.ofDigest(Fixed.bytes(8));
        Head published = original.heads().published(local, manifest);
        assertThat(published.state()).isEqualTo(local.state());
        assertThat(published.clear().manifestRoot()).isEqualTo(manifest);
        assertThat(Head.verify(published.envelope(), "test")).isEqualTo(published.clear());
        assertThat(original.heads().read().envelope()).isEqualTo(first);
        HeadStore follower = imported(all.readOnly(0), first).heads();
        assertThat(follower.adopt(published.envelope()).envelope()).isEqualTo(published.envelope());
        assertThat(follower.adopt(first).envelope()).isEqualTo(published.envelope());
        byte[] next = commit(Fixed.HLC + 1);
        assertThat(follower.adopt(next).envelope()).isEqualTo(next);
        fails(ErrorKind.READ_ONLY, () -> follower.published(local, manifest));
    }

    @Test
    void aManifestOpensForWhoMayVerify() {
        byte[] plain = "groups and where they are".getBytes(StandardCharsets.UTF_8);
        byte[] sealed = original.keys().sealManifest(plain);
        assertThat(original.keys().sealManifest(plain)).isEqualTo(sealed);
        assertThat(original.keys().openManifest(sealed)).isEqualTo(plain);
        Capability.Verify verify = all.readOnly(0).verify();
        assertThat(((Capability.Verify) Capability.parse(verify.text())).openManifest(sealed))
                .isEqualTo(plain);
        assertThat(original.keys().openManifest(original.keys().sealManifest(new byte[0])))
                .isEmpty();
        original.keys().advanceTo(1);
        byte[] later = original.keys().sealManifest(plain);
        assertThat(later).isNotEqualTo(sealed);
        fails(ErrorKind.WRONG_KEY, () -> verify.openManifest(later));
        assertThat(original.keys().openManifest(sealed)).isEqualTo(plain);
        for (int at = 3; at < sealed.length; at++) {
            byte[] damaged = sealed.clone();
            damaged[at] ^= 1;
            fails(ErrorKind.CORRUPT, () -> verify.openManifest(damaged));
        }
        fails(ErrorKind.CORRUPT, () -> verify.openManifest(new byte[30]));
        byte[] newer = sealed.clone();
        newer[0] = 2;
        fails(ErrorKind.UNSUPPORTED_FORMAT, () -> verify.openManifest(newer));
        VolumeKeys stranger = VolumeKeys.of(new Capability.ReadWrite(Fixed.secret(66)), 0, null);
        fails(ErrorKind.CORRUPT, () -> stranger.openManifest(sealed));
        assertThat(new ManifestSeal(all.volumeId(), 0, verify.verifyKey()).seal(plain))
                .isEqualTo(sealed);
        String hex = java.util.HexFormat.of()
                .formatHex(new ManifestSeal(
                                Fixed.RW.volumeId(),
                                3,
                                Fixed.RW.readOnly(3).verify().verifyKey())
                        .seal(plain));
        assertThat(hex).isEqualTo(Fixed.golden("manifest.hex", hex));
    }

    // ---- placement --------------------------------------------------------------------------------------------------

    @Test
    void derivedSecretsAreTheSameEverywhereAndDiffer() {
        Capability.ReadWrite copy = (Capability.ReadWrite) Capability.parse(all.text());
        assertThat(copy.tenantSeed()).isEqualTo(all.tenantSeed());
        assertThat(copy.placementSalt()).isEqualTo(all.placementSalt());
        assertThat(all.tenantSeed()).isNotEqualTo(all.placementSalt());
        assertThat(copy.journalCopies()).isEqualTo(all.journalCopies());
        assertThat(all.journalCopies()).isNotIn(all.tenantSeed(), all.placementSalt());
        assertThat(new SigningKey(all.tenantSeed()).publicKey())
                .isNotEqualTo(all.owner().publicKey());
        String hex = java.util.HexFormat.of().formatHex(Fixed.RW.tenantSeed().bytes()) + "\n"
                + java.util.HexFormat.of().formatHex(Fixed.RW.placementSalt().bytes());
        assertThat(hex).isEqualTo(Fixed.golden("swarm-secrets.hex", hex));
    }

    @Test
    void theOwnerChangesWhereBlocksBelong() throws IOException {
        assertThat(source.placement()).isNull();
        NetworkId swarm = NetworkId.of(Fixed.bytes(4));
        VolumePlacement first = source.place(all.owner(), Scheme.DEFAULT, swarm);
        assertThat(first.revision()).isEqualTo(1);
        VolumePlacement second = source.place(all.owner(), Scheme.parse("4+2"), null);
        assertThat(second.revision()).isEqualTo(2);
        assertThat(source.placement()).isEqualTo(second);
        assertThat(second.scheme().slots()).isEqualTo(6);
        assertThat(second.swarm()).isNull();

        imported(all.readOnly(0), commit(Fixed.HLC));
        VolumeDirectory reader = VolumeDirectory.find(there, "default");
        assertThat(reader.adoptPlacement(second.envelope())).isEqualTo(second);
        assertThat(reader.adoptPlacement(first.envelope())).isEqualTo(second);
        OwnerKey other = new Capability.ReadWrite(Fixed.secret(66)).owner();
        byte[] foreign = VolumePlacement.sign(other, NetworkId.LOCAL, 9, Scheme.DEFAULT, swarm)
                .envelope();
        fails(ErrorKind.WRONG_KEY, () -> reader.adoptPlacement(foreign));
        byte[] damaged = second.envelope();
        damaged[damaged.length / 2] ^= 1;
        fails(ErrorKind.CORRUPT, () -> reader.adoptPlacement(damaged));
        Files.write(reader.path().resolve("placement"), damaged);
        fails(ErrorKind.CORRUPT, reader::placement);
        VolumePlacement sealed =
                VolumePlacement.sign(Fixed.RW.owner(), NetworkId.LOCAL, 3, Scheme.parse("4+2"), swarm, "fast");
        assertThat(VolumePlacement.decode(sealed.envelope(), "test").seal()).isEqualTo("fast");
        // what an earlier program says to it, which knows no version 2
        assertThatThrownBy(() -> RecordType.PLACEMENT.openOfOwner(sealed.envelope(), "test"))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNSUPPORTED_FORMAT));
        assertThat(second.seal()).isNull();
        fails(
                ErrorKind.CORRUPT,
                () -> VolumePlacement.sign(Fixed.RW.owner(), NetworkId.LOCAL, 3, Scheme.DEFAULT, swarm, "a b"));
        String hex = java.util.HexFormat.of()
                .formatHex(VolumePlacement.sign(Fixed.RW.owner(), NetworkId.LOCAL, 2, Scheme.parse("4+2"), swarm)
                        .envelope());
        assertThat(hex).isEqualTo(Fixed.golden("placement.hex", hex));
    }

    private static void fails(ErrorKind kind, ThrowingCallable call) {
        assertThatThrownBy(call).satisfies(e -> KeysTest.kind(e, kind));
    }
}
