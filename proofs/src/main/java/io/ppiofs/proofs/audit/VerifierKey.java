package io.ppiofs.proofs.audit;

import io.ppiofs.proofs.sdr.Sha256;
import supranational.blst.BLST_ERROR;
import supranational.blst.P1;
import supranational.blst.P1_Affine;
import supranational.blst.P2;
import supranational.blst.P2_Affine;
import supranational.blst.SecretKey;

/**
 * The secret with which a verifier makes challenges: a BLS signature is a function of key and message, so nobody else can foresee
 * it and the verifier cannot choose it. Minimal public key size (draft-irtf-cfrg-bls-signature). Thread-safe.
 */
public final class VerifierKey {
    /** Bytes of the public half, a compressed point of G1. */
    public static final int PUBLIC_BYTES = 48;

    /** Messages begin with what they are. */
    private static final String DOMAIN = "PPIOFS-AUDIT-V1-BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";

    private final SecretKey secret = new SecretKey();
    private final byte[] publicKey;

    private VerifierKey(byte[] seed) {
        secret.keygen(seed);
        publicKey = new P1(secret).compress();
    }

    /** @param seed 32 random bytes, which are all there is to keep */
    public static VerifierKey ofSecret(byte[] seed) {
        if (seed.length != Sha256.BYTES) {
            throw new IllegalArgumentException("seed has " + seed.length + " bytes, not 32");
        }
        return new VerifierKey(seed);
    }

    /** {@value #PUBLIC_BYTES} bytes, a copy. */
    public byte[] publicKey() {
        return publicKey.clone();
    }

    /** The one challenge of this verifier for this statement. */
    public AuditChallenge challenge(AuditStatement statement) {
        return new AuditChallenge(statement, publicKey(), sign(statement.message()));
    }

    /** The same for a sealed slot. */
    public SealChallenge challenge(SealStatement statement) {
        return new SealChallenge(statement, publicKey(), sign(statement.message()));
    }

    private byte[] sign(byte[] message) {
        return new P2().hash_to(message, DOMAIN).sign_with(secret).compress();
    }

    /** Whether the key's owner signed this message; false also for bytes that are no points of the groups. */
    static boolean isSigned(byte[] publicKey, byte[] message, byte[] signature) {
        try {
            P1_Affine key = new P1_Affine(publicKey);
            P2_Affine point = new P2_Affine(signature);
            return key.in_group()
                    && !key.is_inf()
                    && point.in_group()
                    && point.core_verify(key, true, message, DOMAIN) == BLST_ERROR.BLST_SUCCESS;
        } catch (RuntimeException e) {
            return false; // blst's way to say that it is no point
        }
    }
}
