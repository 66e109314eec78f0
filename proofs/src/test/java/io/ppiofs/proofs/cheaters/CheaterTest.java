package io.ppiofs.proofs.cheaters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ppiofs.proofs.porep.ReplicaFiles;
import io.ppiofs.proofs.porep.ReplicationProver;
import io.ppiofs.proofs.porep.SampleReplica;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.porep.SealedReplica;
import io.ppiofs.proofs.post.SpaceTimeProver;
import io.ppiofs.proofs.post.SpaceTimeProver.ProvingSector;
import io.ppiofs.proofs.sdr.LabelPreimage;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.ReplicaStatement;
import io.ppiofs.proofs.verify.ReplicationVerifier;
import io.ppiofs.proofs.verify.SpaceTimeChallenges;
import io.ppiofs.proofs.verify.SpaceTimeVerifier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Provers that cheat, against the honest verifier. All randomness has fixed seeds, so that a frequency within three standard
 * deviations today is within them tomorrow.
 */
@Tag("long")
class CheaterTest {
    /** 64 leaves of 4 KiB. */
    private static final int NODES = 1 << 13;

    private static final byte[] PEER = {1};
    private static final long SECTOR = 1;

    @TempDir
    Path directory;

    private final SplittableRandom random = new SplittableRandom(17);
    private final SpaceTimeVerifier verifier = new SpaceTimeVerifier();
    private SampleReplica sample;

    @BeforeEach
    void open() {
        sample = new SampleReplica(directory, NODES, SealParameters.TEST);
    }

    @AfterEach
    void close() {
        sample.close();
    }

    private ProvingSector seal(String peer) {
        ReplicaFiles files = sample.filled(peer, sample.payload(1));
        SealedReplica sealed = sample.sealer().seal(files, SampleReplica.identity(peer, SECTOR, 0), SealListener.NONE);
        return new ProvingSector(sealed, files);
    }

    private static byte[] windowSeed(long round) {
        return SpaceTimeChallenges.windowSeed(new Sha256().updateLong(round).digest(), PEER, round);
    }

    private static byte[] prove(ProvingSector sector, long round) {
        SpaceTimeProver prover = new SpaceTimeProver((number, e) -> {
            throw e;
        });
        return prover.prove(new TreeMap<>(Map.of(SECTOR, sector)), windowSeed(round), SpaceTimeChallenges.WINDOW);
    }

    private boolean accepts(ReplicaStatement statement, long round, byte[] proof) {
        return verifier.verify(Map.of(SECTOR, statement), windowSeed(round), SpaceTimeChallenges.WINDOW, proof)
                .get(SECTOR)
                .accepted();
    }

    private static void assertFrequency(int detected, int rounds, double probability) {
        double deviation = Math.sqrt(probability * (1 - probability) / rounds);
        System.out.printf(
                "detected %d of %d: %.4f, expected %.4f ± %.4f%n",
                detected, rounds, (double) detected / rounds, probability, deviation);
        assertThat((double) detected / rounds).isCloseTo(probability, within(3 * deviation));
    }

    @Test
    void who_drops_a_tenth_of_the_leaves_is_found_as_often_as_the_bound_says() throws IOException {
        int rounds = 1000;
        ProvingSector sector = seal("a");
        int leafBytes = sector.sealed().statement().geometry().replicaLeafBytes();
        int leaves = NODES * 32 / leafBytes;
        byte[] replica = Files.readAllBytes(sector.files().replica());
        Set<Integer> dropped = new HashSet<>();
        while (dropped.size() < leaves / 10) {
            dropped.add(random.nextInt(leaves));
        }
        for (int leaf : dropped) {
            Arrays.fill(replica, leaf * leafBytes, (leaf + 1) * leafBytes, (byte) 0);
        }
        Files.write(sector.files().replica(), replica);

        int detected = 0;
        for (int round = 0; round < rounds; round++) {
            if (!accepts(sector.sealed().statement(), round, prove(sector, round))) {
                detected++;
            }
        }
        double held = 1 - (double) dropped.size() / leaves;
        assertFrequency(detected, rounds, 1 - Math.pow(held, SpaceTimeChallenges.WINDOW));
    }

    @Test
    void who_keeps_the_data_instead_of_the_replica_is_always_found() throws IOException {
        ProvingSector sector = seal("a");
        byte[] data = Files.readAllBytes(sector.files().unsealed());
        Files.write(sector.files().replica(), Arrays.copyOf(data, NODES * 32));
        for (int round = 0; round < 100; round++) {
            assertThat(accepts(sector.sealed().statement(), round, prove(sector, round)))
                    .isFalse();
        }
    }

    @Test
    void one_physical_copy_answers_for_one_of_three_identities() {
        ProvingSector copy = seal("a");
        for (String sybil : new String[] {"b", "c"}) {
            ReplicaStatement claimed = seal(sybil).sealed().statement();
            for (int round = 0; round < 50; round++) {
                byte[] proof = prove(copy, round);
                assertThat(accepts(copy.sealed().statement(), round, proof)).isTrue();
                assertThat(accepts(claimed, round, proof)).isFalse();
            }
        }
    }

    @Test
    void an_answer_is_good_for_its_own_round_only() {
        ProvingSector sector = seal("a");
        byte[] old = prove(sector, 0);
        assertThat(accepts(sector.sealed().statement(), 0, old)).isTrue();
        for (int round = 1; round < 100; round++) {
            assertThat(accepts(sector.sealed().statement(), round, old)).isFalse();
        }
    }

    /** He saves the work of a tenth of the last layer, goes on from what he made up, and commits to that. */
    @Test
    void who_makes_up_a_tenth_of_the_labels_is_found_as_often_as_the_bound_says() throws IOException {
        int rounds = 300;
        ProvingSector honest = seal("a");
        ReplicaFiles files = sample.filled("b", sample.payload(1));
        Files.copy(honest.files().layer(1), files.layer(1));
        byte[] before = Files.readAllBytes(files.layer(1));
        Set<Integer> madeUp = new HashSet<>();
        Files.write(files.layer(2), cheatedLayer(honest.sealed().statement(), before, madeUp));
        SealedReplica sealed =
                sample.sealer().seal(files, commD -> honest.sealed().statement().replicaId(), SealListener.NONE);

        int detected = 0;
        ReplicationVerifier replication = new ReplicationVerifier(sealed.statement());
        try (ReplicationProver prover = new ReplicationProver(files, sealed)) {
            for (int round = 0; round < rounds; round++) {
                byte[] seed = windowSeed(round);
                if (!replication
                        .verify(seed, SealParameters.TEST, prover.prove(seed))
                        .accepted()) {
                    detected++;
                }
            }
        }
        double computed = 1 - (double) madeUp.size() / (NODES - 1);
        assertFrequency(detected, rounds, 1 - Math.pow(computed, SealParameters.TEST.challenges()));
    }

    private byte[] cheatedLayer(ReplicaStatement statement, byte[] before, Set<Integer> madeUp) {
        byte[] layer = new byte[NODES * 32];
        byte[] label = new byte[32];
        int[] parents = new int[SdrGraph.DEGREE];
        LabelPreimage preimage = new LabelPreimage(statement.replicaId());
        SdrGraph.Sampler sampler = statement.graph().sampler();
        for (int node = 0; node < NODES; node++) {
            if (node > 0 && random.nextInt(10) == 0) {
                random.nextBytes(label);
                label[31] &= 0x3f;
                madeUp.add(node);
            } else {
                sampler.parents(node, parents, 0);
                for (int i = 0; i < SdrGraph.DEGREE; i++) {
                    preimage.parent(i, i < SdrGraph.BASE_DEGREE ? layer : before, parents[i] * 32);
                }
                preimage.label(2, node, label, 0);
            }
            System.arraycopy(label, 0, layer, node * 32, 32);
        }
        return layer;
    }
}
