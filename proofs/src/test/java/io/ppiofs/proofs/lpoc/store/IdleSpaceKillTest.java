package io.ppiofs.proofs.lpoc.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.proofs.lpoc.CapacityStatement;
import io.ppiofs.proofs.lpoc.CapacityVerifier;
import io.ppiofs.proofs.lpoc.LedgerChanges;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.work.KilledProcess;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that fills and releases is killed at any point, again and again, over the same directory. */
@Tag("long")
class IdleSpaceKillTest {
    private static final int KILLS = 3;
    private static final int MOST_UNITS = 4;
    private static final int NODES = 64;
    private static final long SEED = System.nanoTime();

    @TempDir
    Path directory;

    private final CapacityVerifier verifier = new CapacityVerifier();
    /** Each statement that was ever made, by its sequence. */
    private final Map<Long, CapacityStatement> said = new HashMap<>();

    private long newest;

    /** Fills and releases for ever; says its statement after each change. */
    static final class Life {
        private Life() {}

        public static void main(String[] arguments) {
            SplittableRandom random = new SplittableRandom(Long.parseLong(arguments[1]));
            try (IdleSpace space = IdleSpace.open(Path.of(arguments[0]), IdleSpaceTest.options(1))) {
                System.out.println("ready");
                while (true) {
                    int units = space.units().size();
                    if (units == MOST_UNITS || units > 0 && random.nextInt(3) == 0) {
                        space.release(Set.of(space.units().get(random.nextInt(units))));
                    } else {
                        space.fill(NODES, SealParameters.TEST, SealListener.NONE);
                    }
                    System.out.println(
                            HexFormat.of().formatHex(space.statement().toBytes()));
                }
            }
        }
    }

    private void hear(String line) {
        hear(CapacityStatement.fromBytes(HexFormat.of().parseHex(line)));
    }

    private void hear(CapacityStatement statement) {
        CapacityStatement before = said.put(statement.sequence(), statement);
        assertThat(before == null || before.equals(statement))
                .as("seed %d: one ledger of a sequence", SEED)
                .isTrue();
        assertThat(statement.sequence()).as("seed %d", SEED).isGreaterThanOrEqualTo(newest);
        newest = statement.sequence();
    }

    @Test
    void every_ledger_follows_from_the_one_before_and_all_that_it_counts_is_there() throws Exception {
        for (int kill = 0; kill < KILLS; kill++) {
            KilledProcess.run(Life.class, directory, new SplittableRandom(SEED + kill), 12, this::hear);
            long told = newest;
            try (IdleSpace space = IdleSpace.open(directory, IdleSpaceTest.options(1))) {
                CapacityStatement now = space.statement();
                hear(now);
                LedgerChanges changes = space.changesSince(told);
                assertThat(changes).as("seed %d", SEED).isNotNull();
                assertThat(verifier.changes(said.get(told), now, changes.toBytes())
                                .reason())
                        .as("seed %d", SEED)
                        .isEmpty();
                byte[] seed = new byte[32];
                if (now.root().count() > 0) {
                    byte[] proof = space.prove(now, seed, 64).toBytes();
                    assertThat(verifier.space(now, seed, 64, proof).reason())
                            .as("seed %d", SEED)
                            .isEmpty();
                }
            }
        }
    }
}
