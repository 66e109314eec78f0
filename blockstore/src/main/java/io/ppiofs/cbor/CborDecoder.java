package io.ppiofs.cbor;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads deterministic CBOR and refuses every other encoding of the same value. Lengths are compared with the bytes
 * that are left before memory is taken, so memory is bounded by a small multiple of the input.
 */
public final class CborDecoder {
    private final byte[] in;
    private int at;
    private int itemsLeft;

    private CborDecoder(byte[] in, int maxItems) {
        this.in = in;
        this.itemsLeft = maxItems;
    }

    /** Reads one value that fills {@code bytes} to the last byte. */
    public static Cbor decode(byte[] bytes) throws MalformedException {
        return decode(bytes, Integer.MAX_VALUE);
    }

    private static Cbor decode(byte[] bytes, int maxItems) throws MalformedException {
        CborDecoder d = new CborDecoder(bytes, maxItems);
        Cbor value = d.read(0);
        if (d.at != bytes.length) {
            throw new MalformedException((bytes.length - d.at) + " bytes follow the end of the record");
        }
        return value;
    }

    /** As {@link #decode}, for a record: the value must be a map. */
    public static CborMap decodeMap(byte[] bytes) throws MalformedException {
        return decodeMap(bytes, Integer.MAX_VALUE);
    }

    /**
     * The same for a large record from a stranger: an item takes one byte there and 40 here, so that a record of some MiB
     * could take hundreds.
     *
     * @param maxItems values in it, itself and what is in lists and maps included
     */
    public static CborMap decodeMap(byte[] bytes, int maxItems) throws MalformedException {
        if (decode(bytes, maxItems) instanceof CborMap map) {
            return map;
        }
        throw new MalformedException("the record is no map");
    }

    private Cbor read(int depth) throws MalformedException {
        if (depth > Cbor.MAX_DEPTH) {
            throw new MalformedException("the record is nested deeper than " + Cbor.MAX_DEPTH);
        }
        if (--itemsLeft < 0) {
            throw new MalformedException("the record has too many items");
        }
        int first = next();
        int major = first >>> 5;
        if (major == 7) {
            return simple(first);
        }
        if (major == 6) {
            throw new MalformedException("the record has a tag");
        }
        long argument = argument(first & 0x1f);
        return switch (major) {
            case 0 -> new CborInt(argument);
            case 1 -> new CborInt(-1 - argument);
            case 2 -> CborBytes.of(take(argument));
            case 3 -> new CborText(text(take(argument)));
            case 4 -> array(argument, depth);
            default -> map(argument, depth);
        };
    }

    private static Cbor simple(int first) throws MalformedException {
        return switch (first) {
            case 0xf4 -> CborSimple.FALSE;
            case 0xf5 -> CborSimple.TRUE;
            case 0xf6 -> CborSimple.NULL;
            default -> throw new MalformedException("the record has a float or an unknown simple value");
        };
    }

    private long argument(int info) throws MalformedException {
        if (info < 24) {
            return info;
        }
        if (info > 27) {
            throw new MalformedException("the record has an indefinite or reserved length");
        }
        int bytes = 1 << (info - 24);
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value = value << 8 | next();
        }
        if (value < 0) {
            throw new MalformedException("the record has a number beyond 63 bits");
        }
        boolean shortest = switch (info) {
            case 24 -> value >= 24;
            case 25 -> value > 0xff;
            case 26 -> value > 0xffff;
            default -> value > 0xffff_ffffL;
        };
        if (!shortest) {
            throw new MalformedException("the record has a number that is not in its shortest form");
        }
        return value;
    }

    private CborArray array(long count, int depth) throws MalformedException {
        requireItems(count);
        if (count > itemsLeft) {
            throw new MalformedException("the record has too many items");
        }
        List<Cbor> items = new ArrayList<>((int) count);
        for (long i = 0; i < count; i++) {
            items.add(read(depth + 1));
        }
        return new CborArray(items);
    }

    private CborMap map(long count, int depth) throws MalformedException {
        if (count > Integer.MAX_VALUE) {
            throw new MalformedException("the record ends early");
        }
        requireItems(2 * count);
        CborMap.Builder map = CborMap.builder();
        int previousStart = -1;
        int previousEnd = -1;
        for (long i = 0; i < count; i++) {
            int start = at;
            Cbor key = read(depth + 1);
            if (!(key instanceof CborInt || key instanceof CborText)) {
                throw new MalformedException("the record has a map key that is neither number nor text");
            }
            if (i > 0 && Arrays.compareUnsigned(in, previousStart, previousEnd, in, start, at) >= 0) {
                throw new MalformedException("the record has map keys twice or out of order");
            }
            previousStart = start;
            previousEnd = at;
            map.put(key, read(depth + 1));
        }
        return map.build();
    }

    /** Every item takes at least one byte. */
    private void requireItems(long count) throws MalformedException {
        if (count > in.length - at) {
            throw new MalformedException("the record ends early");
        }
    }

    private int next() throws MalformedException {
        if (at == in.length) {
            throw new MalformedException("the record ends early");
        }
        return in[at++] & 0xff;
    }

    private byte[] take(long length) throws MalformedException {
        requireItems(length);
        byte[] bytes = Arrays.copyOfRange(in, at, at + (int) length);
        at += (int) length;
        return bytes;
    }

    private static String text(byte[] utf8) throws MalformedException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(utf8))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new MalformedException("the record has a text that is not UTF-8");
        }
    }
}
