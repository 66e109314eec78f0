package io.ppiofs.proofs.post;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.proofs.porep.ReplicaFiles;
import io.ppiofs.proofs.porep.SampleReplica;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.porep.SealedReplica;
import io.ppiofs.proofs.post.SpaceTimeLedger.Outcome;
import io.ppiofs.proofs.post.SpaceTimeLedger.Standing;
import io.ppiofs.proofs.post.SpaceTimeProver.ProvingSector;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.ReplicaStatement;
import io.ppiofs.proofs.verify.SpaceTimeChallenges;
import io.ppiofs.proofs.verify.SpaceTimeVerifier;
import io.ppiofs.proofs.verify.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpaceTimeTest {
    private static final byte[] PEER = {7};
    private static final long SECTOR = 5;
    private static final ProvingSchedule SCHEDULE = ProvingSchedule.DAILY;

    @TempDir
    Path directory;

    private final List<Long> unreadable = new ArrayList<>();
    private final SpaceTimeProver prover = new SpaceTimeProver((sector, e) -> unreadable.add(sector));
    private SampleReplica sample;

    @BeforeEach
    void open() {
        sample = new SampleReplica(directory, 1 << 11, SealParameters.TEST);
    }

    @AfterEach
    void close() {
        sample.close();
    }

    private ProvingSector seal(long number) {
        ReplicaFiles files = sample.filled("sector-" + number, sample.payload(number));
        SealedReplica sealed =
                sample.sealer().seal(files, SampleReplica.identity("peer", number, 0), SealListener.NONE);
        return new ProvingSector(sealed, files);
    }

    private static byte[] randomness(long epoch) {
        return new Sha256().updateLong(epoch).digest();
    }

    private static SpaceTimeLedger ledger() {
        return new SpaceTimeLedger(SCHEDULE, PEER, SpaceTimeTest::randomness, 0);
    }

    /** In the sector's window of each period: prove, if it can. */
    private void window(SpaceTimeLedger ledger, ProvingSector sector, long period) {
        ledger.advanceTo(SCHEDULE.window(period, SCHEDULE.deadlineOf(SECTOR)).openEpoch() + 3);
        SortedMap<Long, ProvingSector> due = new TreeMap<>();
        ledger.due().keySet().forEach(number -> due.put(number, sector));
        ledger.submit(prover.prove(due, ledger.windowSeed(), SpaceTimeChallenges.WINDOW));
    }

    @Test
    void data_dropped_in_period_20_of_48_gives_20_successes_then_faults_then_recovery() throws IOException {
        ProvingSector sector = seal(SECTOR);
        SpaceTimeLedger ledger = ledger();
        ledger.add(SECTOR, sector.sealed().statement());
        Path backup = directory.resolve("backup");
        for (long period = 0; period < 48; period++) {
            if (period == 20) {
                Files.move(sector.files().replica(), backup);
            }
            if (period == 30) {
                // the account stands in the window of period 29: the next one is nearly a day away
                assertThat(ledger.standing(SECTOR)).isEqualTo(Standing.FAULTY);
                Files.move(backup, sector.files().replica());
                ledger.declareRecovery(SECTOR);
            }
            window(ledger, sector, period);
        }
        ledger.advanceTo(48 * SCHEDULE.periodEpochs());

        List<Outcome> expected = new ArrayList<>();
        expected.addAll(Collections.nCopies(20, Outcome.PROVEN));
        expected.add(Outcome.MISSED);
        expected.addAll(Collections.nCopies(9, Outcome.DECLARED_FAULTY));
        expected.addAll(Collections.nCopies(18, Outcome.PROVEN));
        assertThat(ledger.outcomes(SECTOR)).isEqualTo(expected);
        assertThat(ledger.standing(SECTOR)).isEqualTo(Standing.PROVING);
        assertThat(unreadable).containsExactly(SECTOR);
    }

    @Test
    void a_fault_declared_in_time_excuses_and_one_declared_late_does_not() {
        ProvingSector sector = seal(SECTOR);
        long open = SCHEDULE.window(0, SCHEDULE.deadlineOf(SECTOR)).openEpoch();
        SpaceTimeLedger early = ledger();
        early.add(SECTOR, sector.sealed().statement());
        early.advanceTo(open - SCHEDULE.faultCutoff());
        early.declareFault(SECTOR);
        early.advanceTo(SCHEDULE.periodEpochs());
        assertThat(early.outcomes(SECTOR)).containsExactly(Outcome.DECLARED_FAULTY);

        SpaceTimeLedger late = ledger();
        late.add(SECTOR, sector.sealed().statement());
        late.advanceTo(open - SCHEDULE.faultCutoff() + 1);
        late.declareFault(SECTOR);
        late.advanceTo(SCHEDULE.periodEpochs());
        assertThat(late.outcomes(SECTOR)).containsExactly(Outcome.MISSED);
    }

    @Test
    void a_recovery_declared_late_counts_for_the_next_window() {
        ProvingSector sector = seal(SECTOR);
        SpaceTimeLedger ledger = ledger();
        ledger.add(SECTOR, sector.sealed().statement());
        ledger.advanceTo(SCHEDULE.periodEpochs());
        long open = SCHEDULE.window(1, SCHEDULE.deadlineOf(SECTOR)).openEpoch();
        ledger.advanceTo(open - 1);
        ledger.declareRecovery(SECTOR);
        window(ledger, sector, 1);
        window(ledger, sector, 2);
        ledger.advanceTo(3 * SCHEDULE.periodEpochs());
        assertThat(ledger.outcomes(SECTOR)).containsExactly(Outcome.MISSED, Outcome.DECLARED_FAULTY, Outcome.PROVEN);
    }

    @Test
    void a_sector_that_stays_faulty_is_removed_after_the_configured_number_of_periods() {
        SpaceTimeLedger ledger = ledger();
        ledger.add(SECTOR, seal(SECTOR).sealed().statement());
        ledger.advanceTo((SCHEDULE.removalPeriods() - 1) * SCHEDULE.periodEpochs());
        assertThat(ledger.standing(SECTOR)).isEqualTo(Standing.FAULTY);
        ledger.advanceTo(SCHEDULE.removalPeriods() * SCHEDULE.periodEpochs());
        assertThat(ledger.standing(SECTOR)).isEqualTo(Standing.REMOVED);
    }

    @Test
    void an_answer_of_another_window_another_peer_or_another_sector_does_not_pass() {
        ProvingSector sector = seal(SECTOR);
        Map<Long, ReplicaStatement> expected = Map.of(SECTOR, sector.sealed().statement());
        byte[] seed = SpaceTimeChallenges.windowSeed(randomness(1), PEER, 60);
        byte[] proof = prover.prove(new TreeMap<>(Map.of(SECTOR, sector)), seed, SpaceTimeChallenges.WINDOW);
        assertThat(verdict(expected, seed, proof).accepted()).isTrue();
        assertThat(verdict(expected, SpaceTimeChallenges.windowSeed(randomness(1), PEER, 120), proof)
                        .accepted())
                .isFalse();
        assertThat(verdict(expected, SpaceTimeChallenges.windowSeed(randomness(1), new byte[] {8}, 60), proof)
                        .accepted())
                .isFalse();
        Map<Long, ReplicaStatement> other = Map.of(SECTOR, seal(6).sealed().statement());
        assertThat(verdict(other, seed, proof).accepted()).isFalse();
    }

    private static Verdict verdict(Map<Long, ReplicaStatement> expected, byte[] seed, byte[] proof) {
        return new SpaceTimeVerifier()
                .verify(expected, seed, SpaceTimeChallenges.WINDOW, proof)
                .get(SECTOR);
    }

    @Test
    void a_winning_proof_opens_66_leaves_of_one_sector() {
        ProvingSector sector = seal(SECTOR);
        byte[] seed = SpaceTimeChallenges.winningSeed(randomness(9), PEER, 9);
        byte[] proof = prover.prove(new TreeMap<>(Map.of(SECTOR, sector)), seed, SpaceTimeChallenges.WINNING);
        assertThat(new SpaceTimeVerifier()
                        .verify(Map.of(SECTOR, sector.sealed().statement()), seed, SpaceTimeChallenges.WINNING, proof)
                        .get(SECTOR)
                        .reason())
                .isEmpty();
    }

    @Test
    @Tag("long")
    void five_hundred_sectors_prove_their_window() throws IOException {
        // thousands of flushes, which are not what is tested: in memory where there is such a place
        Path shared = Path.of("/dev/shm");
        Path place = Files.isWritable(shared) ? Files.createTempDirectory(shared, "ppiofs-sectors-") : directory;
        try (SampleReplica inMemory = new SampleReplica(place, 64, SealParameters.TEST)) {
            sample.close();
            sample = inMemory;
            proveFiveHundred();
        } finally {
            if (!place.equals(directory)) {
                delete(place);
            }
        }
    }

    private void proveFiveHundred() {
        SortedMap<Long, ProvingSector> sectors = new TreeMap<>();
        SortedMap<Long, ReplicaStatement> expected = new TreeMap<>();
        for (long i = 0; i < 500; i++) {
            ProvingSector sector = seal(i);
            sectors.put(i, sector);
            expected.put(i, sector.sealed().statement());
        }
        byte[] seed = SpaceTimeChallenges.windowSeed(randomness(1), PEER, 60);
        long start = System.nanoTime();
        byte[] proof = prover.prove(sectors, seed, SpaceTimeChallenges.WINDOW);
        long proven = System.nanoTime();
        Map<Long, Verdict> verdicts = new SpaceTimeVerifier().verify(expected, seed, SpaceTimeChallenges.WINDOW, proof);
        System.out.printf(
                "window of 500 sectors: %d bytes, proven in %s, verified in %s%n",
                proof.length, Duration.ofNanos(proven - start), Duration.ofNanos(System.nanoTime() - proven));
        assertThat(verdicts.values()).hasSize(500).allMatch(Verdict::accepted);
    }

    private static void delete(Path place) throws IOException {
        try (Stream<Path> files = Files.walk(place)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
