package io.ppiofs.proofs.lpoc.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.lpoc.CapacityStatement;
import io.ppiofs.proofs.lpoc.CapacityVerifier;
import io.ppiofs.proofs.lpoc.LedgerChanges;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sector.SectorOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdleSpaceTest {
    /** 16 leaves of 128 bytes. */
    private static final int NODES = 64;

    private static final int LEAVES = 12;

    @TempDir
    Path directory;

    private final CapacityVerifier verifier = new CapacityVerifier();
    private final SplittableRandom random = new SplittableRandom(11);
    private IdleSpace space;

    static SectorOptions options(int peer) {
        return new SectorOptions(new byte[] {(byte) peer}, new byte[32], 1);
    }

    @BeforeEach
    void open() {
        space = IdleSpace.open(directory, options(1));
    }

    @AfterEach
    void close() {
        space.close();
    }

    private void reopen() {
        space.close();
        space = IdleSpace.open(directory, options(1));
    }

    private void fill(int units) {
        for (int i = 0; i < units; i++) {
            space.fill(NODES, SealParameters.TEST, SealListener.NONE);
        }
    }

    private byte[] seed() {
        byte[] seed = new byte[32];
        random.nextBytes(seed);
        return seed;
    }

    private String space(CapacityStatement statement, byte[] seed) {
        byte[] proof = space.prove(statement, seed, LEAVES).toBytes();
        return verifier.space(statement, seed, LEAVES, proof).reason();
    }

    @Test
    void units_are_filled_challenged_and_shown_to_be_labelled_right() {
        fill(3);
        CapacityStatement statement = space.statement();
        assertThat(statement.root().count()).isEqualTo(3);
        assertThat(statement.bytes()).isEqualTo(3 * 2048).isEqualTo(space.bytes());
        for (int i = 0; i < 20; i++) {
            assertThat(space(statement, seed())).isEmpty();
        }
        for (int i = 0; i < 3; i++) {
            byte[] seed = seed();
            byte[] proof = space.proveLabels(statement, seed, SealListener.NONE).toBytes();
            assertThat(verifier.labels(statement, seed, proof).reason()).isEmpty();
            assertThat(verifier.labels(statement, seed(), proof).accepted()).isFalse();
        }
        assertThat(directory.resolve("again")).doesNotExist();
    }

    @Test
    void what_is_released_goes_with_a_proof_and_the_old_statement_is_not_proven_any_more() {
        fill(4);
        CapacityStatement before = space.statement();
        LedgerChanges proof = space.release(Set.of(2L, 4L));
        CapacityStatement after = space.statement();
        assertThat(verifier.release(before, after, Set.of(2L, 4L), proof.toBytes())
                        .reason())
                .isEmpty();
        assertThat(space.units()).containsExactly(1L, 3L);
        assertThat(space.bytes()).isEqualTo(2 * 2048);
        assertThatThrownBy(() -> space.prove(before, seed(), LEAVES)).isInstanceOf(PpiofsException.class);
        assertThat(space(after, seed())).isEmpty();
        assertThatThrownBy(() -> space.release(Set.of(1L, 2L))).isInstanceOf(PpiofsException.class);
        assertThat(space.units()).containsExactly(1L, 3L);

        fill(1);
        assertThat(space.units()).as("no number comes twice").containsExactly(1L, 3L, 5L);
        byte[] since = space.changesSince(before.sequence()).toBytes();
        assertThat(verifier.changes(before, space.statement(), since).reason()).isEmpty();
        assertThat(space.changesSince(99)).isNull();
    }

    @Test
    void everything_is_as_it_was_after_opening_again() {
        fill(2);
        space.release(Set.of(1L));
        CapacityStatement before = space.statement();
        reopen();
        assertThat(space.statement()).isEqualTo(before);
        assertThat(space.changesSince(before.sequence() - 3).steps()).hasSize(3);
        assertThat(space(before, seed())).isEmpty();
    }

    @Test
    void a_crash_between_sector_and_ledger_is_mended_by_opening() throws IOException {
        fill(1);
        byte[] ledger = Files.readAllBytes(directory.resolve("ledger"));
        fill(1);
        CapacityStatement two = space.statement();
        space.close();
        Files.write(directory.resolve("ledger"), ledger);
        space = IdleSpace.open(directory, options(1));
        assertThat(space.statement()).as("proven and not in the ledger").isEqualTo(two);

        Path kept = directory.resolve("kept");
        copy(directory.resolve("units/2"), kept);
        space.release(Set.of(2L));
        CapacityStatement one = space.statement();
        space.close();
        copy(kept, directory.resolve("units/2"));
        space = IdleSpace.open(directory, options(1));
        assertThat(space.statement()).as("out of the ledger and not deleted").isEqualTo(one);
        assertThat(directory.resolve("units/2")).doesNotExist();
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    @Test
    void a_unit_whose_files_somebody_deleted_is_not_counted() throws IOException {
        fill(2);
        CapacityStatement before = space.statement();
        space.close();
        Files.delete(directory.resolve("units/1/record"));
        space = IdleSpace.open(directory, options(1));
        assertThat(space.units()).containsExactly(2L);
        byte[] since = space.changesSince(before.sequence()).toBytes();
        assertThat(verifier.release(before, space.statement(), Set.of(1L), since)
                        .reason())
                .isEmpty();
    }

    @Test
    void one_flipped_bit_of_a_unit_is_found_once_its_leaf_is_opened() throws IOException {
        fill(1);
        Path replica = directory.resolve("units/1/replica");
        byte[] bytes = Files.readAllBytes(replica);
        bytes[700] ^= 4;
        Files.write(replica, bytes);
        CapacityStatement statement = space.statement();
        int found = 0;
        for (int i = 0; i < 200; i++) {
            if (!space(statement, seed()).isEmpty()) {
                found++;
            }
        }
        double expected = 200 * (1 - Math.pow(15.0 / 16, LEAVES));
        assertThat((double) found).isBetween(expected - 22, expected + 22);
    }

    @Test
    void two_peers_and_two_units_share_no_label() throws IOException {
        fill(2);
        Set<String> labels = new HashSet<>();
        try (IdleSpace other = IdleSpace.open(directory.resolve("other"), options(2))) {
            other.fill(NODES, SealParameters.TEST, SealListener.NONE);
        }
        for (String replica : List.of("units/1/replica", "units/2/replica", "other/units/1/replica")) {
            byte[] bytes = Files.readAllBytes(directory.resolve(replica));
            for (int at = 0; at < bytes.length; at += 32) {
                assertThat(labels.add(Arrays.toString(Arrays.copyOfRange(bytes, at, at + 32))))
                        .isTrue();
            }
        }
        assertThat(labels).hasSize(3 * NODES);
    }

    @Test
    void units_are_of_one_kind_until_the_last_is_released() {
        fill(1);
        assertThatThrownBy(() -> space.fill(2 * NODES, SealParameters.TEST, SealListener.NONE))
                .isInstanceOf(PpiofsException.class)
                .hasMessageContaining("release them first");
        space.release(Set.of(1L));
        space.fill(2 * NODES, SealParameters.TEST, SealListener.NONE);
        assertThat(space.statement().bytes()).isEqualTo(2 * 2048);
        assertThat(space(space.statement(), seed())).isEmpty();
    }

    @Test
    void a_filling_that_was_stopped_goes_on_or_is_given_back() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> fill(1)).isInstanceOf(PpiofsException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(space.statement().root().count()).isZero();
        SealListener stop = (step, fraction, left) -> {
            if (fraction > 0.5) {
                Thread.currentThread().interrupt();
            }
        };
        assertThatThrownBy(() -> space.fill(NODES, SealParameters.TEST, stop)).isInstanceOf(PpiofsException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(space.bytes()).isPositive();
        reopen();
        fill(1);
        assertThat(space.units()).containsExactly(1L);
        assertThatThrownBy(() -> space.fill(NODES, SealParameters.TEST, stop)).isInstanceOf(PpiofsException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(space.releaseUnfinished()).isTrue();
        assertThat(space.bytes()).isEqualTo(2048);
        assertThat(space.releaseUnfinished()).isFalse();
    }

    /** A unit whose entry in the ledger cannot be written, as on a full disk. */
    private void fillWithoutLedger() throws IOException {
        Path ledger = directory.resolve("ledger");
        Path inTheWay = ledger.resolve("in the way");
        Files.createDirectories(inTheWay);
        assertThatThrownBy(() -> fill(1)).isInstanceOf(PpiofsException.class);
        Files.delete(inTheWay);
        Files.delete(ledger);
        assertThat(space.units()).isEmpty();
        assertThat(space.bytes()).isEqualTo(2048);
    }

    @Test
    void a_unit_whose_entry_in_the_ledger_failed_is_counted_when_more_is_filled() throws IOException {
        fillWithoutLedger();
        fill(1);
        assertThat(space.units()).as("the one that is there").containsExactly(1L);
        assertThat(space.bytes()).isEqualTo(2048);
        assertThat(space(space.statement(), seed())).isEmpty();
        fill(1);
        assertThat(space.units()).hasSize(2);
        assertThat(space.releaseUnfinished()).isFalse();
    }

    @Test
    void such_a_unit_goes_when_room_is_needed() throws IOException {
        fillWithoutLedger();
        assertThat(space.releaseUnfinished()).isTrue();
        assertThat(space.bytes()).isZero();
        assertThat(space.releaseUnfinished()).isFalse();
    }
}
