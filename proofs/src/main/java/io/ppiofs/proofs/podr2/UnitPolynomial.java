package io.ppiofs.proofs.podr2;

import io.ppiofs.proofs.fr32.ScalarField;
import java.math.BigInteger;
import java.util.Arrays;

/** A unit as a polynomial: each 31 bytes, big-endian, are a coefficient, the first the constant one. */
final class UnitPolynomial {
    private static final int COEFFICIENT_BYTES = 31;
    /** Coefficients of a unit of 8 KiB: the last one has eight bytes. */
    static final int COEFFICIENTS = (UnitName.UNIT_BYTES + COEFFICIENT_BYTES - 1) / COEFFICIENT_BYTES;

    private UnitPolynomial() {}

    static BigInteger[] of(byte[] unit) {
        requireUnit(unit);
        BigInteger[] coefficients = new BigInteger[COEFFICIENTS];
        for (int i = 0; i < COEFFICIENTS; i++) {
            int at = i * COEFFICIENT_BYTES;
            coefficients[i] = new BigInteger(1, unit, at, Math.min(COEFFICIENT_BYTES, unit.length - at));
        }
        return coefficients;
    }

    static void requireUnit(byte[] unit) {
        if (unit.length != UnitName.UNIT_BYTES) {
            throw new IllegalArgumentException("a unit has " + unit.length + " bytes, not " + UnitName.UNIT_BYTES);
        }
    }

    /** Σ coefficient × power, reduced once at the end. */
    static BigInteger evaluate(BigInteger[] coefficients, BigInteger[] powers) {
        BigInteger sum = BigInteger.ZERO;
        for (int i = 0; i < coefficients.length; i++) {
            sum = sum.add(coefficients[i].multiply(powers[i]));
        }
        return sum.mod(ScalarField.ORDER);
    }

    static BigInteger[] powers(BigInteger of) {
        BigInteger[] powers = new BigInteger[COEFFICIENTS];
        powers[0] = BigInteger.ONE;
        for (int i = 1; i < COEFFICIENTS; i++) {
            powers[i] = powers[i - 1].multiply(of).mod(ScalarField.ORDER);
        }
        return powers;
    }

    /** {@code (p(x) - p(r)) / (x - r)} by synthetic division; p(r) goes into {@code value[0]}. */
    static BigInteger[] quotient(BigInteger[] coefficients, BigInteger r, BigInteger[] value) {
        BigInteger[] quotient = new BigInteger[coefficients.length - 1];
        BigInteger carry = BigInteger.ZERO;
        for (int i = coefficients.length - 1; i > 0; i--) {
            carry = carry.multiply(r).add(coefficients[i]).mod(ScalarField.ORDER);
            quotient[i - 1] = carry;
        }
        value[0] = carry.multiply(r).add(coefficients[0]).mod(ScalarField.ORDER);
        return quotient;
    }

    /** Zeros. */
    static BigInteger[] zero() {
        BigInteger[] zero = new BigInteger[COEFFICIENTS];
        Arrays.fill(zero, BigInteger.ZERO);
        return zero;
    }
}
