package io.ppiofs.proofs.fr32;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Filecoin's Fr32 padding: after every 254 bits (least significant first) come two zero bits, so that each 32 bytes are an
 * element below 2^254. 127 bytes become 128. Stateless.
 */
public final class Fr32 {
    /** Bytes of payload in a group. */
    public static final int UNPADDED = 127;
    /** Bytes of the group's four elements. */
    public static final int PADDED = 128;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long LOW_62 = -1L >>> 2;

    private Fr32() {}

    /** Payload bytes that fit into {@code padded} bytes, a multiple of 128. */
    public static long unpaddedBytes(long padded) {
        return padded / PADDED * UNPADDED;
    }

    /** Pads {@code groups} × 127 bytes from {@code in[from]} to {@code groups} × 128 bytes at {@code out[to]}. */
    public static void pad(byte[] in, int from, byte[] out, int to, int groups) {
        long[] words = new long[17];
        byte[] last = new byte[8];
        for (int g = 0; g < groups; g++) {
            int at = from + g * UNPADDED;
            for (int i = 0; i < 15; i++) {
                words[i] = (long) LONGS.get(in, at + 8 * i);
            }
            System.arraycopy(in, at + 120, last, 0, 7);
            words[15] = (long) LONGS.get(last, 0);
            padGroup(words, out, to + g * PADDED);
        }
    }

    /** Element e holds the bits from 254 e, that is from word 4 e - (e > 0), shifted left by 2 e bits. */
    private static void padGroup(long[] words, byte[] out, int to) {
        for (int element = 0; element < 4; element++) {
            int shift = 2 * element;
            int first = 4 * element;
            for (int i = 0; i < 4; i++) {
                int w = first + i;
                // the two bits of each earlier element's end moved everything up
                long value = shift == 0 ? words[w] : words[w] << shift | words[w - 1] >>> Long.SIZE - shift;
                LONGS.set(out, to + 8 * w, i == 3 ? value & LOW_62 : value);
            }
        }
    }

    /** The inverse of {@link #pad}; the two highest bits of each element are ignored. */
    public static void unpad(byte[] in, int from, byte[] out, int to, int groups) {
        long[] words = new long[17];
        byte[] last = new byte[8];
        for (int g = 0; g < groups; g++) {
            int at = from + g * PADDED;
            for (int i = 0; i < 16; i++) {
                long word = (long) LONGS.get(in, at + 8 * i);
                words[i] = (i & 3) == 3 ? word & LOW_62 : word;
            }
            int target = to + g * UNPADDED;
            for (int i = 0; i < 15; i++) {
                LONGS.set(out, target + 8 * i, unpaddedWord(words, i));
            }
            LONGS.set(last, 0, unpaddedWord(words, 15));
            System.arraycopy(last, 0, out, target + 120, 7);
        }
    }

    /** Payload word i: what is left of padded word i, and the low bits of the next. */
    private static long unpaddedWord(long[] words, int i) {
        int element = i / 4;
        int shift = 2 * element;
        long low = words[i] >>> shift;
        if ((i & 3) < 3) {
            return shift == 0 ? low : low | words[i + 1] << Long.SIZE - shift;
        }
        // an element's last word has 62 bits
        return low | words[i + 1] << Long.SIZE - 2 - shift;
    }
}
