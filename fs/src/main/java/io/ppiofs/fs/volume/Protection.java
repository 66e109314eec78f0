package io.ppiofs.fs.volume;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What wraps the secrets of a volume at rest. */
public sealed interface Protection {
    /** As recorded in the file. */
    enum Kind {
        /** Whoever reads the file has the volume. */
        UNPROTECTED("unprotected: whoever can read the home directory can read and change the volume"),
        PASSPHRASE("protected by a passphrase"),
        /** A key file or a systemd credential. */
        KEY_FILE("protected by a key file");

        private final String description;

        Kind(String description) {
            this.description = description;
        }

        /** For {@code volume info} and {@code status}. */
        public String description() {
            return description;
        }
    }

    Kind kind();

    /** The key that wraps the secrets. */
    byte[] wrappingKey(byte[] salt, @Nullable Argon2Cost cost);

    /** No protection; chosen explicitly, and said wherever the volume is described. */
    record Unprotected() implements Protection {
        @Override
        public Kind kind() {
            return Kind.UNPROTECTED;
        }

        /** Public knowledge: it only lets damage be noticed. */
        @Override
        public byte[] wrappingKey(byte[] salt, @Nullable Argon2Cost cost) {
            return KeyDerivation.derive(new byte[0], salt, "ppiofs/1/secrets/unprotected", Secret.LENGTH);
        }
    }

    /** A passphrase of at least one character, normalised (NFC) so that it is the same on every keyboard. */
    final class Passphrase implements Protection {
        private final char[] characters;
        private final Argon2Cost cost;

        /** @param characters copied */
        public Passphrase(char[] characters) {
            this(characters, Argon2Cost.RECOMMENDED);
        }

        /** @param cost for wrapping; what is read is opened at the cost it was written with */
        public Passphrase(char[] characters, Argon2Cost cost) {
            if (characters.length == 0) {
                throw new PpiofsException(
                        ErrorKind.INVALID, "read", "passphrase", "it is empty; type at least one character");
            }
            this.characters = characters.clone();
            this.cost = cost;
        }

        public Argon2Cost cost() {
            return cost;
        }

        @Override
        public Kind kind() {
            return Kind.PASSPHRASE;
        }

        @Override
        public byte[] wrappingKey(byte[] salt, @Nullable Argon2Cost written) {
            byte[] slow = (written == null ? cost : written).derive(utf8(), salt);
            return KeyDerivation.derive(slow, salt, "ppiofs/1/secrets/passphrase", Secret.LENGTH);
        }

        @Override
        public String toString() {
            return "Passphrase[hidden]";
        }

        private byte[] utf8() {
            String normal = Normalizer.normalize(CharBuffer.wrap(characters), Normalizer.Form.NFC);
            try {
                ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(normal));
                byte[] array = new byte[bytes.remaining()];
                bytes.get(array);
                return array;
            } catch (CharacterCodingException e) {
                throw new PpiofsException(
                        ErrorKind.INVALID, "read", "passphrase", "it is no valid text; type it again", e);
            }
        }
    }

    /** The bytes of a file, 32 … 64 Ki, which must come from a random generator. */
    record KeyFile(Path file) implements Protection {
        private static final int MIN = 32;
        private static final int MAX = 64 * 1024;

        @Override
        public Kind kind() {
            return Kind.KEY_FILE;
        }

        @Override
        public byte[] wrappingKey(byte[] salt, @Nullable Argon2Cost cost) {
            byte[] bytes = DurableFile.read(file, MAX, "read key file");
            if (bytes == null) {
                throw new PpiofsException(
                        ErrorKind.NOT_FOUND,
                        "read key file",
                        file.toString(),
                        "there is no such file; name the right one");
            }
            if (bytes.length < MIN) {
                throw new PpiofsException(
                        ErrorKind.INVALID,
                        "read key file",
                        file.toString(),
                        "it has " + bytes.length + " bytes and needs " + MIN
                                + " random ones; make a new one with head -c 32" + " /dev/urandom");
            }
            return KeyDerivation.derive(bytes, salt, "ppiofs/1/secrets/key-file", Secret.LENGTH);
        }
    }

    /**
     * The credential that systemd passes to a unit ({@code LoadCredential=}), used as a key file.
     *
     * @param environment of the process: {@code CREDENTIALS_DIRECTORY} is read from it
     * @throws PpiofsException CONFIG if systemd passed no credentials
     */
    static KeyFile systemdCredential(String name, Map<String, String> environment) {
        if (name.isEmpty() || name.contains("/") || name.startsWith(".")) {
            throw new PpiofsException(
                    ErrorKind.CONFIG, "read", "credential " + name, "this is no name of a systemd credential");
        }
        String directory = environment.get("CREDENTIALS_DIRECTORY");
        if (directory == null || directory.isEmpty()) {
            throw new PpiofsException(
                    ErrorKind.CONFIG,
                    "read",
                    "credential " + name,
                    "systemd passed no credentials; add LoadCredential=" + name + ":FILE to the unit");
        }
        return new KeyFile(Path.of(directory, name));
    }
}
