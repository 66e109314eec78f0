package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.Unlock;
import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a passphrase or key comes from: a file or the terminal, never the command line, which everybody can read. */
final class UnlockOptions {
    /** A file that is larger is not what was meant. */
    private static final int MAX_SECRET = 64 * 1024;

    @Option(
            names = "--passphrase-file",
            paramLabel = "FILE",
            description = "its first line is the passphrase; default $PPIOFS_PASSPHRASE_FILE, then the terminal asks")
    private @Nullable Path passphraseFile;

    @Option(names = "--key-file", paramLabel = "FILE", description = "its bytes, at least 32 random ones, are the key")
    private @Nullable Path keyFile;

    /** What the options and the environment give; {@link Unlock#NONE} if nothing. */
    Unlock read(Map<String, String> environment, @Nullable Path mountOptionPassphrase, @Nullable Path mountOptionKey) {
        Path key = keyFile != null ? keyFile : mountOptionKey;
        Path passphrase = passphraseFile != null ? passphraseFile : mountOptionPassphrase;
        String fromEnvironment = environment.getOrDefault("PPIOFS_PASSPHRASE_FILE", "");
        if (key == null && passphrase == null && !fromEnvironment.isEmpty()) {
            passphrase = Path.of(fromEnvironment);
        }
        return new Unlock(
                passphrase == null ? null : firstLine(content(passphrase), passphrase),
                key == null ? null : key.toAbsolutePath().normalize());
    }

    private static byte[] content(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_SECRET + 1);
            if (bytes.length == 0 || bytes.length > MAX_SECRET) {
                throw new PpiofsException(
                        ErrorKind.INVALID, "passphrase file", file.toString(), "must have from 1 byte to 64 KiB");
            }
            return bytes;
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND,
                    "passphrase file",
                    file.toString(),
                    "cannot be read (" + e.getMessage() + ")",
                    e);
        }
    }

    private static char[] firstLine(byte[] bytes, Path file) {
        int end = 0;
        while (end < bytes.length && bytes[end] != '\n' && bytes[end] != '\r') {
            end++;
        }
        if (end == 0) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "passphrase file", file.toString(), "must not begin with an empty line");
        }
        CharBuffer chars = StandardCharsets.UTF_8.decode(ByteBuffer.wrap(bytes, 0, end));
        char[] passphrase = new char[chars.remaining()];
        chars.get(passphrase);
        Arrays.fill(bytes, (byte) 0);
        Arrays.fill(chars.array(), '\0');
        return passphrase;
    }

    /** Asks on the terminal. @return null if there is none */
    static @Nullable Unlock ask(String volume) {
        Console console = System.console();
        if (console == null) {
            return null;
        }
        char[] passphrase = console.readPassword("Passphrase of volume %s: ", volume);
        return passphrase == null || passphrase.length == 0 ? null : new Unlock(passphrase, null);
    }
}
