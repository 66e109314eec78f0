package io.ppiofs.proofs.lpoc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ppiofs.proofs.merkle.LeafSource;
import io.ppiofs.proofs.merkle.MerkleTree;
import io.ppiofs.proofs.porep.ReplicaFiles;
import io.ppiofs.proofs.porep.ReplicationProver;
import io.ppiofs.proofs.porep.SampleReplica;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.porep.SealedReplica;
import io.ppiofs.proofs.sdr.ApiVersion;
import io.ppiofs.proofs.sdr.LabelPreimage;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Peers that claim idle space and cheat, against the honest verifier. All randomness has fixed seeds, so that a frequency within
 * three standard deviations today is within them tomorrow.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("long")
class CapacityCheatersTest {
    /** 16 leaves of 1 KiB. */
    private static final int NODES = 1 << 9;

    private static final int UNITS = 10;
    private static final int LEAVES = 8;
    private static final String PEER = "a";

    private final CapacityVerifier verifier = new CapacityVerifier();
    private final List<ReplicationProver> provers = new ArrayList<>();
    private SampleReplica sample;
    private Peer honest;

    /** A unit with all that was made for it. */
    private record Unit(SealedReplica sealed, ReplicationProver prover, byte[] replica, MerkleTree tree) {}

    /** Somebody with a ledger, and what is in it. */
    private static class Peer {
        final CapacityTerms terms;
        final TreeMap<Long, Unit> units = new TreeMap<>();
        UnitLedger ledger = UnitLedger.EMPTY;

        Peer(String name) {
            terms = new CapacityTerms(
                    name.getBytes(StandardCharsets.UTF_8), SampleReplica.POREP_ID, NODES, SealParameters.TEST);
        }

        final void claim(long number, Unit unit) {
            units.put(number, unit);
            ledger = ledger.with(number, unit.sealed().statement().commR());
        }

        final CapacityStatement statement() {
            return new CapacityStatement(terms, ledger.count(), ledger.root());
        }

        /** The bytes of a leaf, as this peer has them or pretends to. */
        byte[] leaf(long number, long leaf) {
            int bytes = terms.geometry().replicaLeafBytes();
            byte[] replica = units.get(number).replica();
            return Arrays.copyOfRange(replica, (int) leaf * bytes, (int) (leaf + 1) * bytes);
        }

        final byte[] space(byte[] seed, int count) {
            SpaceChallenge challenge = new SpaceChallenge(statement(), seed);
            List<SpaceProof.Opening> openings = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                SpaceChallenge.Leaf asked = challenge.leaf();
                long number = ledger.at(asked.rank());
                Unit unit = units.get(number);
                byte[] leaf = leaf(number, asked.leaf());
                openings.add(new SpaceProof.Opening(
                        number,
                        unit.sealed().commC(),
                        unit.sealed().commRLast(),
                        ledger.path(number),
                        leaf,
                        path(unit.tree(), asked.leaf())));
                challenge.advance(leaf);
            }
            return new SpaceProof(openings).toBytes();
        }

        private static byte[] path(MerkleTree tree, long leaf) {
            LeafSource kept = (first, count, out) -> {
                throw new IOException("all rows are kept");
            };
            try {
                return tree.path(leaf, kept);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        final byte[] labels(byte[] seed) {
            long number = ledger.at(SpaceChallenge.labelRank(statement(), seed));
            Unit unit = units.get(number);
            byte[] replication = unit.prover().prove(SpaceChallenge.labelSeed(statement(), seed));
            return new LabelProof(number, ledger.path(number), replication).toBytes();
        }
    }

    @BeforeAll
    void seal(@TempDir Path directory) throws IOException {
        sample = new SampleReplica(directory, NODES, SealParameters.TEST);
        honest = new Peer(PEER);
        for (long number = 1; number <= UNITS; number++) {
            honest.claim(number, unit(PEER, number, files(PEER + number)));
        }
    }

    @AfterAll
    void close() {
        provers.forEach(ReplicationProver::close);
        sample.close();
    }

    private ReplicaFiles files(String name) {
        return sample.filled(name, new byte[sample.payload(0).length]);
    }

    private Unit unit(String peer, long number, ReplicaFiles files) throws IOException {
        SealedReplica sealed = sample.sealer().seal(files, SampleReplica.identity(peer, number, 0), SealListener.NONE);
        ReplicaGeometry geometry = sealed.statement().geometry();
        ReplicationProver prover = new ReplicationProver(files, sealed);
        provers.add(prover);
        return new Unit(
                sealed,
                prover,
                Files.readAllBytes(files.replica()),
                MerkleTree.load(files.replicaTree(), geometry.replicaTree()));
    }

    private static byte[] seed(long round) {
        return new Sha256().updateLong(round).digest();
    }

    private boolean passes(Peer peer, long round) {
        return verifier.space(peer.statement(), seed(round), LEAVES, peer.space(seed(round), LEAVES))
                .accepted();
    }

    private static void assertFrequency(int detected, int rounds, double probability) {
        double deviation = Math.sqrt(probability * (1 - probability) / rounds);
        assertThat((double) detected / rounds).isCloseTo(probability, within(3 * deviation));
    }

    /** The honest peer's units, some leaves of which are gone. */
    private final class Dropper extends Peer {
        private final Set<Long> dropped = new HashSet<>();
        private final long all;

        Dropper(double fraction) {
            super(PEER);
            honest.units.forEach(this::claim);
            all = UNITS * terms.geometry().replicaLeaves();
            SplittableRandom random = new SplittableRandom(5);
            while (dropped.size() < all * fraction) {
                dropped.add(random.nextLong(all));
            }
        }

        boolean lacks(long number, long leaf) {
            return dropped.contains((number - 1) * terms.geometry().replicaLeaves() + leaf);
        }

        double missing() {
            return (double) dropped.size() / all;
        }

        @Override
        byte[] leaf(long number, long leaf) {
            byte[] had = super.leaf(number, leaf);
            return lacks(number, leaf) ? new byte[had.length] : had;
        }
    }

    @Test
    void who_drops_a_tenth_is_found_as_often_as_the_bound_says_and_who_is_honest_never() {
        int rounds = 2000;
        Dropper cheater = new Dropper(0.1);
        int found = 0;
        for (int round = 0; round < rounds; round++) {
            found += passes(cheater, round) ? 0 : 1;
            assertThat(round % 10 != 0 || passes(honest, round)).isTrue();
        }
        assertFrequency(found, rounds, 1 - Math.pow(1 - cheater.missing(), LEAVES));
    }

    /** Random bytes in place of labels, which he could make again from a seed: only a proof of the labels finds him. */
    @Test
    void who_never_labelled_three_units_of_ten_is_found_as_often_as_one_of_them_is_asked_for() throws IOException {
        int rounds = 3000;
        int proven = 60;
        Peer cheater = new Peer(PEER);
        SplittableRandom random = new SplittableRandom(6);
        for (long number = 1; number <= UNITS; number++) {
            Unit unit = honest.units.get(number);
            if (number > 7) {
                ReplicaFiles files = files("garbage" + number);
                for (int layer = 1; layer <= SealParameters.TEST.layers(); layer++) {
                    byte[] garbage = new byte[NODES * SdrGraph.NODE_BYTES];
                    random.nextBytes(garbage);
                    for (int node = 1; node <= NODES; node++) {
                        garbage[node * SdrGraph.NODE_BYTES - 1] &= 0x3f;
                    }
                    Files.write(files.layer(layer), garbage);
                }
                unit = unit(PEER, number, files);
            }
            cheater.claim(number, unit);
        }
        int found = 0;
        for (int round = 0; round < rounds; round++) {
            boolean asked = SpaceChallenge.labelRank(cheater.statement(), seed(round)) >= 7;
            // what a proof says about the unit that is asked for is seen in the first rounds; how often which is, in
            // all
            boolean right = round >= proven
                    ? !asked
                    : verifier.labels(cheater.statement(), seed(round), cheater.labels(seed(round)))
                            .accepted();
            assertThat(right).isEqualTo(!asked);
            found += right ? 0 : 1;
        }
        assertThat(passes(cheater, 1)).isTrue();
        assertFrequency(found, rounds, 0.3);
    }

    /** A ledger that says 20 and has 10: its root has a count that no path bears out. */
    @Test
    void who_writes_a_higher_count_than_there_are_units_is_found_by_the_first_leaf() {
        CapacityStatement more = new CapacityStatement(
                honest.terms, 1, new LedgerRoot(honest.ledger.root().hash(), 2 * UNITS));
        for (int round = 0; round < 100; round++) {
            SpaceChallenge.Leaf asked = new SpaceChallenge(more, seed(round)).leaf();
            long number = honest.ledger.at(asked.rank() % UNITS);
            Unit unit = honest.units.get(number);
            SpaceProof.Opening opening = new SpaceProof.Opening(
                    number,
                    unit.sealed().commC(),
                    unit.sealed().commRLast(),
                    honest.ledger.path(number),
                    honest.leaf(number, asked.leaf()),
                    Peer.path(unit.tree(), asked.leaf()));
            byte[] proof = new SpaceProof(List.of(opening)).toBytes();
            assertThat(verifier.space(more, seed(round), 1, proof).accepted()).isFalse();
        }
    }

    @Test
    void one_physical_copy_answers_for_one_of_three_identities() {
        for (String sybil : List.of("b", "c")) {
            Peer same = new Peer(sybil);
            honest.units.forEach(same::claim);
            for (int round = 0; round < 25; round++) {
                // his ledger is true to the copy, and the copy is not labelled for him
                assertThat(passes(same, round)).isTrue();
                assertThat(verifier.labels(same.statement(), seed(round), same.labels(seed(round)))
                                .accepted())
                        .isFalse();
                assertThat(verifier.labels(honest.statement(), seed(round), honest.labels(seed(round)))
                                .accepted())
                        .isTrue();
            }
        }
    }

    @Test
    void an_answer_is_good_for_its_own_question_and_statement_only() {
        byte[] old = honest.space(seed(0), LEAVES);
        for (int round = 0; round < 2000; round++) {
            assertThat(verifier.space(honest.statement(), seed(round), LEAVES, old)
                            .accepted())
                    .isEqualTo(round == 0);
        }
        CapacityStatement next = new CapacityStatement(honest.terms, honest.ledger.count() + 1, honest.ledger.root());
        assertThat(verifier.space(next, seed(0), LEAVES, old).accepted()).isFalse();
    }

    // --------------------------------------------------------------------------------------- time, on a virtual clock

    /** A way to somebody: what a question and its answer take, in nanoseconds. */
    private record SimulatedLink(SplittableRandom random, Duration least, Duration most) {
        long roundTrip() {
            return random.nextLong(least.toNanos(), most.toNanos() + 1);
        }
    }

    /** Keeps nothing and asks a friend who has everything; which leaf is next he learns with the one before. */
    private final class Outsourcer extends Peer {
        private static final long FRIENDS_DISK_NANOS = 100_000;
        private final SimulatedLink friend;
        private long clock;

        Outsourcer(SimulatedLink friend) {
            super(PEER);
            this.friend = friend;
            honest.units.forEach(this::claim);
        }

        @Override
        byte[] leaf(long number, long leaf) {
            clock += friend.roundTrip() + FRIENDS_DISK_NANOS;
            return honest.leaf(number, leaf);
        }
    }

    private int caught(Duration least, Duration most, Duration verifiersRoundTrip, int rounds) {
        SplittableRandom random = new SplittableRandom(9);
        Duration deadline = SpaceChallenge.deadline(SpaceChallenge.LEAVES, verifiersRoundTrip);
        Outsourcer cheater = new Outsourcer(new SimulatedLink(random, least, most));
        int caught = 0;
        for (int round = 0; round < rounds; round++) {
            cheater.clock = verifiersRoundTrip.toNanos();
            byte[] proof = cheater.space(seed(round), SpaceChallenge.LEAVES);
            assertThat(round > 20
                            || verifier.space(cheater.statement(), seed(round), SpaceChallenge.LEAVES, proof)
                                    .accepted())
                    .as("the answer itself is right")
                    .isTrue();
            caught += cheater.clock > deadline.toNanos() ? 1 : 0;
        }
        return caught;
    }

    @Test
    void who_fetches_the_leaves_is_caught_by_the_deadline_from_a_round_trip_of_twenty_milliseconds_on() {
        Duration verifiers = Duration.ofMillis(20);
        assertThat(caught(Duration.ofMillis(25), Duration.ofMillis(40), verifiers, 300))
                .isEqualTo(300);
        // and a friend in the same house is as good as a disk of one's own
        assertThat(caught(Duration.ofMillis(1), Duration.ofMillis(2), verifiers, 300))
                .isZero();
        // between them the sum of 66 round trips decides: nearly a normal distribution
        int rounds = 1500;
        int leaves = SpaceChallenge.LEAVES;
        double mean = 20 + leaves * (20 + 0.1);
        double deviation = 10 / Math.sqrt(3) * Math.sqrt(leaves);
        double deadline = SpaceChallenge.deadline(leaves, verifiers).toMillis();
        double bound = 1 - normal((deadline - mean) / deviation);
        assertFrequency(caught(Duration.ofMillis(10), Duration.ofMillis(30), verifiers, rounds), rounds, bound);
    }

    /** Abramowitz and Stegun 26.2.17. */
    private static double normal(double x) {
        double t = 1 / (1 + 0.2316419 * Math.abs(x));
        double tail = Math.exp(-x * x / 2)
                / Math.sqrt(2 * Math.PI)
                * t
                * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
        return x > 0 ? 1 - tail : tail;
    }

    private static int[][] parents(int nodes) {
        SdrGraph.Sampler graph = new SdrGraph(nodes, SampleReplica.POREP_ID, ApiVersion.V1_2).sampler();
        int[][] parents = new int[nodes][SdrGraph.DEGREE];
        for (int node = 0; node < nodes; node++) {
            graph.parents(node, parents[node], 0);
        }
        return parents;
    }

    /** Labels a unit anew, really, for each leaf that it lacks. */
    private final class Regenerator extends Peer {
        private final Dropper lack;
        private final int[][] parents = parents(NODES);
        /** Labels that had to wait for one another in this answer; units are labelled at the same time. */
        private long sequential;

        private long hashingNanos;
        private long hashed;

        Regenerator(double fraction) {
            super(PEER);
            honest.units.forEach(this::claim);
            lack = new Dropper(fraction);
        }

        @Override
        byte[] leaf(long number, long leaf) {
            if (!lack.lacks(number, leaf)) {
                return super.leaf(number, leaf);
            }
            int bytes = terms.geometry().replicaLeafBytes();
            byte[] made = relabel(units.get(number).sealed().statement().replicaId());
            return Arrays.copyOfRange(made, (int) leaf * bytes, (int) (leaf + 1) * bytes);
        }

        private byte[] relabel(byte[] replicaId) {
            LabelPreimage preimage = new LabelPreimage(replicaId);
            byte[] before = new byte[NODES * SdrGraph.NODE_BYTES];
            byte[] layer = before.clone();
            long began = System.nanoTime();
            for (int number = 1; number <= terms.parameters().layers(); number++) {
                layer = new byte[before.length];
                for (int node = 0; node < NODES; node++) {
                    for (int i = 0; i < LabelPreimage.degree(number); i++) {
                        byte[] from = i < SdrGraph.BASE_DEGREE ? layer : before;
                        preimage.parent(i, from, parents[node][i] * SdrGraph.NODE_BYTES);
                    }
                    preimage.label(number, node, layer, node * SdrGraph.NODE_BYTES);
                }
                before = layer;
            }
            hashingNanos += System.nanoTime() - began;
            hashed += 2L * NODES;
            // the first layer is needed as a whole, a leaf of the second follows from it and from what is kept
            sequential = NODES;
            return layer;
        }
    }

    @Test
    void who_makes_missing_leaves_again_is_right_and_late_as_often_as_one_of_them_is_asked_for() {
        int rounds = 500;
        Regenerator cheater = new Regenerator(0.1);
        int late = 0;
        double waited = 0;
        for (int round = 0; round < rounds; round++) {
            cheater.sequential = 0;
            byte[] proof = cheater.space(seed(round), LEAVES);
            assertThat(round >= 100
                            || verifier.space(cheater.statement(), seed(round), LEAVES, proof)
                                    .accepted())
                    .isTrue();
            // whatever a label takes: the deadline is a quarter of a layer of them
            late += cheater.sequential > NODES / 4 ? 1 : 0;
            waited += cheater.sequential;
        }
        assertFrequency(late, rounds, 1 - Math.pow(1 - cheater.lack.missing(), LEAVES));
        double label = (double) cheater.hashingNanos / cheater.hashed;
        assertThat(waited).isPositive();
        // on any machine a layer of a unit of 512 MiB, at the speed just measured, takes longer than the deadline
        Duration layer = Duration.ofNanos((long) (label * (1 << 24)));
        CapacityTerms large = new CapacityTerms(new byte[] {1}, SampleReplica.POREP_ID, 1 << 24, SealParameters.FAST);
        Duration deadline = SpaceChallenge.deadline(SpaceChallenge.LEAVES, Duration.ofMillis(100));
        assertThat(large.leastRegeneration()).isLessThan(layer).isGreaterThan(deadline);
    }

    /** The best way known here to keep a part of a layer: every so many labels one. */
    @Test
    void who_keeps_half_of_both_layers_needs_more_than_a_quarter_of_a_layer_one_label_after_the_other() {
        int[][] parents = parents(1 << 14);
        Map<Double, Double> depths = new TreeMap<>();
        for (double kept : new double[] {0, 0.25, 0.5}) {
            depths.put(kept, depth(parents, kept));
        }
        assertThat(depths.get(0.0)).isEqualTo(1);
        // the two ways to keep as much as half of a unit: a quarter of each layer, or half of one and nothing of the
        // other
        assertThat(2 * depths.get(0.25)).isGreaterThan(0.25);
        assertThat(depths.get(0.5) + depths.get(0.0)).isGreaterThan(0.25);
    }

    /** Labels of a layer that wait for one another, against all of them, if a part is kept. */
    private static double depth(int[][] parents, double kept) {
        int nodes = parents.length;
        boolean[] has = new boolean[nodes];
        for (double at = 0; kept > 0 && at < nodes; at += 1 / kept) {
            has[(int) at] = true;
        }
        int[] waits = new int[nodes];
        int longest = 0;
        for (int node = 0; node < nodes; node++) {
            int before = 0;
            for (int i = 0; i < SdrGraph.BASE_DEGREE && node > 0; i++) {
                before = Math.max(before, waits[parents[node][i]]);
            }
            waits[node] = has[node] ? 0 : before + 1;
            longest = Math.max(longest, waits[node]);
        }
        return (double) longest / nodes;
    }
}
