package io.ppiofs.proofs.lpoc;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.proofs.sdr.Sha256;
import java.util.Arrays;

/**
 * The hash of a subtree of the ledger, or of all of it, and how many units are in it.
 *
 * <p>A place with a unit has {@code SHA-256(0x00 || "ppiofs idle unit v1" || BE64(number) || commR)}; a pair of subtrees {@code SHA-256(0x01 ||
 * BE64(count) || hash || BE64(count) || hash)}, left before right; what has no unit in it has 32 zero bytes, whatever its size.
 *
 * @param hash 32 bytes, not copied
 * @param count from 0
 */
public record LedgerRoot(byte[] hash, long count) {
    /** Of a ledger, or a part of one, without a unit. */
    public static final LedgerRoot EMPTY = new LedgerRoot(new byte[Sha256.BYTES], 0);

    private static final byte[] UNIT = "ppiofs idle unit v1".getBytes(US_ASCII);

    public LedgerRoot {
        if (hash.length != Sha256.BYTES || count < 0) {
            throw new IllegalArgumentException(hash.length + " bytes, " + count + " units");
        }
    }

    /** The place of a unit. @param commR 32 bytes, the unit's commitment */
    static LedgerRoot unit(long number, byte[] commR) {
        return new LedgerRoot(
                new Sha256()
                        .update((byte) 0)
                        .update(UNIT)
                        .updateLong(number)
                        .update(commR)
                        .digest(),
                1);
    }

    static LedgerRoot pair(LedgerRoot left, LedgerRoot right) {
        if (left.count == 0 && right.count == 0) {
            return EMPTY;
        }
        byte[] hash = new Sha256()
                .update((byte) 1)
                .updateLong(left.count)
                .update(left.hash)
                .updateLong(right.count)
                .update(right.hash)
                .digest();
        return new LedgerRoot(hash, left.count + right.count);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof LedgerRoot other && count == other.count && Arrays.equals(hash, other.hash);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(hash);
    }
}
