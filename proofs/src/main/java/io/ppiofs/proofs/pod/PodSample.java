package io.ppiofs.proofs.pod;

import io.ppiofs.proofs.sdr.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.TreeSet;

/**
 * Which leaves a seed challenges: each draw is uniform over all leaves and independent of the others, so n draws miss a fraction f with
 * (1 - f)^n. What is drawn twice is opened once.
 */
public final class PodSample {
    /** Bytes of a seed. */
    public static final int SEED = 32;

    private static final byte[] DOMAIN = "ppiofs pod sample v1\0".getBytes(StandardCharsets.US_ASCII);

    private PodSample() {}

    /** @return leaves in ascending order, each once */
    public static List<Integer> of(byte[] seed, PodCommitment commitment, int draws) {
        int leaves = commitment.layout().leaves();
        TreeSet<Integer> drawn = new TreeSet<>();
        Sha256 sha256 = new Sha256();
        for (int i = 0; i < draws; i++) {
            byte[] hash = sha256.update(DOMAIN)
                    .update(commitment.digest())
                    .update(seed)
                    .updateInt(i)
                    .digest();
            // 63 bits modulo at most 2^18: no leaf is likelier than another by more than 2^-45
            drawn.add((int) ((ByteBuffer.wrap(hash).getLong() >>> 1) % leaves));
        }
        return List.copyOf(drawn);
    }
}
