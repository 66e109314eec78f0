package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A capability given so that it stands in no list of processes: {@code @FILE}, or {@code -} for standard input. */
final class CapabilityArgument {
    private static final int MAX_LENGTH = 1024;

    private CapabilityArgument() {}

    /** The argument itself, or what stands in the file that it names. @throws PpiofsException NOT_FOUND, TOO_BIG, IO */
    static String read(String argument) {
        if (argument.equals("-")) {
            return first(System.in, "standard input");
        }
        if (!argument.startsWith("@")) {
            return argument;
        }
        Path file = Path.of(argument.substring(1));
        if (!Files.isReadable(file)) {
            throw new PpiofsException(ErrorKind.NOT_FOUND, "read capability", file.toString(), "cannot be read");
        }
        try (InputStream in = Files.newInputStream(file)) {
            return first(in, file.toString());
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, "read capability", file.toString(), "cannot be read", e);
        }
    }

    private static String first(InputStream in, String subject) {
        try {
            byte[] bytes = in.readNBytes(MAX_LENGTH + 1);
            if (bytes.length > MAX_LENGTH) {
                throw new PpiofsException(ErrorKind.TOO_BIG, "read capability", subject, "is longer than one can be");
            }
            return new String(bytes, StandardCharsets.US_ASCII).strip();
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, "read capability", subject, "cannot be read", e);
        }
    }
}
