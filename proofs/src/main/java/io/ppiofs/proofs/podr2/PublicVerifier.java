package io.ppiofs.proofs.podr2;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.fr32.ScalarField;
import io.ppiofs.proofs.verify.Verdict;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.function.LongFunction;
import java.util.stream.IntStream;
import supranational.blst.P1;
import supranational.blst.P2;
import supranational.blst.PT;

/**
 * Checks public answers without data: {@code e(σ, g₂) = e(Π H(nameᵢ)^νᵢ · g₁^y · ψ^-r, v) · e(ψ, κ)}. Stateless and thread-safe; most
 * of the cost is a hash to the curve for each challenged unit, which the processors share.
 */
public final class PublicVerifier {
    private PublicVerifier() {}

    /**
     * @param names of the units by their number, as the owner's inventory has them; asked by several threads
     * @param answer as the prover sent it
     */
    public static Verdict verify(
            TagPublicKey key, UnitChallenge challenge, LongFunction<UnitName> names, byte[] answer) {
        if (answer.length != PublicProver.ANSWER_BYTES) {
            return Verdict.reject("an answer has " + answer.length + " bytes, not " + PublicProver.ANSWER_BYTES);
        }
        BigInteger y = new BigInteger(1, answer, 2 * Curve.G1_BYTES, ScalarField.BYTES);
        if (y.compareTo(ScalarField.ORDER) >= 0) {
            return Verdict.reject("the value is not below the field's order");
        }
        P1 sigma;
        P1 psi;
        try {
            sigma = Curve.g1(Arrays.copyOf(answer, Curve.G1_BYTES));
            psi = Curve.g1(Arrays.copyOfRange(answer, Curve.G1_BYTES, 2 * Curve.G1_BYTES));
        } catch (PpiofsException e) {
            return Verdict.reject(String.valueOf(e.getMessage()));
        }
        P1 left = nameSum(challenge, names)
                .add(Curve.times(P1.generator(), y))
                .add(Curve.times(psi, challenge.point()).neg());
        PT product = new PT(left, key.v()).mul(new PT(psi, key.kappa())).mul(new PT(sigma.neg(), P2.generator()));
        return product.final_exp().is_one() ? Verdict.accept() : Verdict.reject("the answer does not fit the names");
    }

    private static P1 nameSum(UnitChallenge challenge, LongFunction<UnitName> names) {
        return IntStream.range(0, challenge.size())
                .parallel()
                .mapToObj(i -> Curve.hash(names.apply(challenge.unit(i))).mult(challenge.coefficient(i)))
                .reduce((a, b) -> a.dup().add(b))
                .orElseThrow();
    }
}
