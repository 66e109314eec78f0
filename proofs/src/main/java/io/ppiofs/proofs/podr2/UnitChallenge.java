package io.ppiofs.proofs.podr2;

import io.ppiofs.proofs.fr32.ScalarField;
import io.ppiofs.proofs.sdr.Sha256;
import java.math.BigInteger;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Which units are audited and with which coefficients, all derived from 32 bytes that the prover could not foresee: prover
 * and verifier derive the same. Units are numbered in an order that both know. Immutable.
 */
public final class UnitChallenge {
    /** Catches a loss of 1 % with probability 0.99. */
    public static final int USUAL_UNITS = 460;

    private static final int CHOICE_BYTES = 16;
    /** A wrong combination passes with probability 2^-64; each bit costs the verifier a doubling per unit. */
    private static final int COEFFICIENT_BYTES = 8;

    private final byte[] seed;
    private final long[] units;

    private UnitChallenge(byte[] seed, long[] units) {
        this.seed = seed;
        this.units = units;
    }

    /**
     * @param seed 32 bytes
     * @param total units that there are
     * @param count distinct units to open; all if there are fewer
     */
    public static UnitChallenge derive(byte[] seed, long total, int count) {
        if (seed.length != Sha256.BYTES || total < 1 || count < 1) {
            throw new IllegalArgumentException(count + " of " + total + " units, seed of " + seed.length + " bytes");
        }
        Set<Long> chosen = new LinkedHashSet<>();
        Sha256 sha256 = new Sha256();
        // 128 bits modulo the total: the bias is below 2^-64
        BigInteger range = BigInteger.valueOf(total);
        for (long i = 0; chosen.size() < Math.min(total, count); i++) {
            byte[] digest = sha256.update(seed).update((byte) 'u').updateLong(i).digest();
            chosen.add(new BigInteger(1, digest, 0, CHOICE_BYTES).mod(range).longValue());
        }
        return new UnitChallenge(
                seed.clone(), chosen.stream().mapToLong(Long::longValue).toArray());
    }

    public int size() {
        return units.length;
    }

    /** The number of the {@code index}th challenged unit. */
    public long unit(int index) {
        return units[index];
    }

    /** Its coefficient: 64 bits. */
    BigInteger coefficient(int index) {
        return new BigInteger(1, digest('v', index), 0, COEFFICIENT_BYTES);
    }

    /** Its coefficient modulo 2^61 - 1. */
    long smallCoefficient(int index) {
        return Mersenne61.reduce(new BigInteger(1, digest('w', index), 0, Long.BYTES).longValue());
    }

    /** Where the polynomial is opened. */
    BigInteger point() {
        return new BigInteger(1, digest('r', 0)).mod(ScalarField.ORDER);
    }

    private byte[] digest(char kind, long index) {
        return new Sha256().update(seed).update((byte) kind).updateLong(index).digest();
    }
}
