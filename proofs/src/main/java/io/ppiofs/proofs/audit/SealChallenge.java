package io.ppiofs.proofs.audit;

import java.nio.charset.StandardCharsets;

/**
 * A challenge to a sealed slot: the verifier's BLS signature, from which prover and verifier derive the same nodes or leaves. Immutable as long as
 * nobody writes to the arrays, which are not copied.
 *
 * @param verifier the public key, {@link VerifierKey#PUBLIC_BYTES} bytes
 * @param signature {@link AuditChallenge#SIGNATURE_BYTES} bytes
 */
public record SealChallenge(SealStatement statement, byte[] verifier, byte[] signature) {
    private static final byte[] SEED = "ppiofs seal seed v1".getBytes(StandardCharsets.US_ASCII);

    public SealChallenge {
        AuditChallenge.requireLengths(verifier, signature);
    }

    /** Whether the verifier signed this statement; false also for bytes that are no points of the groups. */
    public boolean isGenuine() {
        return VerifierKey.isSigned(verifier, statement.message(), signature);
    }

    /** The seed of the proof, 32 bytes. */
    public byte[] seed() {
        return AuditChallenge.seed(SEED, statement.message(), verifier, signature);
    }
}
