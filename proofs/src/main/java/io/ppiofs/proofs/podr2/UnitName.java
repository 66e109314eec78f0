package io.ppiofs.proofs.podr2;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Which unit of which block a tag is for. Immutable as long as nobody writes to the array, which is not copied.
 *
 * @param cid the block's binary content id, 1 to 128 bytes
 * @param unit from 0
 */
public record UnitName(byte[] cid, int unit) {
    /** Bytes of a unit; the last one of a block is filled up with zeros. */
    public static final int UNIT_BYTES = 8192;

    private static final int MAX_CID = 128;

    public UnitName {
        if (cid.length < 1 || cid.length > MAX_CID || unit < 0) {
            throw new IllegalArgumentException("a unit " + unit + " of a cid of " + cid.length + " bytes");
        }
    }

    /** What is hashed for it: different for different names. */
    byte[] message() {
        return ByteBuffer.allocate(2 * Integer.BYTES + cid.length)
                .putInt(cid.length)
                .put(cid)
                .putInt(unit)
                .array();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof UnitName other && unit == other.unit && Arrays.equals(cid, other.cid);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(cid) + unit;
    }
}
