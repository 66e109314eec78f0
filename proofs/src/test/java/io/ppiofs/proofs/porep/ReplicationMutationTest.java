package io.ppiofs.proofs.porep;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.proofs.merkle.MerkleTree;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.verify.ReplicaStatement;
import io.ppiofs.proofs.verify.ReplicationChallenges;
import io.ppiofs.proofs.verify.ReplicationVerifier;
import io.ppiofs.proofs.work.Workers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One bit changed anywhere: 12,000 times. */
@Tag("long")
class ReplicationMutationTest {
    private static final long SEED = System.nanoTime();
    private static final int NODES = 64;
    private static final SealParameters FEW = new SealParameters("few", 2, 3, 3);

    @TempDir
    Path directory;

    private final SplittableRandom random = new SplittableRandom(SEED);
    private SampleReplica sample;
    private ReplicaFiles files;
    private SealedReplica sealed;

    @BeforeEach
    void seal() {
        sample = new SampleReplica(directory, NODES, FEW);
        files = sample.filled("a", sample.payload(SEED));
        sealed = sample.sealer().seal(files, SampleReplica.identity("peer", 1, 0), SealListener.NONE);
    }

    @AfterEach
    void close() {
        sample.close();
    }

    private byte[] seed() {
        byte[] seed = new byte[32];
        random.nextBytes(seed);
        return seed;
    }

    private byte[] mutated(byte[] bytes) {
        byte[] out = bytes.clone();
        out[random.nextInt(out.length)] ^= (byte) (1 << random.nextInt(8));
        return out;
    }

    private static boolean accepts(ReplicaStatement statement, byte[] seed, byte[] proof) {
        return new ReplicationVerifier(statement).verify(seed, FEW, proof).accepted();
    }

    @Test
    void in_the_proof() {
        byte[] seed = seed();
        byte[] proof = prove(seed);
        assertThat(accepts(sealed.statement(), seed, proof)).isTrue();
        ReplicationVerifier verifier = new ReplicationVerifier(sealed.statement());
        for (int i = 0; i < 8000; i++) {
            assertThat(verifier.verify(seed, FEW, mutated(proof)).accepted())
                    .as("seed %d, mutation %d", SEED, i)
                    .isFalse();
        }
    }

    private byte[] prove(byte[] seed) {
        try (ReplicationProver prover = new ReplicationProver(files, sealed)) {
            return prover.prove(seed);
        }
    }

    @Test
    void in_commitment_replica_id_or_challenge() {
        ReplicaStatement honest = sealed.statement();
        byte[] seed = seed();
        byte[] proof = prove(seed);
        for (int i = 0; i < 3000; i++) {
            byte[] replicaId = i % 4 == 0 ? mutated(honest.replicaId()) : honest.replicaId();
            byte[] commD = i % 4 == 1 ? mutated(honest.commD()) : honest.commD();
            byte[] commR = i % 4 == 2 ? mutated(honest.commR()) : honest.commR();
            byte[] asked = i % 4 == 3 ? mutated(seed) : seed;
            ReplicaStatement statement =
                    new ReplicaStatement(honest.geometry(), SampleReplica.POREP_ID, replicaId, commD, commR);
            assertThat(accepts(statement, asked, proof))
                    .as("seed %d, mutation %d", SEED, i)
                    .isFalse();
        }
    }

    /** The commitment changes; and where the challenges touch the place, the answer from the changed replica fails. */
    @Test
    void in_the_replica() throws IOException {
        byte[] replica = Files.readAllBytes(files.replica());
        int leafBytes = sealed.statement().geometry().replicaLeafBytes();
        try (Workers workers = new Workers(1)) {
            for (int i = 0; i < 1000; i++) {
                byte[] changed = mutated(replica);
                Files.write(files.replica(), changed);
                int leaf = Arrays.mismatch(replica, changed) / leafBytes;
                try (ReplicaReader reader = new ReplicaReader(files.replica())) {
                    MerkleTree tree = MerkleTree.build(
                            sealed.statement().geometry().replicaTree(),
                            reader.replicaLeaves(sealed.statement().geometry()),
                            workers,
                            directory);
                    assertThat(tree.root()).isNotEqualTo(sealed.commRLast());
                }
                byte[] seed = seedThatOpens(leaf, leafBytes);
                assertThat(accepts(sealed.statement(), seed, prove(seed)))
                        .as("seed %d, mutation %d", SEED, i)
                        .isFalse();
            }
        }
    }

    private byte[] seedThatOpens(int leaf, int leafBytes) {
        while (true) {
            byte[] seed = seed();
            int[] nodes = ReplicationChallenges.derive(sealed.statement().replicaId(), seed, NODES, FEW.challenges());
            if (Arrays.stream(nodes).anyMatch(node -> node * 32 / leafBytes == leaf)) {
                return seed;
            }
        }
    }
}
