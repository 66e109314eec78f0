package io.ppiofs.proofs.sector;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.work.KilledProcess;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process is killed after a random number of steps and a random pause, again and again, over the same store. */
@Tag("long")
class SectorKillTest {
    private static final int KILLS = 8;
    private static final long SEED = System.nanoTime();

    @TempDir
    Path directory;

    private final SplittableRandom random = new SplittableRandom(SEED);
    /** The last state that the processes told of each sector. */
    private final Map<Long, SectorState> told = new TreeMap<>();

    @Test
    void no_state_and_no_byte_is_lost() throws Exception {
        for (int kill = 0; kill < KILLS; kill++) {
            runAndKill();
            check("seed " + SEED + ", kill " + kill);
        }
        assertThat(told).as("seed %d", SEED).isNotEmpty();
    }

    private void runAndKill() throws IOException, InterruptedException {
        KilledProcess.run(SectorLife.class, directory, random, 25, this::hear);
    }

    private void hear(String line) {
        assertThat(line).matches("\\d+ [A-Z]+");
        String[] words = line.split(" ");
        told.put(Long.parseLong(words[0]), SectorState.valueOf(words[1]));
    }

    private void check(String when) {
        try (SectorStore store = SectorStore.open(directory, SectorLife.options())) {
            List<Long> numbers =
                    store.sectors().stream().map(SectorRecord::number).toList();
            told.forEach((number, state) -> {
                if (state == SectorState.REMOVED) {
                    assertThat(numbers).as(when).doesNotContain(number);
                } else if (numbers.contains(number)) {
                    SectorState now = store.sector(number).state();
                    assertThat(now == state || reaches(state, now))
                            .as("%s: sector %d was %s and is %s", when, number, state, now)
                            .isTrue();
                } else {
                    // its removal was under way
                    assertThat(state).as(when).isEqualTo(SectorState.PROVING);
                }
            });
            told.keySet().removeIf(number -> !numbers.contains(number));
            numbers.forEach(number -> checkPayload(store, store.sector(number), when));
        }
    }

    /** One step that was not told, or two where one has two records. */
    private static boolean reaches(SectorState from, SectorState to) {
        return Arrays.stream(SectorState.values())
                .anyMatch(via -> from.mayBecome(to) || from.mayBecome(via) && via.mayBecome(to));
    }

    private static void checkPayload(SectorStore store, SectorRecord record, String when) {
        long number = record.number();
        boolean whole = record.state() != SectorState.OPEN;
        boolean there = record.state().compareTo(SectorState.PROVING) < 0 || record.keepsUnsealed();
        if (whole && !there || record.state() == SectorState.FAULTY) {
            store.unseal(number, SealListener.NONE);
        }
        byte[] read = new byte[SectorLife.PAYLOAD];
        int length = store.read(number, 0, ByteBuffer.wrap(read));
        if (whole) {
            assertThat(length).as(when).isEqualTo(SectorLife.PAYLOAD);
        }
        assertThat(Arrays.copyOf(read, length))
                .as("%s: payload of %s", when, record)
                .isEqualTo(Arrays.copyOf(SectorLife.payload(number), length));
    }
}
