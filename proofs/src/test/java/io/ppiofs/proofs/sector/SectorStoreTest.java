package io.ppiofs.proofs.sector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.porep.ReplicationProver;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.porep.SealStep;
import io.ppiofs.proofs.sdr.SealParameters;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SectorStoreTest {
    private static final int NODES = 1 << 12;
    private static final byte[] TICKET = new byte[32];

    @TempDir
    Path directory;

    private SectorStore store;

    @BeforeEach
    void open() {
        store = SectorStore.open(directory, SectorLife.options());
    }

    @AfterEach
    void close() {
        store.close();
    }

    private void reopen() {
        store.close();
        open();
    }

    private long full(boolean keepUnsealed) {
        long number = store.create(NODES, SealParameters.TEST, 0, keepUnsealed).number();
        store.append(number, ByteBuffer.wrap(SectorLife.payload(number), 0, 50_000));
        store.append(number, ByteBuffer.wrap(SectorLife.payload(number), 50_000, 10_000));
        store.fill(number);
        return number;
    }

    private void prove(long number) {
        byte[] seed = SectorLife.seed(7);
        try (ReplicationProver prover = store.prover(number)) {
            store.proven(number, seed, prover.prove(seed));
        }
    }

    private byte[] read(long number) {
        byte[] bytes = new byte[60_000];
        assertThat(store.read(number, 0, ByteBuffer.wrap(bytes))).isEqualTo(60_000);
        return bytes;
    }

    private static void assertKind(ErrorKind kind, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    @Test
    void a_sector_goes_through_its_life_and_every_state_is_still_there_after_a_restart() {
        long number = full(false);
        reopen();
        assertThat(store.sector(number).state()).isEqualTo(SectorState.FULL);
        byte[] payload = read(number);
        assertThat(store.read(number, 60_000, ByteBuffer.allocate(10))).isZero();

        store.seal(number, TICKET, SealListener.NONE);
        reopen();
        assertThat(store.sector(number).state()).isEqualTo(SectorState.SEALED);
        prove(number);
        assertThat(store.filesOf(number).layer(1)).doesNotExist();
        assertThat(store.filesOf(number).unsealed()).doesNotExist();
        assertKind(ErrorKind.NOT_FOUND, () -> read(number));

        store.unseal(number, SealListener.NONE);
        reopen();
        assertThat(read(number)).isEqualTo(payload);
        store.dropUnsealed(number);
        assertKind(ErrorKind.NOT_FOUND, () -> read(number));

        store.declareFault(number);
        store.declareRecovery(number);
        reopen();
        assertThat(store.recovered(number).state()).isEqualTo(SectorState.PROVING);
        store.remove(number);
        reopen();
        assertThat(store.sectors()).isEmpty();
        assertThat(store.create(NODES, SealParameters.TEST, 0, true).number()).isGreaterThan(number);
    }

    @Test
    void payload_is_read_while_its_sector_is_sealed_which_nobody_else_may_change() throws InterruptedException {
        long number = full(true);
        CountDownLatch labelling = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread sealing = new Thread(() -> store.seal(number, TICKET, (step, fraction, left) -> {
            if (step == SealStep.LABELS) {
                labelling.countDown();
                await().atMost(Duration.ofSeconds(60)).until(() -> goOn.getCount() == 0);
            }
        }));
        sealing.setUncaughtExceptionHandler((thread, e) -> failure.set(e));
        sealing.start();
        labelling.await();

        assertThat(read(number)).startsWith(SectorLife.payload(number)[0]);
        assertKind(ErrorKind.BUSY, () -> store.remove(number));
        assertKind(ErrorKind.BUSY, () -> store.seal(number, TICKET, SealListener.NONE));
        long other = store.create(NODES, SealParameters.TEST, 0, true).number();
        assertThat(store.sector(other).state()).isEqualTo(SectorState.OPEN);

        goOn.countDown();
        sealing.join();
        assertThat(failure).hasNullValue();
        assertThat(store.sector(number).state()).isEqualTo(SectorState.SEALED);
    }

    @Test
    void an_interrupted_sealing_goes_on_with_its_first_ticket() {
        long number = full(true);
        assertKind(
                ErrorKind.INTERRUPTED,
                () -> store.seal(
                        number,
                        TICKET,
                        (step, fraction, left) -> Thread.currentThread().interrupt()));
        assertThat(Thread.interrupted()).isTrue();
        reopen();
        assertThat(store.sector(number).state()).isEqualTo(SectorState.SEALING);

        SectorRecord sealed = store.seal(number, SectorLife.seed(1), SealListener.NONE);
        assertThat(sealed.ticket()).isEqualTo(TICKET);
        prove(number);
    }

    @Test
    void what_a_state_does_not_allow_is_refused() {
        long number = store.create(NODES, SealParameters.TEST, 0, true).number();
        assertKind(ErrorKind.INVALID, () -> store.seal(number, TICKET, SealListener.NONE));
        assertKind(ErrorKind.INVALID, () -> store.declareFault(number));
        assertKind(
                ErrorKind.NO_SPACE,
                () -> store.append(number, ByteBuffer.allocate((int) SectorStore.capacity(store.sector(number)) + 1)));
        store.fill(number);
        assertKind(ErrorKind.INVALID, () -> store.append(number, ByteBuffer.allocate(1)));
        store.seal(number, TICKET, SealListener.NONE);
        assertKind(ErrorKind.INVALID, () -> store.proven(number, TICKET, new byte[10]));
        assertKind(ErrorKind.NOT_FOUND, () -> store.sector(number + 1));
        assertKind(ErrorKind.IN_USE, () -> SectorStore.open(directory, SectorLife.options()));
    }

    @Test
    void a_damaged_sector_is_listed_kept_and_keeps_no_other_from_being_used() throws IOException {
        long whole = full(false);
        long bad = full(false);
        long hollow = full(false);
        Path record = store.filesOf(bad).directory().resolve("record");
        Files.write(record, new byte[] {1, 2, 3});
        Files.delete(store.filesOf(hollow).unsealed());
        reopen();
        assertThat(store.sectors()).extracting(SectorRecord::number).containsExactly(whole);
        assertThat(store.damaged()).containsOnlyKeys(bad, hollow);
        assertKind(ErrorKind.CORRUPT, () -> store.sector(bad));
        assertThat(record).exists();
        store.seal(whole, TICKET, SealListener.NONE);
        store.remove(bad);
        assertThat(record).doesNotExist();
        reopen();
        assertThat(store.damaged()).containsOnlyKeys(hollow);
    }

    @Test
    void a_sector_is_removed_also_if_no_record_can_be_written() throws IOException {
        long number = full(false);
        Path sector = store.filesOf(number).directory();
        Files.createDirectories(sector.resolve("record.new").resolve("in the way"));
        assertKind(ErrorKind.IO, () -> store.remove(number));
        assertThat(store.sectors()).isEmpty();
        assertThat(sector.resolve("record")).doesNotExist();
        Files.delete(sector.resolve("record.new").resolve("in the way"));
        reopen();
        assertThat(sector).doesNotExist();
    }
}
