package io.ppiofs.proofs.podr2;

import io.ppiofs.proofs.fr32.ScalarField;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.function.LongFunction;
import supranational.blst.P1;

/**
 * Answers public audits. With A = Σ νᵢ Mᵢ: {@code σ = Π tagᵢ^νᵢ}, {@code y = A(r)}, {@code ψ = g₁^((A(α) - y) / (α - r))}. Stateless; some
 * 0.1 s for 460 units, of which a third does not depend on their number.
 */
public final class PublicProver {
    /** ψ (48 bytes, compressed) and y (32 bytes, big-endian). */
    public static final int OPENING_BYTES = Curve.G1_BYTES + ScalarField.BYTES;
    /** σ, ψ (48 bytes each, compressed) and y (32 bytes, big-endian). */
    public static final int ANSWER_BYTES = Curve.G1_BYTES + OPENING_BYTES;

    private PublicProver() {}

    /**
     * The whole answer of somebody who has units and tags: {@link #combineTags} and {@link #open}.
     *
     * @throws io.ppiofs.error.PpiofsException CORRUPT if a tag is no point of the group
     */
    public static byte[] answer(TagPublicKey key, UnitChallenge challenge, AuditedUnits units) {
        return ByteBuffer.allocate(ANSWER_BYTES)
                .put(combineTags(challenge, units::tag))
                .put(open(key, challenge, units::unit))
                .array();
    }

    /** σ, which takes the tags and no data: made by whoever keeps them. @throws io.ppiofs.error.PpiofsException CORRUPT as {@link #answer} */
    public static byte[] combineTags(UnitChallenge challenge, LongFunction<byte[]> tags) {
        P1 sigma = new P1();
        for (int i = 0; i < challenge.size(); i++) {
            sigma.add(Curve.times(Curve.g1(tags.apply(challenge.unit(i))), challenge.coefficient(i)));
        }
        return sigma.compress();
    }

    /**
     * ψ and y, {@link #OPENING_BYTES} bytes, which take the data and no tags: what the storing peer sends.
     *
     * @param units of {@link UnitName#UNIT_BYTES} bytes, by their number
     */
    public static byte[] open(TagPublicKey key, UnitChallenge challenge, LongFunction<byte[]> units) {
        BigInteger[] sum = UnitPolynomial.zero();
        for (int i = 0; i < challenge.size(); i++) {
            BigInteger coefficient = challenge.coefficient(i);
            BigInteger[] unit = UnitPolynomial.of(units.apply(challenge.unit(i)));
            for (int j = 0; j < sum.length; j++) {
                sum[j] = sum[j].add(unit[j].multiply(coefficient));
            }
        }
        for (int j = 0; j < sum.length; j++) {
            sum[j] = sum[j].mod(ScalarField.ORDER);
        }
        BigInteger[] value = new BigInteger[1];
        BigInteger[] quotient = UnitPolynomial.quotient(sum, challenge.point(), value);
        P1 psi = new P1();
        for (int j = 0; j < quotient.length; j++) {
            psi.add(Curve.times(key.basis(j), quotient[j]));
        }
        byte[] y = value[0].toByteArray();
        int length = Math.min(y.length, ScalarField.BYTES);
        return ByteBuffer.allocate(OPENING_BYTES)
                .put(psi.compress())
                .position(OPENING_BYTES - length)
                .put(y, y.length - length, length)
                .array();
    }
}
