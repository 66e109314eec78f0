package io.ppiofs.cbor;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Writes the one deterministic encoding of a value. */
public final class CborEncoder {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private CborEncoder() {}

    /** @throws IllegalArgumentException nesting beyond {@link Cbor#MAX_DEPTH}, or a text that is no Unicode */
    public static byte[] encode(Cbor value) {
        CborEncoder e = new CborEncoder();
        e.write(value, 0);
        return e.out.toByteArray();
    }

    private void write(Cbor value, int depth) {
        if (depth > Cbor.MAX_DEPTH) {
            throw new IllegalArgumentException("nested deeper than " + Cbor.MAX_DEPTH);
        }
        if (value instanceof CborInt i) {
            writeInt(i.value());
        } else if (value instanceof CborBytes b) {
            head(2, b.length());
            out.writeBytes(b.value());
        } else if (value instanceof CborText t) {
            byte[] utf8 = utf8(t.value());
            head(3, utf8.length);
            out.writeBytes(utf8);
        } else if (value instanceof CborArray a) {
            head(4, a.items().size());
            a.items().forEach(item -> write(item, depth + 1));
        } else if (value instanceof CborMap m) {
            head(5, m.size());
            for (Map.Entry<Cbor, Cbor> entry : m.entries().entrySet()) {
                write(entry.getKey(), depth + 1);
                write(entry.getValue(), depth + 1);
            }
        } else if (value instanceof CborSimple s) {
            out.write(0xf4 + s.ordinal());
        }
    }

    private void writeInt(long value) {
        if (value >= 0) {
            head(0, value);
        } else {
            head(1, -1 - value);
        }
    }

    /** Major type and the shortest form of the argument (RFC 8949 section 4.2.1). */
    private void head(int major, long argument) {
        int type = major << 5;
        if (argument < 24) {
            out.write(type | (int) argument);
        } else if (argument <= 0xff) {
            argument(type | 24, argument, 1);
        } else if (argument <= 0xffff) {
            argument(type | 25, argument, 2);
        } else if (argument <= 0xffff_ffffL) {
            argument(type | 26, argument, 4);
        } else {
            argument(type | 27, argument, 8);
        }
    }

    private void argument(int first, long argument, int bytes) {
        out.write(first);
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
            out.write((int) (argument >>> shift));
        }
    }

    private static byte[] utf8(String text) {
        try {
            ByteBuffer utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            byte[] bytes = new byte[utf8.remaining()];
            utf8.get(bytes);
            return bytes;
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("text with half a surrogate pair", e);
        }
    }
}
