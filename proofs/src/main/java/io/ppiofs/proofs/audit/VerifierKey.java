package io.ppiofs.proofs.audit;

import io.ppiofs.proofs.sdr.Sha256;
import supranational.blst.P1;
import supranational.blst.P2;
import supranational.blst.SecretKey;

/**
 * The secret with which a verifier makes challenges: a BLS signature is a function of key and message, so nobody else can foresee
 * it and the verifier cannot choose it. Minimal public key size (draft-irtf-cfrg-bls-signature). Thread-safe.
 */
public final class VerifierKey {
    /** Bytes of the public half, a compressed point of G1. */
    public static final int PUBLIC_BYTES = 48;

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
        byte[] signature = new P2()
                .hash_to(statement.message(), AuditChallenge.DOMAIN)
                .sign_with(secret)
                .compress();
        return new AuditChallenge(statement, publicKey(), signature);
    }
}
