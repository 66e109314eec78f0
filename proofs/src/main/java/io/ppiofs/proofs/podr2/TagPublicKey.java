package io.ppiofs.proofs.podr2;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import supranational.blst.P1;
import supranational.blst.P2;

/**
 * The public half of a {@link TagKey}: {@code v = g₂^ε}, {@code κ = g₂^(εα)}, and for provers the powers {@code g₁^(α^j)}, j from
 * 0. Immutable.
 */
public final class TagPublicKey {
    /** v, κ, and 264 powers. */
    public static final int BYTES = 2 * Curve.G2_BYTES + (UnitPolynomial.COEFFICIENTS - 1) * Curve.G1_BYTES;

    private final P2 v;
    private final P2 kappa;
    private final P1[] basis;

    TagPublicKey(P2 v, P2 kappa, P1[] basis) {
        this.v = v;
        this.kappa = kappa;
        this.basis = basis;
    }

    P2 v() {
        return v.dup();
    }

    P2 kappa() {
        return kappa.dup();
    }

    P1 basis(int power) {
        return basis[power];
    }

    /** {@link #BYTES} bytes: compressed points in the order of the fields. */
    public byte[] toBytes() {
        ByteBuffer out = ByteBuffer.allocate(BYTES).put(v.compress()).put(kappa.compress());
        for (P1 power : basis) {
            out.put(power.compress());
        }
        return out.array();
    }

    /**
     * Every point is checked to be in its group. That the powers belong to κ is not: wrong ones only make a prover's own
     * answers fail.
     *
     * @throws PpiofsException CORRUPT
     */
    public static TagPublicKey fromBytes(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "read tag key", bytes.length + " bytes", "it must have " + BYTES);
        }
        P1[] basis = new P1[UnitPolynomial.COEFFICIENTS - 1];
        int at = 2 * Curve.G2_BYTES;
        for (int i = 0; i < basis.length; i++) {
            basis[i] = Curve.g1(Arrays.copyOfRange(bytes, at, at + Curve.G1_BYTES));
            at += Curve.G1_BYTES;
        }
        return new TagPublicKey(
                Curve.g2(Arrays.copyOf(bytes, Curve.G2_BYTES)),
                Curve.g2(Arrays.copyOfRange(bytes, Curve.G2_BYTES, 2 * Curve.G2_BYTES)),
                basis);
    }
}
