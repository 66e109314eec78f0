package io.ppiofs.overlay.fuzz;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.stream.Stream;

/**
 * Messages as js-libp2p encodes them, written by {@code tests/src/test/js/libp2p-peer/goldens.mjs}: the key is of the seed of
 * 32 ones, the other peer's of 32 twos.
 */
public final class JsLibp2p {
    private JsLibp2p() {}

    /** The bytes of one message, without length prefix. */
    public static byte[] bytes(String name) {
        try (InputStream in = JsLibp2p.class.getResourceAsStream("/js-libp2p/" + name)) {
            if (in == null) {
                throw new AssertionError("no message " + name + " of js-libp2p");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Several, as seeds of a fuzz test. */
    public static Stream<byte[]> all(String... names) {
        return Arrays.stream(names).map(JsLibp2p::bytes);
    }
}
