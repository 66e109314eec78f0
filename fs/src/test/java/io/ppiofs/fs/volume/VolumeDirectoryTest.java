package io.ppiofs.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VolumeDirectoryTest {
    private static final Protection OPEN = new Protection.Unprotected();
    private static final Protection LOCKED = new Protection.Passphrase("pass".toCharArray(), Fixed.CHEAP);

    @TempDir
    Path home;

    private Path volumes;

    @BeforeEach
    void volumesDirectory() {
        volumes = home.resolve("volumes");
    }

    @Test
    void aNewVolumeOpensAgainWithTheSameKeys() throws IOException {
        VolumeParameters parameters = new VolumeParameters("photos", 1 << 16, false, false);
        UnlockedVolume made = VolumeDirectory.create(volumes, parameters, LOCKED);
        Path directory = volumes.resolve(made.config().id().toString());
        UnlockedVolume opened = VolumeDirectory.open(directory, Unlocker.of(LOCKED));
        assertThat(opened.config()).isEqualTo(made.config());
        assertThat(opened.config().parameters()).isEqualTo(parameters);
        assertThat(opened.keys().contentKey(0)).isEqualTo(made.keys().contentKey(0));
        assertThat(opened.owner()).isNotNull();
        assertThat(opened.owner().volumeId()).isEqualTo(made.config().id());
        assertThat(opened.writer()).isNotNull();
        assertThat(opened.writer().slot()).isZero();
        assertThat(opened.heads().read().state()).isEqualTo(HeadState.empty());
        assertThat(opened.journalDirectory()).isDirectory().isEqualTo(directory.resolve("journal"));
        for (Path p : List.of(volumes, directory, opened.journalDirectory())) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(p)))
                    .isEqualTo("rwx------");
        }
        assertThat(made.heads().commit(Fixed.state0(Fixed.HLC)).clear().sequence())
                .isEqualTo(2);
        assertThat(VolumeDirectory.open(directory, Unlocker.of(LOCKED))
                        .heads()
                        .read()
                        .state())
                .isEqualTo(Fixed.state0(Fixed.HLC));
    }

    @Test
    void volumesAreListedByNameAndFoundByNameOrId() throws IOException {
        assertThat(VolumeDirectory.list(volumes).volumes()).isEmpty();
        assertThat(VolumeDirectory.find(volumes, "default")).isNull();
        UnlockedVolume b = VolumeDirectory.create(volumes, VolumeParameters.defaults("b"), OPEN);
        VolumeDirectory.create(volumes, VolumeParameters.defaults("a"), LOCKED);
        Files.createDirectory(volumes.resolve("lost+found"));
        assertThat(VolumeDirectory.list(volumes).volumes())
                .extracting(v -> v.config().name())
                .containsExactly("a", "b");
        assertThat(VolumeDirectory.list(volumes).problems()).isEmpty();
        assertThat(VolumeDirectory.find(volumes, "b").config()).isEqualTo(b.config());
        assertThat(VolumeDirectory.find(volumes, b.config().id().toString()).config())
                .isEqualTo(b.config());
        assertThat(VolumeDirectory.find(volumes, "c")).isNull();
        assertThat(VolumeDirectory.find(volumes, "a").protection()).isEqualTo(Protection.Kind.PASSPHRASE);
        assertThatThrownBy(() -> VolumeDirectory.create(volumes, VolumeParameters.defaults("b"), OPEN))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.EXISTS));
    }

    @Test
    void aChangedDescriptionIsNoticedAndDoesNotHideOthers() throws IOException {
        Path damaged = directoryOf(VolumeDirectory.create(volumes, VolumeParameters.defaults("a"), OPEN));
        VolumeDirectory.create(volumes, VolumeParameters.defaults("b"), OPEN);
        byte[] bytes = Files.readAllBytes(damaged.resolve("volume"));
        bytes[bytes.length / 2] ^= 1;
        Files.write(damaged.resolve("volume"), bytes);
        assertThat(VolumeDirectory.list(volumes).volumes()).hasSize(1);
        assertThat(VolumeDirectory.list(volumes).problems())
                .singleElement()
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT));
        assertThat(VolumeDirectory.find(volumes, "b")).isNotNull();
        // it could be the one that is asked for: no new volume takes its place
        assertThatThrownBy(() -> VolumeDirectory.find(volumes, "a"))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT));
        assertThatThrownBy(() -> VolumeDirectory.create(volumes, VolumeParameters.defaults("a"), OPEN))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT));
        assertThatThrownBy(() -> VolumeDirectory.open(damaged, Unlocker.of(OPEN)))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT));
    }

    @Test
    void filesOfAnotherVolumeAreNoticed() throws IOException {
        Path a = directoryOf(VolumeDirectory.create(volumes, VolumeParameters.defaults("a"), OPEN));
        Path b = directoryOf(VolumeDirectory.create(volumes, VolumeParameters.defaults("b"), OPEN));
        byte[] secrets = Files.readAllBytes(a.resolve("secrets"));
        Files.write(a.resolve("secrets"), Files.readAllBytes(b.resolve("secrets")));
        assertThatThrownBy(() -> VolumeDirectory.open(a, Unlocker.of(OPEN)))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT));
        Files.write(a.resolve("secrets"), secrets);
        Files.write(a.resolve("head"), Files.readAllBytes(b.resolve("head")));
        assertThatThrownBy(
                        () -> VolumeDirectory.open(a, Unlocker.of(OPEN)).heads().read())
                .satisfies(e -> KeysTest.kind(e, ErrorKind.WRONG_KEY));
        Files.write(a.resolve("volume"), Files.readAllBytes(b.resolve("volume")));
        assertThatThrownBy(() -> VolumeDirectory.of(a)).satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT));
    }

    @Test
    void aHalfMadeVolumeIsSweptByTheNext() throws IOException {
        Path left = Files.createDirectories(volumes.resolve(".new-left").resolve("journal"));
        Files.write(left.resolveSibling("secrets"), new byte[9]);
        assertThat(VolumeDirectory.list(volumes).volumes()).isEmpty();
        VolumeDirectory.create(volumes, VolumeParameters.defaults("a"), OPEN);
        assertThat(left.getParent()).doesNotExist();
    }

    @Test
    void rotationBeginsAnEpochThatOldReadersCannotOpen() {
        UnlockedVolume v = VolumeDirectory.create(volumes, VolumeParameters.defaults("a"), LOCKED);
        Capability.ReadOnly leaked = ((Capability.ReadWrite) v.capability()).readOnly(0);
        VolumeDirectory directory = VolumeDirectory.of(directoryOf(v));
        assertThat(directory.rotate(Unlocker.of(LOCKED))).isEqualTo(1);
        UnlockedVolume rotated = directory.unlock(Unlocker.of(LOCKED));
        assertThat(rotated.keys().currentEpoch()).isEqualTo(1);
        assertThat(directory.rotate(Unlocker.of(LOCKED))).isEqualTo(2);
        byte[] head = rotated.heads().commit(Fixed.state0(Fixed.HLC)).envelope();
        VolumeKeys old = VolumeKeys.of(leaked, null);
        assertThatThrownBy(() -> Head.open(head, old, "test")).satisfies(e -> KeysTest.kind(e, ErrorKind.WRONG_KEY));
    }

    @Test
    void namesAndSizesThatWillNotDoAreOneSentence() {
        for (String name : List.of("", ".x", "-d", "a/b", "a b", "\u00e9", "x".repeat(65))) {
            assertThatThrownBy(() -> VolumeParameters.defaults(name))
                    .satisfies(e -> KeysTest.kind(e, ErrorKind.INVALID));
        }
        for (int size : new int[] {0, -1, 1 << 15, 1 << 23, 3 << 16}) {
            assertThatThrownBy(() -> new VolumeParameters("a", size, true, true))
                    .satisfies(e -> KeysTest.kind(e, ErrorKind.INVALID));
        }
    }

    private Path directoryOf(UnlockedVolume v) {
        return volumes.resolve(v.config().id().toString());
    }
}
