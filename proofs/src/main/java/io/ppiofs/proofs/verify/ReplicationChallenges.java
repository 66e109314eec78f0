package io.ppiofs.proofs.verify;

import io.ppiofs.proofs.sdr.Sha256;
import java.math.BigInteger;

/** The nodes that a proof of replication opens: {@code LE(SHA-256(replicaId || seed || LE32(j))) mod (n - 1) + 1}. */
public final class ReplicationChallenges {
    private ReplicationChallenges() {}

    /**
     * @param seed 32 bytes that the prover could not know or choose when it committed
     * @return {@code count} nodes from 1 to n - 1; one may come twice
     */
    public static int[] derive(byte[] replicaId, byte[] seed, int nodes, int count) {
        int[] challenges = new int[count];
        Sha256 sha256 = new Sha256();
        BigInteger range = BigInteger.valueOf(nodes - 1L);
        for (int j = 0; j < count; j++) {
            byte[] digest = sha256.update(replicaId)
                    .update(seed)
                    .updateInt(Integer.reverseBytes(j))
                    .digest();
            challenges[j] = new BigInteger(1, reversed(digest)).mod(range).intValue() + 1;
        }
        return challenges;
    }

    private static byte[] reversed(byte[] bytes) {
        byte[] out = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            out[i] = bytes[bytes.length - 1 - i];
        }
        return out;
    }
}
