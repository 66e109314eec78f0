package io.ppiofs.overlay.network;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Bytes that must never change, in hexadecimal, one file for each. */
public final class Golden {
    private Golden() {}

    /** Whitespace in the file means nothing. A missing file shows what it should hold. */
    public static String hex(String name, byte[] actual) {
        try (InputStream in = Golden.class.getResourceAsStream(name + ".hex")) {
            if (in == null) {
                throw new AssertionError("no golden file " + name + ".hex; the bytes are "
                        + HexFormat.of().formatHex(actual));
            }
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII).replaceAll("\\s", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
