package io.ppiofs.proofs.verify;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.proofs.sdr.ApiVersion;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.Sha256;
import java.util.Arrays;

/**
 * What is public about a sealed sector, and what every proof about it is checked against. Immutable; arrays are copied.
 *
 * <p>{@code commR = SHA-256("ppiofs commR v1" || commC || commRLast)}.
 */
public final class ReplicaStatement {
    private static final byte[] COMM_R = "ppiofs commR v1".getBytes(US_ASCII);
    private static final byte[] FIAT_SHAMIR = "ppiofs porep seed v1".getBytes(US_ASCII);

    private final ReplicaGeometry geometry;
    private final byte[] porepId;
    private final byte[] replicaId;
    private final byte[] commD;
    private final byte[] commR;

    /** @param porepId that chose the graph; all arrays have 32 bytes */
    public ReplicaStatement(ReplicaGeometry geometry, byte[] porepId, byte[] replicaId, byte[] commD, byte[] commR) {
        this.geometry = geometry;
        this.porepId = copy(porepId);
        this.replicaId = copy(replicaId);
        this.commD = copy(commD);
        this.commR = copy(commR);
    }

    private static byte[] copy(byte[] bytes) {
        if (bytes.length != Sha256.BYTES) {
            throw new IllegalArgumentException("an identifier or commitment has " + bytes.length + " bytes, not 32");
        }
        return bytes.clone();
    }

    /** commR of both commitments. */
    public static byte[] commR(byte[] commC, byte[] commRLast) {
        return new Sha256().update(COMM_R).update(commC).update(commRLast).digest();
    }

    /** Whether the two commitments are those that commR binds. */
    public boolean binds(byte[] commC, byte[] commRLast) {
        return Arrays.equals(commR, commR(commC, commRLast));
    }

    public ReplicaGeometry geometry() {
        return geometry;
    }

    public SdrGraph graph() {
        return new SdrGraph(geometry.nodes(), porepId, ApiVersion.V1_2);
    }

    public byte[] replicaId() {
        return replicaId.clone();
    }

    public byte[] commD() {
        return commD.clone();
    }

    public byte[] commR() {
        return commR.clone();
    }

    /** The seed of a proof without a verifier: whoever changes anything of the statement gets other challenges. */
    public byte[] fiatShamirSeed() {
        return new Sha256()
                .update(FIAT_SHAMIR)
                .updateInt(geometry.nodes())
                .updateInt(geometry.layers())
                .update(porepId)
                .update(replicaId)
                .update(commD)
                .update(commR)
                .digest();
    }
}
