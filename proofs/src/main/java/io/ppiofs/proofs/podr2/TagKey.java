package io.ppiofs.proofs.podr2;

import io.ppiofs.proofs.fr32.ScalarField;
import io.ppiofs.proofs.sdr.Sha256;
import java.math.BigInteger;
import supranational.blst.P1;
import supranational.blst.P2;

/**
 * The tagger's secret: two scalars α and ε. A unit with the polynomial M gets the tag {@code (H(name) · g₁^M(α))^ε}. Thread-safe.
 *
 * <p>Whoever has it can answer any audit without data. It belongs to the volume's owner or to a tagger that both sides name, and
 * never to a peer that stores what it tags. A key is for one set of units: a name that is tagged for two contents gives the
 * ratio of both away.
 */
public final class TagKey {
    /** Bytes of a tag. */
    public static final int TAG_BYTES = Curve.G1_BYTES;

    private final BigInteger alpha;
    private final BigInteger epsilon;
    private final BigInteger[] powers;
    private final FixedBase generator = new FixedBase();

    private TagKey(BigInteger alpha, BigInteger epsilon) {
        this.alpha = alpha;
        this.epsilon = epsilon;
        this.powers = UnitPolynomial.powers(alpha);
    }

    /** @param secret 32 random bytes, which are all there is to keep */
    public static TagKey ofSecret(byte[] secret) {
        if (secret.length != Sha256.BYTES) {
            throw new IllegalArgumentException("secret has " + secret.length + " bytes, not 32");
        }
        return new TagKey(scalar(secret, "alpha"), scalar(secret, "epsilon"));
    }

    /** 512 bits modulo q: uniform but for 2^-256. */
    private static BigInteger scalar(byte[] secret, String name) {
        byte[] wide = new byte[2 * Sha256.BYTES];
        for (int half = 0; half < 2; half++) {
            new Sha256()
                    .update(Curve.domain("ppiofs podr2 key v1"))
                    .update(secret)
                    .update(Curve.domain(name))
                    .update((byte) half)
                    .digest(wide, half * Sha256.BYTES);
        }
        return new BigInteger(1, wide).mod(ScalarField.ORDER);
    }

    /** What provers and verifiers need. Takes some 30 ms. */
    public TagPublicKey publicKey() {
        P2 v = Curve.times(P2.generator(), epsilon);
        P2 kappa = Curve.times(v, alpha);
        P1[] basis = new P1[UnitPolynomial.COEFFICIENTS - 1];
        for (int i = 0; i < basis.length; i++) {
            basis[i] = generator.times(powers[i]);
        }
        return new TagPublicKey(v, kappa, basis);
    }

    /** The tag of a unit of {@link UnitName#UNIT_BYTES} bytes: 48 bytes. */
    public byte[] tag(UnitName name, byte[] unit) {
        BigInteger value = UnitPolynomial.evaluate(UnitPolynomial.of(unit), powers);
        return Curve.times(Curve.hash(name).add(generator.times(value)), epsilon)
                .compress();
    }
}
