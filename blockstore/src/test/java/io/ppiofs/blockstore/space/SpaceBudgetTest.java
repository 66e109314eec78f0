package io.ppiofs.blockstore.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.SmallDisk;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.file.Files;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SpaceBudgetTest {
    private static final int MIB = 1 << 20;

    @Test
    void reservationsEndWhereTheReserveBegins() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(32)) {
            AtomicLong clock = new AtomicLong();
            SpaceBudget budget = SpaceBudget.open(disk.path(), Long.MAX_VALUE, clock::get);
            budget.reserve(20 * MIB);
            assertThat(budget.reserved()).isEqualTo(20 * MIB);
            assertThatThrownBy(() -> budget.reserve(10 * MIB))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NO_SPACE));
            budget.reserve(7 * MIB);
            budget.release(27 * MIB);
            clock.addAndGet(1_000_000_000);
            assertThat(budget.available()).isBetween(27L * MIB, 28L * MIB);
            Files.write(disk.path().resolve("somebody-elses"), new byte[20 * MIB]);
            assertThat(budget.tryReserve(20 * MIB))
                    .as("a large request looks at the disk")
                    .isFalse();
            Files.delete(disk.path().resolve("somebody-elses"));
            assertThat(budget.tryReserve(20 * MIB))
                    .as("a refusal is never from memory")
                    .isTrue();
        }
    }

    @Test
    void aRequestWithoutBoundsIsRefused() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(32)) {
            SpaceBudget budget = SpaceBudget.open(disk.path(), Long.MAX_VALUE);
            budget.reserve(1);
            for (int i = 0; i < 3; i++) {
                assertThat(budget.tryReserve(Long.MAX_VALUE)).isFalse();
            }
            assertThat(budget.reserved()).isEqualTo(1);
        }
    }

    @Test
    void theBallastIsReallyAllocatedAndComesBack() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(64)) {
            SpaceBudget budget = SpaceBudget.open(disk.path(), Long.MAX_VALUE);
            long before = Files.getFileStore(disk.path()).getUsableSpace();
            assertThat(budget.dropBallast()).isFalse();
            assertThat(budget.restoreBallast()).isTrue();
            assertThat(Files.getFileStore(disk.path()).getUsableSpace()).isLessThan(before - MIB);
            assertThat(budget.dropBallast()).isTrue();
            assertThat(Files.getFileStore(disk.path()).getUsableSpace()).isEqualTo(before);
            Files.write(disk.path().resolve("full"), new byte[58 * MIB]);
            assertThat(budget.restoreBallast()).as("not when room is short").isFalse();
            Files.delete(disk.path().resolve("full"));
            assertThat(budget.restoreBallast()).isTrue();
            assertThat(SpaceBudget.open(disk.path(), Long.MAX_VALUE).ballastHeld())
                    .isTrue();
        }
    }

    @Test
    void aCapacityBelowTheDiskIsKept() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(64)) {
            SpaceBudget budget = SpaceBudget.open(disk.path(), 10 * MIB);
            budget.used(6 * MIB);
            assertThat(budget.available()).isEqualTo(4 * MIB);
            assertThat(budget.total()).isEqualTo(10 * MIB);
            assertThat(budget.tryReserve(5 * MIB)).isFalse();
            assertThat(budget.tryReserve(4 * MIB)).isTrue();
        }
    }
}
