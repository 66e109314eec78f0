package io.ppiofs.proofs.audit;

import io.ppiofs.proofs.podr2.UnitChallenge;
import io.ppiofs.proofs.sdr.Sha256;
import java.nio.charset.StandardCharsets;
import supranational.blst.BLST_ERROR;
import supranational.blst.P1_Affine;
import supranational.blst.P2_Affine;

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

    static final String DOMAIN = "PPIOFS-AUDIT-V1-BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";

    private static final byte[] SEED = "ppiofs audit seed v1".getBytes(StandardCharsets.US_ASCII);

    public AuditChallenge {
        if (verifier.length != VerifierKey.PUBLIC_BYTES || signature.length != SIGNATURE_BYTES) {
            throw new IllegalArgumentException(
                    "no challenge: a key of " + verifier.length + " and a signature of " + signature.length + " bytes");
        }
    }

    /** Whether the verifier signed this statement; false also for bytes that are no points of the groups. */
    public boolean isGenuine() {
        try {
            P1_Affine key = new P1_Affine(verifier);
            P2_Affine point = new P2_Affine(signature);
            return key.in_group()
                    && !key.is_inf()
                    && point.in_group()
                    && point.core_verify(key, true, statement.message(), DOMAIN) == BLST_ERROR.BLST_SUCCESS;
        } catch (RuntimeException e) {
            return false; // blst's way to say that it is no point
        }
    }

    /**
     * The units that are challenged.
     *
     * @param total units of the slot, from 1
     */
    public UnitChallenge units(long total) {
        byte[] seed = new Sha256()
                .update(SEED)
                .update(statement.message())
                .update(verifier)
                .update(signature)
                .digest();
        return UnitChallenge.derive(seed, total, statement.units());
    }
}
