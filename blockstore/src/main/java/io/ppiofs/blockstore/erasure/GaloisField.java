package io.ppiofs.blockstore.erasure;

/** GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11d), generator 2. Elements are ints of 0 to 255; addition is xor. */
final class GaloisField {
    private static final int POLYNOMIAL = 0x11d;
    private static final byte[] EXP = new byte[510];
    private static final int[] LOG = new int[256];

    static {
        int x = 1;
        for (int i = 0; i < 255; i++) {
            EXP[i] = (byte) x;
            EXP[i + 255] = (byte) x;
            LOG[x] = i;
            x <<= 1;
            if (x > 255) {
                x ^= POLYNOMIAL;
            }
        }
    }

    private GaloisField() {}

    static int multiply(int a, int b) {
        return a == 0 || b == 0 ? 0 : EXP[LOG[a] + LOG[b]] & 0xff;
    }

    /** @throws ArithmeticException for 0 */
    static int inverse(int a) {
        if (a == 0) {
            throw new ArithmeticException("0 has no inverse");
        }
        return EXP[255 - LOG[a]] & 0xff;
    }

    /** 0 to the power of 0 is 1. */
    static int power(int a, int exponent) {
        return exponent == 0 ? 1 : a == 0 ? 0 : EXP[LOG[a] * exponent % 255] & 0xff;
    }
}
