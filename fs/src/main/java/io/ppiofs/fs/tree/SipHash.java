package io.ppiofs.fs.tree;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * SipHash-2-4 with 64-bit output (Aumasson and Bernstein, 2012). Keyed, so that nobody without the volume's key can
 * choose names that fall into one node. Immutable, thread-safe, allocates nothing per call.
 */
public final class SipHash {
    /** Bytes of the key. */
    public static final int KEY_LENGTH = 16;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final long k0;
    private final long k1;

    /** @param key exactly 16 bytes, not kept */
    public SipHash(byte[] key) {
        if (key.length != KEY_LENGTH) {
            throw new IllegalArgumentException("key of " + key.length + " bytes, not " + KEY_LENGTH);
        }
        k0 = (long) LONGS.get(key, 0);
        k1 = (long) LONGS.get(key, 8);
    }

    public long hash(byte[] message) {
        return hash(message, 0, message.length);
    }

    public long hash(byte[] message, int offset, int length) {
        long v0 = k0 ^ 0x736f6d6570736575L;
        long v1 = k1 ^ 0x646f72616e646f6dL;
        long v2 = k0 ^ 0x6c7967656e657261L;
        long v3 = k1 ^ 0x7465646279746573L;
        int whole = offset + (length & ~7);
        int rounds = 2;
        for (int at = offset; ; at += 8) {
            boolean last = at >= whole;
            long m = last ? tail(message, whole, length) : (long) LONGS.get(message, at);
            v3 ^= m;
            for (int i = 0; i < rounds; i++) {
                v0 += v1;
                v2 += v3;
                v1 = Long.rotateLeft(v1, 13) ^ v0;
                v3 = Long.rotateLeft(v3, 16) ^ v2;
                v0 = Long.rotateLeft(v0, 32);
                v2 += v1;
                v0 += v3;
                v1 = Long.rotateLeft(v1, 17) ^ v2;
                v3 = Long.rotateLeft(v3, 21) ^ v0;
                v2 = Long.rotateLeft(v2, 32);
            }
            v0 ^= m;
            if (last) {
                break;
            }
        }
        v2 ^= 0xff;
        for (int i = 0; i < 4; i++) {
            v0 += v1;
            v2 += v3;
            v1 = Long.rotateLeft(v1, 13) ^ v0;
            v3 = Long.rotateLeft(v3, 16) ^ v2;
            v0 = Long.rotateLeft(v0, 32);
            v2 += v1;
            v0 += v3;
            v1 = Long.rotateLeft(v1, 17) ^ v2;
            v3 = Long.rotateLeft(v3, 21) ^ v0;
            v2 = Long.rotateLeft(v2, 32);
        }
        return v0 ^ v1 ^ v2 ^ v3;
    }

    /** The last 0–7 bytes, little-endian, with the message's length mod 256 on top. */
    private static long tail(byte[] message, int from, int length) {
        long m = (long) length << 56;
        for (int i = 0; i < (length & 7); i++) {
            m |= (message[from + i] & 0xffL) << (8 * i);
        }
        return m;
    }
}
