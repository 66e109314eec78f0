package io.ppiofs.proofs.sdr;

/**
 * The first eight bytes of BLAKE2b-512 (RFC 7693, no key) of a message of two 64-bit words: all that the expander's
 * round function needs of it, in one compression. Reusable, not thread-safe.
 */
final class Blake2b {
    private static final int ROUNDS = 12;
    private static final long MESSAGE_BYTES = 16;

    private static final long[] IV = {
        0x6a09e667f3bcc908L, 0xbb67ae8584caa73bL, 0x3c6ef372fe94f82bL, 0xa54ff53a5f1d36f1L,
        0x510e527fade682d1L, 0x9b05688c2b3e6c1fL, 0x1f83d9abfb41bd6bL, 0x5be0cd19137e2179L
    };

    /** RFC 7693 section 2.7; rounds 10 and 11 use the first two rows again. */
    private static final byte[][] SIGMA = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
        {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
        {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
        {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
        {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    };

    /** Digest of 64 bytes, no key, fan-out and depth 1. */
    private static final long PARAMETERS = 0x01010040L;

    private final long[] v = new long[16];
    private final long[] m = new long[16];

    /**
     * @param first the message's bytes 0–7, big-endian
     * @param second the message's bytes 8–15, big-endian
     * @return the digest's bytes 0–7, big-endian
     */
    long firstWord(long first, long second) {
        m[0] = Long.reverseBytes(first);
        m[1] = Long.reverseBytes(second);
        System.arraycopy(IV, 0, v, 0, 8);
        System.arraycopy(IV, 0, v, 8, 8);
        v[0] ^= PARAMETERS;
        v[12] ^= MESSAGE_BYTES;
        v[14] = ~v[14];
        for (int round = 0; round < ROUNDS; round++) {
            byte[] s = SIGMA[round % SIGMA.length];
            mix(0, 4, 8, 12, m[s[0]], m[s[1]]);
            mix(1, 5, 9, 13, m[s[2]], m[s[3]]);
            mix(2, 6, 10, 14, m[s[4]], m[s[5]]);
            mix(3, 7, 11, 15, m[s[6]], m[s[7]]);
            mix(0, 5, 10, 15, m[s[8]], m[s[9]]);
            mix(1, 6, 11, 12, m[s[10]], m[s[11]]);
            mix(2, 7, 8, 13, m[s[12]], m[s[13]]);
            mix(3, 4, 9, 14, m[s[14]], m[s[15]]);
        }
        return Long.reverseBytes(IV[0] ^ PARAMETERS ^ v[0] ^ v[8]);
    }

    private void mix(int a, int b, int c, int d, long x, long y) {
        long[] w = v;
        w[a] = w[a] + w[b] + x;
        w[d] = Long.rotateRight(w[d] ^ w[a], 32);
        w[c] = w[c] + w[d];
        w[b] = Long.rotateRight(w[b] ^ w[c], 24);
        w[a] = w[a] + w[b] + y;
        w[d] = Long.rotateRight(w[d] ^ w[a], 16);
        w[c] = w[c] + w[d];
        w[b] = Long.rotateRight(w[b] ^ w[c], 63);
    }
}
