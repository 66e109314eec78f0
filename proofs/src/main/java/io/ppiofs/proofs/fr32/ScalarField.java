package io.ppiofs.proofs.fr32;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigInteger;
import java.nio.ByteOrder;

/**
 * Addition modulo q, the order of BLS12-381's scalar field, of little-endian elements of 32 bytes in place. Stateless. Not
 * in constant time: replica and key are no secrets.
 */
public final class ScalarField {
    /** Bytes of an element. */
    public static final int BYTES = 32;

    /** q. */
    public static final BigInteger ORDER =
            new BigInteger("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001", 16);

    private static final long Q0 = 0xffffffff00000001L;
    private static final long Q1 = 0x53bda402fffe5bfeL;
    private static final long Q2 = 0x3339d80809a1d805L;
    private static final long Q3 = 0x73eda753299d7d48L;
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private ScalarField() {}

    /**
     * Adds {@code keys} to the elements of {@code data}, both from their start and for {@code elements} elements.
     *
     * @throws PpiofsException CORRUPT if an element of either is not below q
     */
    public static void add(byte[] data, byte[] keys, int elements) {
        for (int at = 0; at < elements * BYTES; at += BYTES) {
            requireReduced(data, at);
            requireReduced(keys, at);
            long a0 = (long) LONGS.get(data, at);
            long a1 = (long) LONGS.get(data, at + 8);
            long a2 = (long) LONGS.get(data, at + 16);
            long s0 = a0 + (long) LONGS.get(keys, at);
            long c = carry(s0, a0);
            long s1 = a1 + (long) LONGS.get(keys, at + 8);
            long c1 = carry(s1, a1);
            s1 += c;
            c = c1 | carry(s1, c);
            long s2 = a2 + (long) LONGS.get(keys, at + 16);
            long c2 = carry(s2, a2);
            s2 += c;
            c = c2 | carry(s2, c);
            // both are below 2^255: no carry goes beyond
            long s3 = (long) LONGS.get(data, at + 24) + (long) LONGS.get(keys, at + 24) + c;
            if (reduced(s0, s1, s2, s3)) {
                store(data, at, s0, s1, s2, s3);
            } else {
                subtract(data, at, s0, s1, s2, s3, Q0, Q1, Q2, Q3);
            }
        }
    }

    /** Subtracts {@code keys} from the elements of {@code data}; otherwise as {@link #add}. */
    public static void subtract(byte[] data, byte[] keys, int elements) {
        for (int at = 0; at < elements * BYTES; at += BYTES) {
            requireReduced(data, at);
            requireReduced(keys, at);
            long borrowed = subtract(
                    data,
                    at,
                    (long) LONGS.get(data, at),
                    (long) LONGS.get(data, at + 8),
                    (long) LONGS.get(data, at + 16),
                    (long) LONGS.get(data, at + 24),
                    (long) LONGS.get(keys, at),
                    (long) LONGS.get(keys, at + 8),
                    (long) LONGS.get(keys, at + 16),
                    (long) LONGS.get(keys, at + 24));
            if (borrowed != 0) {
                addOrder(data, at);
            }
        }
    }

    /** Whether the element at {@code at} is below q. */
    public static boolean isReduced(byte[] element, int at) {
        return reduced(
                (long) LONGS.get(element, at),
                (long) LONGS.get(element, at + 8),
                (long) LONGS.get(element, at + 16),
                (long) LONGS.get(element, at + 24));
    }

    private static void requireReduced(byte[] element, int at) {
        if (!isReduced(element, at)) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "encode",
                    "element " + at / BYTES,
                    "it is not below the field's order; the file is damaged or was not padded");
        }
    }

    private static boolean reduced(long w0, long w1, long w2, long w3) {
        if (w3 != Q3) {
            return Long.compareUnsigned(w3, Q3) < 0;
        }
        if (w2 != Q2) {
            return Long.compareUnsigned(w2, Q2) < 0;
        }
        if (w1 != Q1) {
            return Long.compareUnsigned(w1, Q1) < 0;
        }
        return Long.compareUnsigned(w0, Q0) < 0;
    }

    /** 1 if a sum is less than one of its terms. */
    private static long carry(long sum, long term) {
        return Long.compareUnsigned(sum, term) < 0 ? 1 : 0;
    }

    /** Stores a - b modulo 2^256. @return 1 if b is greater than a */
    private static long subtract(
            byte[] out, int at, long a0, long a1, long a2, long a3, long b0, long b1, long b2, long b3) {
        long d0 = a0 - b0;
        long borrow = carry(a0, b0);
        long d1 = a1 - b1 - borrow;
        borrow = borrow(a1, b1, borrow);
        long d2 = a2 - b2 - borrow;
        borrow = borrow(a2, b2, borrow);
        long d3 = a3 - b3 - borrow;
        borrow = borrow(a3, b3, borrow);
        store(out, at, d0, d1, d2, d3);
        return borrow;
    }

    private static long borrow(long a, long b, long borrow) {
        return a == b ? borrow : carry(a, b);
    }

    private static void addOrder(byte[] data, int at) {
        long a0 = (long) LONGS.get(data, at);
        long a1 = (long) LONGS.get(data, at + 8);
        long a2 = (long) LONGS.get(data, at + 16);
        long s0 = a0 + Q0;
        long c = carry(s0, a0);
        long s1 = a1 + Q1 + c;
        c = c == 0 ? carry(s1, a1) : s1 == a1 ? 1 : carry(s1, a1);
        long s2 = a2 + Q2 + c;
        c = c == 0 ? carry(s2, a2) : s2 == a2 ? 1 : carry(s2, a2);
        store(data, at, s0, s1, s2, (long) LONGS.get(data, at + 24) + Q3 + c);
    }

    private static void store(byte[] out, int at, long w0, long w1, long w2, long w3) {
        LONGS.set(out, at, w0);
        LONGS.set(out, at + 8, w1);
        LONGS.set(out, at + 16, w2);
        LONGS.set(out, at + 24, w3);
    }
}
