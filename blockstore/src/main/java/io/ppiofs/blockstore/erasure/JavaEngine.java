package io.ppiofs.blockstore.erasure;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Multiplication as xor of doublings, eight bytes to a long: from a piece of input the eight multiples by 2^0 to 2^7 are
 * made, and each output adds those whose bits its coefficient has. The loops over long[] are plain enough for C2 to use vector
 * instructions, which table look-ups are not: split tables of 4 bits reach a fraction of the speed in Java.
 */
final class JavaEngine implements CodingEngine {
    static final JavaEngine INSTANCE = new JavaEngine();

    /** Longs of a piece: its eight multiples fill half of a first-level cache. */
    private static final int PIECE = 256;

    private static final int BYTES = PIECE * Long.BYTES;
    private static final long LOW_BITS = 0x0101010101010101L;
    private static final long ALL_BUT_HIGH_BITS = 0x7f7f7f7f7f7f7f7fL;
    private static final long REDUCTION = 0x1d1d1d1d1d1d1d1dL;

    private JavaEngine() {}

    @Override
    public String name() {
        return "java";
    }

    @Override
    public Prepared prepare(byte[][] matrix) {
        return new Multiplication(matrix);
    }

    private static final class Multiplication implements Prepared {
        private final byte[][] matrix;
        /** Per input the highest bit that any output needs. */
        private final int[] highest;

        Multiplication(byte[][] matrix) {
            this.matrix = matrix;
            int columns = matrix.length == 0 ? 0 : matrix[0].length;
            highest = new int[columns];
            for (int c = 0; c < columns; c++) {
                int all = 0;
                for (byte[] row : matrix) {
                    all |= row[c] & 0xff;
                }
                highest[c] = 31 - Integer.numberOfLeadingZeros(Math.max(1, all));
            }
        }

        @Override
        public void apply(ByteBuffer[] inputs, ByteBuffer[] outputs) {
            long[][] multiples = new long[8][PIECE];
            long[][] sums = new long[outputs.length][PIECE];
            int length =
                    Arrays.stream(outputs).mapToInt(ByteBuffer::remaining).max().orElse(0);
            for (int at = 0; at < length; at += BYTES) {
                for (long[] sum : sums) {
                    Arrays.fill(sum, 0);
                }
                for (int c = 0; c < inputs.length; c++) {
                    if (load(inputs[c], at, multiples[0])) {
                        for (int bit = 1; bit <= highest[c]; bit++) {
                            doubled(multiples[bit - 1], multiples[bit]);
                        }
                        for (int r = 0; r < outputs.length; r++) {
                            add(sums[r], multiples, matrix[r][c] & 0xff);
                        }
                    }
                }
                for (int r = 0; r < outputs.length; r++) {
                    store(sums[r], outputs[r], at);
                }
            }
        }
    }

    /** Whether there was something to load; what lies behind the input's end is zero. */
    private static boolean load(ByteBuffer input, int at, long[] piece) {
        int n = Math.min(BYTES, input.remaining() - at);
        if (n <= 0) {
            return false;
        }
        ByteBuffer from = input.slice(input.position() + at, n).order(ByteOrder.nativeOrder());
        int whole = n / Long.BYTES;
        from.asLongBuffer().get(piece, 0, whole);
        if (n < BYTES) {
            Arrays.fill(piece, whole, PIECE, 0);
            ByteBuffer last = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
            last.put(from.position(whole * Long.BYTES));
            if (whole < PIECE) {
                piece[whole] = last.getLong(0);
            }
        }
        return true;
    }

    private static void store(long[] piece, ByteBuffer output, int at) {
        int n = Math.min(BYTES, output.remaining() - at);
        if (n <= 0) {
            return;
        }
        ByteBuffer into = output.slice(output.position() + at, n).order(ByteOrder.nativeOrder());
        int whole = n / Long.BYTES;
        into.asLongBuffer().put(piece, 0, whole);
        if (n % Long.BYTES != 0) {
            ByteBuffer last = ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.nativeOrder())
                    .putLong(0, piece[whole]);
            into.position(whole * Long.BYTES).put(last.limit(n % Long.BYTES));
        }
    }

    /** Each byte times two: shifted, and reduced where the high bit fell out. */
    private static void doubled(long[] from, long[] to) {
        for (int i = 0; i < PIECE; i++) {
            long x = from[i];
            long high = x >>> 7 & LOW_BITS;
            to[i] = (x & ALL_BUT_HIGH_BITS) << 1 ^ (high << 8) - high & REDUCTION;
        }
    }

    /** Adds the multiples whose bits {@code coefficient} has, up to four in one pass over the sum. */
    private static void add(long[] sum, long[][] multiples, int coefficient) {
        int rest = coefficient;
        while (rest != 0) {
            long[] a = multiples[Integer.numberOfTrailingZeros(rest)];
            rest &= rest - 1;
            if (rest == 0) {
                add1(sum, a);
                return;
            }
            long[] b = multiples[Integer.numberOfTrailingZeros(rest)];
            rest &= rest - 1;
            if (rest == 0) {
                add2(sum, a, b);
                return;
            }
            long[] c = multiples[Integer.numberOfTrailingZeros(rest)];
            rest &= rest - 1;
            if (rest == 0) {
                add3(sum, a, b, c);
                return;
            }
            long[] d = multiples[Integer.numberOfTrailingZeros(rest)];
            rest &= rest - 1;
            add4(sum, a, b, c, d);
        }
    }

    private static void add1(long[] sum, long[] a) {
        for (int i = 0; i < PIECE; i++) {
            sum[i] ^= a[i];
        }
    }

    private static void add2(long[] sum, long[] a, long[] b) {
        for (int i = 0; i < PIECE; i++) {
            sum[i] ^= a[i] ^ b[i];
        }
    }

    private static void add3(long[] sum, long[] a, long[] b, long[] c) {
        for (int i = 0; i < PIECE; i++) {
            sum[i] ^= a[i] ^ b[i] ^ c[i];
        }
    }

    private static void add4(long[] sum, long[] a, long[] b, long[] c, long[] d) {
        for (int i = 0; i < PIECE; i++) {
            sum[i] ^= a[i] ^ b[i] ^ c[i] ^ d[i];
        }
    }
}
