package io.ppiofs.proofs.pod;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * SHA-256 (FIPS 180-4) by its states: what the JDK's has inside and does not give out. A state is 32 bytes, big-endian. Reusable, not
 * thread-safe.
 */
final class Sha256Chain {
    /** Bytes of a state. */
    static final int STATE = 32;

    private static final int BLOCK = 64;
    private static final int[] K = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
    };

    private static final int[] START = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
    };

    private final int[] w = new int[BLOCK];
    private final int[] h = new int[8];
    private final byte[] tail = new byte[2 * BLOCK];

    /** The state before the first byte, a new array. */
    static byte[] start() {
        ByteBuffer state = ByteBuffer.allocate(STATE);
        for (int word : START) {
            state.putInt(word);
        }
        return state.array();
    }

    /**
     * The state behind some bytes.
     *
     * @param state before them; {@value #STATE} bytes at {@code stateAt}
     * @param length a multiple of 64
     */
    void advance(byte[] state, int stateAt, byte[] data, int from, int length, byte[] out, int to) {
        load(state, stateAt);
        absorb(data, from, length);
        store(out, to);
    }

    /**
     * The digest of a message of {@code total} bytes whose last {@code length} bytes are given, the state before them known.
     *
     * @param total less than 2^31
     */
    byte[] finish(byte[] state, int stateAt, byte[] data, int from, int length, int total) {
        load(state, stateAt);
        int whole = length / BLOCK * BLOCK;
        absorb(data, from, whole);
        int rest = length - whole;
        Arrays.fill(tail, (byte) 0);
        System.arraycopy(data, from + whole, tail, 0, rest);
        tail[rest] = (byte) 0x80;
        int padded = rest + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
        ByteBuffer.wrap(tail).putLong(padded - Long.BYTES, 8L * total);
        absorb(tail, 0, padded);
        byte[] digest = new byte[STATE];
        store(digest, 0);
        return digest;
    }

    private void load(byte[] state, int at) {
        ByteBuffer words = ByteBuffer.wrap(state, at, STATE);
        for (int i = 0; i < h.length; i++) {
            h[i] = words.getInt();
        }
    }

    private void store(byte[] out, int to) {
        ByteBuffer words = ByteBuffer.wrap(out, to, STATE);
        for (int word : h) {
            words.putInt(word);
        }
    }

    private void absorb(byte[] data, int from, int length) {
        ByteBuffer words = ByteBuffer.wrap(data, from, length);
        for (int at = 0; at < length; at += BLOCK) {
            for (int i = 0; i < 16; i++) {
                w[i] = words.getInt();
            }
            compress();
        }
    }

    private void compress() {
        for (int i = 16; i < BLOCK; i++) {
            int x = w[i - 15];
            int y = w[i - 2];
            int s0 = Integer.rotateRight(x, 7) ^ Integer.rotateRight(x, 18) ^ x >>> 3;
            int s1 = Integer.rotateRight(y, 17) ^ Integer.rotateRight(y, 19) ^ y >>> 10;
            w[i] = w[i - 16] + s0 + w[i - 7] + s1;
        }
        int a = h[0];
        int b = h[1];
        int c = h[2];
        int d = h[3];
        int e = h[4];
        int f = h[5];
        int g = h[6];
        int last = h[7];
        for (int i = 0; i < BLOCK; i++) {
            int s1 = Integer.rotateRight(e, 6) ^ Integer.rotateRight(e, 11) ^ Integer.rotateRight(e, 25);
            int t1 = last + s1 + (e & f ^ ~e & g) + K[i] + w[i];
            int s0 = Integer.rotateRight(a, 2) ^ Integer.rotateRight(a, 13) ^ Integer.rotateRight(a, 22);
            int t2 = s0 + (a & b ^ a & c ^ b & c);
            last = g;
            g = f;
            f = e;
            e = d + t1;
            d = c;
            c = b;
            b = a;
            a = t1 + t2;
        }
        h[0] += a;
        h[1] += b;
        h[2] += c;
        h[3] += d;
        h[4] += e;
        h[5] += f;
        h[6] += g;
        h[7] += last;
    }
}
