package io.ppiofs.proofs.podr2;

import io.ppiofs.proofs.fr32.ScalarField;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import supranational.blst.P1;

/**
 * Answers public audits. With A = Σ νᵢ Mᵢ: {@code σ = Π tagᵢ^νᵢ}, {@code y = A(r)}, {@code ψ = g₁^((A(α) - y) / (α - r))}. Stateless; some
 * 0.1 s for 460 units, of which a third does not depend on their number.
 */
public final class PublicProver {
    /** σ, ψ (48 bytes each, compressed) and y (32 bytes, big-endian). */
    public static final int ANSWER_BYTES = 2 * Curve.G1_BYTES + ScalarField.BYTES;

    private PublicProver() {}

    /** @throws io.ppiofs.error.PpiofsException CORRUPT if a tag is no point of the group */
    public static byte[] answer(TagPublicKey key, UnitChallenge challenge, AuditedUnits units) {
        BigInteger[] sum = UnitPolynomial.zero();
        P1 sigma = new P1();
        for (int i = 0; i < challenge.size(); i++) {
            BigInteger coefficient = challenge.coefficient(i);
            BigInteger[] unit = UnitPolynomial.of(units.unit(challenge.unit(i)));
            for (int j = 0; j < sum.length; j++) {
                sum[j] = sum[j].add(unit[j].multiply(coefficient));
            }
            sigma.add(Curve.times(Curve.g1(units.tag(challenge.unit(i))), coefficient));
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
        return ByteBuffer.allocate(ANSWER_BYTES)
                .put(sigma.compress())
                .put(psi.compress())
                .position(ANSWER_BYTES - length)
                .put(y, y.length - length, length)
                .array();
    }
}
