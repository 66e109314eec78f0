package io.ppiofs.proofs.podr2;

/** Arithmetic modulo the prime 2^61 - 1 on longs from 0 to below it. */
final class Mersenne61 {
    static final long PRIME = (1L << 61) - 1;

    private Mersenne61() {}

    /** Any 64 bits, taken as unsigned. */
    static long reduce(long value) {
        long folded = (value & PRIME) + (value >>> 61);
        return folded >= PRIME ? folded - PRIME : folded;
    }

    static long add(long a, long b) {
        long sum = a + b;
        return sum >= PRIME ? sum - PRIME : sum;
    }

    static long multiply(long a, long b) {
        long high = Math.multiplyHigh(a, b);
        long low = a * b;
        return reduce((low & PRIME) + (low >>> 61 | high << 3));
    }

    /** An unsigned number of 128 bits. */
    static long reduce(long high, long low) {
        // 2^64 = 8 modulo the prime
        return add(multiply(reduce(high), 8), reduce(low));
    }
}
