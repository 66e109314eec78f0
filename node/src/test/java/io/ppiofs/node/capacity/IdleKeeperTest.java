package io.ppiofs.node.capacity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Progress;
import io.ppiofs.overlay.audit.CapacityAsk;
import io.ppiofs.overlay.audit.CapacityProver.Said;
import io.ppiofs.proofs.lpoc.CapacityStatement;
import io.ppiofs.proofs.lpoc.CapacityVerifier;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sector.SectorOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("quick")
class IdleKeeperTest {
    private static final long UNIT = 2048;
    private static final long LENT = 10 * UNIT;
    private static final byte[] SEED = new byte[32];

    @TempDir
    Path directory;

    private final AtomicLong hosted = new AtomicLong();
    private final AtomicLong clock = new AtomicLong();
    private final CapacityVerifier verifier = new CapacityVerifier();
    private IdleKeeper keeper;

    @BeforeEach
    void open() {
        keeper = new IdleKeeper(
                directory.resolve("idle"),
                new SectorOptions(new byte[] {1}, new byte[32], 1),
                LENT,
                hosted::get,
                () -> clock.getAndAdd(1_000_000_000));
    }

    @AfterEach
    void close() {
        keeper.close();
    }

    private String fill(long units) {
        return keeper.fill(units * UNIT, UNIT, SealParameters.TEST, Progress.NONE);
    }

    private void host(long bytes) {
        keeper.used(hosted.addAndGet(bytes));
    }

    private static void assertRefused(ErrorKind kind, Runnable question) {
        assertThatThrownBy(question::run)
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
    }

    @Test
    void units_and_hosted_blocks_together_take_no_more_than_what_is_lent() {
        assertThat(fill(2)).isEmpty();
        assertThat(fill(2)).as("they are there already").isEmpty();
        assertThat(keeper.units()).hasSize(2);
        host(2 * UNIT);
        // two layers and the replica are on the disk while a unit is made
        assertThat(fill(100)).isEqualTo("what is lent has no more room");
        assertThat(keeper.bytes()).isEqualTo(6 * UNIT);
        host(3 * UNIT);
        await().atMost(Duration.ofSeconds(20)).until(() -> keeper.bytes() == 5 * UNIT);
        assertThat(keeper.units()).containsExactly(1L, 2L, 3L, 4L, 5L);
        host(100 * UNIT);
        await().atMost(Duration.ofSeconds(20)).until(() -> keeper.bytes() == 0);
        assertThat(keeper.giveUp()).isFalse();
    }

    @Test
    void room_that_is_needed_while_a_unit_is_made_stops_it() throws Exception {
        fill(1); // native libraries are loaded, which nobody may interrupt
        CountDownLatch begun = new CountDownLatch(1);
        CompletableFuture<String> filling = CompletableFuture.supplyAsync(
                () -> keeper.fill(20 * UNIT, UNIT, SealParameters.STRONG, (task, done, total) -> begun.countDown()));
        // eleven layers do not fit
        assertThat(filling.get()).isEqualTo("what is lent has no more room");
        assertThat(begun.getCount()).isOne();
        try (IdleKeeper large = new IdleKeeper(
                directory.resolve("large"),
                new SectorOptions(new byte[] {1}, new byte[32], 1),
                1L << 30,
                hosted::get,
                System::nanoTime)) {
            CompletableFuture<String> working = CompletableFuture.supplyAsync(() ->
                    large.fill(1L << 28, 1 << 20, SealParameters.STRONG, (task, done, total) -> begun.countDown()));
            begun.await();
            assertRefused(ErrorKind.BUSY, () -> large.fill(UNIT, UNIT, SealParameters.TEST, Progress.NONE));
            assertThat(large.bytes()).isPositive();
            assertThat(large.giveUp()).isTrue();
            assertThat(working.get()).isEqualTo("hosted data needs the room");
            assertThat(large.bytes()).isZero();
            assertThat(large.isFilling()).isFalse();
        }
    }

    @Test
    void what_it_says_and_proves_is_what_a_verifier_accepts() {
        assertRefused(ErrorKind.NOT_FOUND, () -> keeper.statement(0));
        fill(3);
        CapacityStatement before =
                CapacityStatement.fromBytes(keeper.statement(0).statement());
        byte[] proof = keeper.prove(CapacityAsk.space(before.digest(), SEED, 20));
        assertThat(verifier.space(before, SEED, 20, proof).reason()).isEmpty();
        keeper.release(Set.of(2L));
        assertRefused(ErrorKind.EXISTS, () -> keeper.prove(CapacityAsk.space(before.digest(), SEED, 20)));
        Said said = keeper.statement(before.sequence());
        CapacityStatement after = CapacityStatement.fromBytes(said.statement());
        assertThat(verifier.release(before, after, Set.of(2L), said.changes()).reason())
                .isEmpty();
        assertThat(keeper.statement(99).changes()).isEmpty();
        keeper.close();
        open();
        assertThat(keeper.statement()).isEqualTo(after);
        assertThat(keeper.bytes()).isEqualTo(2 * UNIT);
    }

    /** The clock goes on by a second with each look: a labelling takes one. */
    @Test
    void others_may_make_it_label_for_a_twentieth_of_its_time() {
        fill(1);
        CapacityStatement statement = keeper.statement();
        CapacityAsk question = CapacityAsk.labels(statement.digest(), SEED);
        assertThat(verifier.labels(statement, SEED, keeper.prove(question)).reason())
                .isEmpty();
        for (int second = 0; second < 17; second++) {
            assertRefused(ErrorKind.BUSY, () -> keeper.prove(question));
        }
        clock.addAndGet(3_000_000_000L);
        assertThat(verifier.labels(statement, SEED, keeper.prove(question)).reason())
                .isEmpty();
    }
}
