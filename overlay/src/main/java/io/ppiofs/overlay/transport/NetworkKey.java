package io.ppiofs.overlay.transport;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.google.common.io.BaseEncoding;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;

/** The 32-byte key that all members of a libp2p private network share (specification "Private Networks", PSK version 1). */
public final class NetworkKey {
    /** Bytes of a key. */
    public static final int LENGTH = 32;

    private static final String HEADER = "/key/swarm/psk/1.0.0/";

    private final byte[] key;

    private NetworkKey(byte[] key) {
        this.key = key;
    }

    /** @param key 32 bytes, copied */
    public static NetworkKey of(byte[] key) {
        if (key.length != LENGTH) {
            throw malformed("the key has " + key.length + " bytes, not " + LENGTH);
        }
        return new NetworkKey(key.clone());
    }

    /** Reads the text of a {@code swarm.key} file: header, {@code /base16/}, 64 hexadecimal digits. */
    public static NetworkKey parse(byte[] file) {
        if (file.length > 256) {
            throw malformed("the file has " + file.length + " bytes, more than 256");
        }
        String[] lines = new String(file, US_ASCII).strip().split("\\s*\\n\\s*");
        if (lines.length != 3 || !lines[0].equals(HEADER) || !lines[1].equals("/base16/")) {
            throw malformed("expected the lines " + HEADER + ", /base16/ and 64 hexadecimal digits");
        }
        try {
            return of(BaseEncoding.base16().ignoreCase().decode(lines[2]));
        } catch (IllegalArgumentException e) {
            throw malformed("the third line is not hexadecimal");
        }
    }

    /** A copy of the secret. */
    public byte[] toBytes() {
        return key.clone();
    }

    @Override
    public String toString() {
        return "key of a private network";
    }

    private static PpiofsException malformed(String detail) {
        return new PpiofsException(ErrorKind.CONFIG, "read network key", "swarm.key", detail);
    }
}
