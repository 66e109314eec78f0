package io.ppiofs.proofs.sdr;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The random numbers of Rust's {@code rand_chacha::ChaCha8Rng}: ChaCha with eight rounds (D. J. Bernstein, "ChaCha, a
 * variant of Salsa20"), block counter and nonce of zero, key stream read as little-endian 64-bit words. Reusable, not
 * thread-safe.
 */
final class ChaCha8 {
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int DOUBLE_ROUNDS = 4;

    private final int[] input = new int[16];
    private final int[] block = new int[16];
    private int next;

    ChaCha8() {
        // "expand 32-byte k"
        input[0] = 0x61707865;
        input[1] = 0x3320646e;
        input[2] = 0x79622d32;
        input[3] = 0x6b206574;
    }

    /** Starts again with a key of 32 bytes. */
    void seed(byte[] key) {
        for (int i = 0; i < 8; i++) {
            input[4 + i] = (int) INTS.get(key, 4 * i);
        }
        input[12] = 0;
        next = block.length;
    }

    long nextLong() {
        if (next == block.length) {
            refill();
        }
        // always two words of one block: words are taken in pairs only
        long low = block[next] & 0xffff_ffffL;
        long high = block[next + 1];
        next += 2;
        return high << 32 | low;
    }

    private void refill() {
        System.arraycopy(input, 0, block, 0, 16);
        for (int i = 0; i < DOUBLE_ROUNDS; i++) {
            quarter(0, 4, 8, 12);
            quarter(1, 5, 9, 13);
            quarter(2, 6, 10, 14);
            quarter(3, 7, 11, 15);
            quarter(0, 5, 10, 15);
            quarter(1, 6, 11, 12);
            quarter(2, 7, 8, 13);
            quarter(3, 4, 9, 14);
        }
        for (int i = 0; i < 16; i++) {
            block[i] += input[i];
        }
        input[12]++;
        next = 0;
    }

    private void quarter(int a, int b, int c, int d) {
        int[] x = block;
        x[a] += x[b];
        x[d] = Integer.rotateLeft(x[d] ^ x[a], 16);
        x[c] += x[d];
        x[b] = Integer.rotateLeft(x[b] ^ x[c], 12);
        x[a] += x[b];
        x[d] = Integer.rotateLeft(x[d] ^ x[a], 8);
        x[c] += x[d];
        x[b] = Integer.rotateLeft(x[b] ^ x[c], 7);
    }
}
