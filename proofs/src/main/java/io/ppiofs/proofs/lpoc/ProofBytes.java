package io.ppiofs.proofs.lpoc;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;

/** Reads the CBOR of this package's proofs: a map whose field 1 is the version, 1. */
final class ProofBytes {
    static final int VERSION = 1;

    /** Bytes of a proof for each item in it: a change of a ledger has 40 and more for five. */
    private static final int LEAST_PER_ITEM = 6;

    private static final int FEW_ITEMS = 1024;

    private ProofBytes() {}

    /** Makes a value of the fields; what they do not allow is an {@link IllegalArgumentException}, too. */
    @FunctionalInterface
    interface Reader<T> {
        T read(CborMap map) throws MalformedException;
    }

    /** @throws PpiofsException CORRUPT; TOO_BIG */
    static <T> T decode(byte[] bytes, int max, String operation, int fields, Reader<T> reader) {
        if (bytes.length > max) {
            throw new PpiofsException(ErrorKind.TOO_BIG, operation, bytes.length + " bytes", "it has at most " + max);
        }
        try {
            CborMap map = CborDecoder.decodeMap(bytes, FEW_ITEMS + bytes.length / LEAST_PER_ITEM);
            map.requireFields(fields);
            if (map.uint(1, Integer.MAX_VALUE) != VERSION) {
                throw new MalformedException("its version is not " + VERSION);
            }
            return reader.read(map);
        } catch (MalformedException | IllegalArgumentException e) {
            throw corrupt(bytes, operation, e);
        } catch (PpiofsException e) {
            throw e.kind() == ErrorKind.INVALID ? corrupt(bytes, operation, e) : e;
        }
    }

    private static PpiofsException corrupt(byte[] bytes, String operation, Exception e) {
        return new PpiofsException(
                ErrorKind.CORRUPT, operation, bytes.length + " bytes", e.getMessage() + "; ask the prover again", e);
    }

    /** A list of exactly so many parts. */
    static CborArray parts(Cbor value, int count) throws MalformedException {
        if (value instanceof CborArray list && list.items().size() == count) {
            return list;
        }
        throw new MalformedException("a part is no list of " + count);
    }

    static long number(CborArray parts, int index, long max) throws MalformedException {
        if (parts.items().get(index) instanceof CborInt i && i.value() >= 0 && i.value() <= max) {
            return i.value();
        }
        throw new MalformedException("item " + index + " of a part is no number up to " + max);
    }

    static byte[] bytes(CborArray parts, int index, int min, int max) throws MalformedException {
        if (parts.items().get(index) instanceof CborBytes b && b.length() >= min && b.length() <= max) {
            return b.value();
        }
        throw new MalformedException("item " + index + " of a part is not " + min + " to " + max + " bytes");
    }
}
