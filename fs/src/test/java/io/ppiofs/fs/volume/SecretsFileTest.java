package io.ppiofs.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SecretsFileTest {
    private static final HexFormat HEX = HexFormat.of();
    private static final Unlocker MUST_NOT_ASK = (kind, subject) -> {
        throw new AssertionError("asked for " + kind);
    };

    @TempDir
    Path directory;

    private Path path;
    private SecretsFile file;
    private Protection passphrase;
    private Protection keyFile;

    @BeforeEach
    void files() throws IOException {
        path = directory.resolve("secrets");
        file = new SecretsFile(path);
        passphrase = passphrase("correct horse");
        keyFile = new Protection.KeyFile(Files.write(directory.resolve("key"), Fixed.bytes(6)));
    }

    @Test
    void filesAreThoseOfTheFormat() throws IOException {
        check("secrets-unprotected.hex", new Protection.Unprotected());
        check("secrets-passphrase.hex", passphrase);
        check("secrets-key-file.hex", keyFile);
    }

    private void check(String name, Protection protection) throws IOException {
        file.write(Fixed.SECRETS, protection, Fixed.counting());
        String actual = HEX.formatHex(Files.readAllBytes(path));
        String golden = Fixed.golden(name, actual);
        assertThat(actual).isEqualTo(golden);
        Files.write(path, HEX.parseHex(golden));
        assertThat(file.protection()).isEqualTo(protection.kind());
        same(file.read(Unlocker.of(protection)));
    }

    @Test
    void theFileIsReadableByItsOwnerOnlyAndHoldsNoSecretInClear() throws IOException {
        for (Protection p : List.of(new Protection.Unprotected(), passphrase, keyFile)) {
            file.write(Fixed.SECRETS, p, new SecureRandom());
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                    .isEqualTo("rw-------");
            assertThat(HEX.formatHex(Files.readAllBytes(path)))
                    .doesNotContain(HEX.formatHex(Fixed.RW.root().bytes()));
        }
        assertThat(directory).isDirectoryNotContaining("glob:**.new");
    }

    @Test
    void anUnprotectedFileOpensWithoutAskingAndSaysWhatItIs() {
        file.write(Fixed.SECRETS, new Protection.Unprotected(), new SecureRandom());
        same(file.read(MUST_NOT_ASK));
        assertThat(file.protection().description()).startsWith("unprotected");
    }

    @Test
    void theWrongPassphraseOrKeyFileIsOneSentence() throws IOException {
        file.write(Fixed.SECRETS, passphrase, new SecureRandom());
        assertThatThrownBy(() -> file.read(Unlocker.of(passphrase("Correct horse"))))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.WRONG_KEY))
                .hasMessageContaining("passphrase does not open it");
        assertThatThrownBy(() -> file.read(Unlocker.of(keyFile))).satisfies(e -> KeysTest.kind(e, ErrorKind.WRONG_KEY));
        file.write(Fixed.SECRETS, keyFile, new SecureRandom());
        Path other = Files.write(directory.resolve("other"), Fixed.bytes(7));
        assertThatThrownBy(() -> file.read(Unlocker.of(new Protection.KeyFile(other))))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.WRONG_KEY));
    }

    @Test
    void everyChangedByteIsRefused() throws IOException {
        file.write(Fixed.SECRETS, keyFile, new SecureRandom());
        byte[] good = Files.readAllBytes(path);
        for (int i = 0; i < good.length; i++) {
            byte[] changed = good.clone();
            changed[i] ^= 1;
            Files.write(path, changed);
            assertThatThrownBy(() -> file.read(Unlocker.of(keyFile)))
                    .as("byte %d", i)
                    .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT));
        }
        for (int length = 0; length < good.length; length++) {
            Files.write(path, java.util.Arrays.copyOf(good, length));
            assertThatThrownBy(() -> file.read(Unlocker.of(keyFile)))
                    .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT));
        }
    }

    @Test
    void parametersAreBoundedBeforeMemoryIsTaken() {
        assertThatThrownBy(() -> Argon2Cost.ofFile(Integer.MAX_VALUE, 1, 1)).hasMessageContaining("out of bounds");
        assertThatThrownBy(() -> Argon2Cost.ofFile(64, 1_000_000, 1)).hasMessageContaining("out of bounds");
        assertThatThrownBy(() -> Argon2Cost.ofFile(64, 1, 0)).hasMessageContaining("out of bounds");
        assertThatThrownBy(() -> new Argon2Cost(7, 1, 1)).isInstanceOf(IllegalArgumentException.class);
    }

    /** RFC 9106, section 5.3, is with secret and data; this vector is the reference implementation's for Argon2id. */
    @Test
    void argon2IsThatOfTheReferenceImplementation() {
        byte[] key = new Argon2Cost(65_536, 2, 1)
                .derive(
                        "password".getBytes(java.nio.charset.StandardCharsets.US_ASCII),
                        "somesalt".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        assertThat(HEX.formatHex(key)).isEqualTo("09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
    }

    @Test
    void rewrappingReplacesTheProtection() {
        file.write(Fixed.SECRETS, passphrase, new SecureRandom());
        file.rewrap(Unlocker.of(passphrase), keyFile, new SecureRandom());
        same(file.read(Unlocker.of(keyFile)));
        assertThatThrownBy(() -> file.read(Unlocker.of(passphrase))).isInstanceOf(PpiofsException.class);
    }

    @Test
    void updatingKeepsProtectionAndCost() throws IOException {
        file.write(Fixed.SECRETS, passphrase, new SecureRandom());
        Protection atOtherCost = new Protection.Passphrase("correct horse".toCharArray(), new Argon2Cost(128, 1, 1));
        file.update(Unlocker.of(atOtherCost), s -> s.withEpoch(4), new SecureRandom());
        assertThat(file.read(Unlocker.of(passphrase)).epoch()).isEqualTo(4);
        assertThat(HEX.formatHex(Files.readAllBytes(path))).contains("83184001" + "02"); // [64, 1, 2]
    }

    @Test
    void passphrasesAreTheSameHoweverTheyAreTyped() {
        file.write(Fixed.SECRETS, passphrase("caf\u00e9"), new SecureRandom());
        same(file.read(Unlocker.of(passphrase("cafe\u0301"))));
        assertThatThrownBy(() -> passphrase("")).satisfies(e -> KeysTest.kind(e, ErrorKind.INVALID));
    }

    @Test
    void aCredentialIsAKeyFile() throws IOException {
        Files.write(directory.resolve("ppiofs.key"), Fixed.bytes(6));
        Map<String, String> environment = Map.of("CREDENTIALS_DIRECTORY", directory.toString());
        file.write(Fixed.SECRETS, keyFile, new SecureRandom());
        same(file.read(Unlocker.of(Protection.systemdCredential("ppiofs.key", environment))));
        assertThatThrownBy(() -> Protection.systemdCredential("ppiofs.key", Map.of()))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CONFIG));
        assertThatThrownBy(() -> Protection.systemdCredential("../x", environment))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CONFIG));
        assertThatThrownBy(() -> file.read(Unlocker.of(Protection.systemdCredential("absent", environment))))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.NOT_FOUND));
        Files.write(directory.resolve("short"), new byte[31]);
        assertThatThrownBy(() -> file.read(Unlocker.of(Protection.systemdCredential("short", environment))))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.INVALID));
    }

    @Test
    void readersAndDelegatedWritersAreKept() {
        VolumeSecrets reader = new VolumeSecrets(Fixed.RW.readOnly(2), 2, null);
        file.write(reader, keyFile, new SecureRandom());
        VolumeSecrets read = file.read(Unlocker.of(keyFile));
        assertThat(read).isEqualTo(reader);
        assertThat(read.owner()).isNull();
        VolumeSecrets delegate = new VolumeSecrets(Fixed.RW.readOnly(2), 2, Fixed.WRITER);
        file.write(delegate, keyFile, new SecureRandom());
        assertThat(file.read(Unlocker.of(keyFile)).keys().contentKey(2))
                .isEqualTo(Fixed.SECRETS.keys().contentKey(2));
        assertThatThrownBy(() -> new VolumeSecrets(new Capability.ReadWrite(Fixed.secret(9)), 0, Fixed.WRITER))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aMissingFileIsOneSentence() {
        assertThatThrownBy(() -> file.read(MUST_NOT_ASK)).satisfies(e -> KeysTest.kind(e, ErrorKind.NOT_FOUND));
    }

    private static void same(VolumeSecrets read) {
        assertThat(read.capability()).isEqualTo(Fixed.RW);
        assertThat(read.epoch()).isEqualTo(3);
        assertThat(read.writer()).isNotNull();
        assertThat(read.writer().certificate()).isEqualTo(Fixed.WRITER.certificate());
        assertThat(read.keys().journalKey()).isEqualTo(Fixed.SECRETS.keys().journalKey());
    }

    private static Protection passphrase(String text) {
        return new Protection.Passphrase(text.toCharArray(), Fixed.CHEAP);
    }
}
