package io.ppiofs.proofs.podr2;

import java.math.BigInteger;
import supranational.blst.P1;
import supranational.blst.P1_Affine;

/** Multiples of the generator of G1 by 32 additions out of a table of 8,160 points (1 MiB, made in some 20 ms). Thread-safe. */
final class FixedBase {
    private static final int BYTES = 32;
    private static final int DIGITS = 255;

    /** [byte position from the lowest][digit - 1] */
    private final P1_Affine[][] table = new P1_Affine[BYTES][DIGITS];

    FixedBase() {
        P1 unit = P1.generator();
        for (P1_Affine[] row : table) {
            P1 multiple = unit.dup();
            for (int digit = 0; digit < DIGITS; digit++) {
                row[digit] = multiple.to_affine();
                multiple.add(unit);
            }
            unit = multiple;
        }
    }

    /** @param scalar from 0 to below 2^256 */
    P1 times(BigInteger scalar) {
        byte[] bytes = scalar.toByteArray();
        P1 sum = new P1();
        for (int i = 0; i < Math.min(BYTES, bytes.length); i++) {
            int digit = bytes[bytes.length - 1 - i] & 0xff;
            if (digit != 0) {
                sum.add(table[i][digit - 1]);
            }
        }
        return sum;
    }
}
