package io.ppiofs.proofs.audit;

import io.ppiofs.proofs.podr2.UnitChallenge;
import io.ppiofs.proofs.sdr.Sha256;
import java.nio.charset.StandardCharsets;

/**
 * A verifier's challenge: its BLS signature over the statement, from which prover and verifier derive the same units and
 * coefficients. Immutable as long as nobody writes to the arrays, which are not copied.
 *
 * @param verifier the public key, {@link VerifierKey#PUBLIC_BYTES} bytes
 * @param signature {@value #SIGNATURE_BYTES} bytes
 */
public record AuditChallenge(AuditStatement statement, byte[] verifier, byte[] signature) {
    /** Bytes of a signature, a compressed point of G2. */
    public static final int SIGNATURE_BYTES = 96;

    private static final byte[] SEED = "ppiofs audit seed v1".getBytes(StandardCharsets.US_ASCII);

    public AuditChallenge {
        requireLengths(verifier, signature);
    }

    static void requireLengths(byte[] verifier, byte[] signature) {
        if (verifier.length != VerifierKey.PUBLIC_BYTES || signature.length != SIGNATURE_BYTES) {
            throw new IllegalArgumentException(
                    "no challenge: a key of " + verifier.length + " and a signature of " + signature.length + " bytes");
        }
    }

    /** Whether the verifier signed this statement; false also for bytes that are no points of the groups. */
    public boolean isGenuine() {
        return VerifierKey.isSigned(verifier, statement.message(), signature);
    }

    /**
     * The units that are challenged.
     *
     * @param total units of the slot, from 1
     */
    public UnitChallenge units(long total) {
        byte[] seed = seed(SEED, statement.message(), verifier, signature);
        return UnitChallenge.derive(seed, total, statement.units());
    }

    static byte[] seed(byte[] domain, byte[] message, byte[] verifier, byte[] signature) {
        return new Sha256()
                .update(domain)
                .update(message)
                .update(verifier)
                .update(signature)
                .digest();
    }
}
