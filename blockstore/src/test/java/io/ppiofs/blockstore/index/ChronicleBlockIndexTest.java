package io.ppiofs.blockstore.index;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.Cid;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChronicleBlockIndexTest {
    @TempDir
    Path directory;

    private final ExecutorService background = Executors.newSingleThreadExecutor();
    private final Random random = new Random(3);

    @AfterEach
    void stop() throws Exception {
        background.shutdown();
        assertThat(background.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
    }

    private Cid cid() {
        return Cid.ofWords(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }

    private static Location location(int i) {
        return new Location(i, i * 7, i * 3, i * 11L);
    }

    @Test
    void growsByItselfWhileItIsWritten() throws Exception {
        Map<Cid, Location> model = new HashMap<>();
        try (ChronicleBlockIndex index = ChronicleBlockIndex.open(directory, new BitSet(), 1000, background)) {
            Cid[] recent = new Cid[64];
            for (int i = 0; i < 120_000; i++) {
                Cid cid = cid();
                index.put(cid, location(i));
                model.put(cid, location(i));
                Cid old = recent[i & 63];
                if (old != null && i % 3 == 0) {
                    index.remove(old);
                    model.remove(old);
                } else if (old != null && i % 3 == 1) {
                    index.put(old, location(-i));
                    model.put(old, location(-i));
                }
                recent[i & 63] = cid;
            }
            assertThat(index.size()).isEqualTo(model.size());
            model.forEach((cid, location) -> assertThat(index.get(cid)).isEqualTo(location));
            assertThat(index.get(cid())).isNull();
        }
        BitSet all = new BitSet();
        all.set(0, ChronicleBlockIndex.SHARDS);
        try (ChronicleBlockIndex index = ChronicleBlockIndex.open(directory, all, 1000, background)) {
            assertThat(index.size()).isEqualTo(model.size());
            model.forEach((cid, location) -> assertThat(index.get(cid)).isEqualTo(location));
            Cid late = cid();
            index.put(late, location(5));
            assertThat(index.get(late)).isEqualTo(location(5));
        }
    }

    @Test
    void aShardThatIsNotTrustedStartsEmptyAndTheOthersStay() throws Exception {
        Map<Cid, Location> model = new HashMap<>();
        try (ChronicleBlockIndex index = ChronicleBlockIndex.open(directory, new BitSet(), 2000, background)) {
            for (int i = 0; i < 1000; i++) {
                Cid cid = cid();
                index.put(cid, location(i));
                model.put(cid, location(i));
            }
        }
        BitSet trusted = new BitSet();
        trusted.set(0, ChronicleBlockIndex.SHARDS);
        trusted.clear(2);
        try (ChronicleBlockIndex index = ChronicleBlockIndex.open(directory, trusted, 2000, background)) {
            model.forEach((cid, location) ->
                    assertThat(index.get(cid)).isEqualTo(ChronicleBlockIndex.shardOf(cid) == 2 ? null : location));
        }
    }
}
