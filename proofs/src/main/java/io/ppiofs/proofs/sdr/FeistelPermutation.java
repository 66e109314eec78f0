package io.ppiofs.proofs.sdr;

/**
 * A permutation of [0, size): three rounds of a Feistel network over the least even number of bits that holds the range,
 * walked until the value falls into the range. Round function: BLAKE2b-512 of right half and key. Source: the Filecoin
 * specification's ZigZag/Chung expander ("feistel", three rounds). Not thread-safe.
 */
final class FeistelPermutation {
    private static final int ROUNDS = 3;

    private final long size;
    private final long[] keys;
    private final int halfBits;
    private final long mask;
    private final Blake2b hash = new Blake2b();

    /** @param keys at least three; the first three are used */
    FeistelPermutation(long size, long[] keys) {
        this.size = size;
        this.keys = keys.clone();
        int bits = 1;
        while (1L << 2 * bits < size) {
            bits++;
        }
        halfBits = bits;
        mask = (1L << bits) - 1;
    }

    long permute(long index) {
        long value = index;
        do {
            value = encode(value);
        } while (value >= size);
        return value;
    }

    private long encode(long value) {
        long left = value >>> halfBits & mask;
        long right = value & mask;
        for (int round = 0; round < ROUNDS; round++) {
            long mixed = left ^ hash.firstWord(right, keys[round]) & mask;
            left = right;
            right = mixed;
        }
        return left << halfBits | right;
    }
}
