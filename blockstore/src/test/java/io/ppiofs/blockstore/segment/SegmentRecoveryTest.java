package io.ppiofs.blockstore.segment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentRecoveryTest {
    @TempDir
    Path temp;

    private final Random random = new Random(42);

    @Test
    void aCleanStartFindsEverythingBeforeAndAfterTheIndexIsReady() throws Exception {
        Path home = temp.resolve("store");
        List<StoredBlock> blocks = StoreFixture.blocks(random, 500, 60_000);
        List<StoredBlock> gone = blocks.subList(0, 50);
        List<StoredBlock> there = blocks.subList(50, 500);
        StoreStatistics before;
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.put(blocks);
            store.delete(gone.stream().map(StoredBlock::cid).toList());
            store.awaitIndex();
            before = store.statistics();
        }
        assertThat(Files.exists(home.resolve("index/clean"))).isTrue();
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            StoreFixture.assertHolds(store, there);
            assertThat(store.has(gone.stream().map(StoredBlock::cid).toList()).isEmpty())
                    .isTrue();
            store.awaitIndex();
            StoreFixture.assertHolds(store, there);
            assertThat(store.has(gone.stream().map(StoredBlock::cid).toList()).isEmpty())
                    .isTrue();
            assertThat(store.statistics().blocks()).isEqualTo(450);
            assertThat(store.statistics().liveBytes()).isEqualTo(before.liveBytes());
            assertThat(Files.exists(home.resolve("index/clean"))).isFalse();
        }
    }

    @Tag("long")
    @Test
    void aTailCutAnywhereCostsOnlyWhatWasCut() throws Exception {
        Path home = temp.resolve("store");
        List<StoredBlock> blocks = StoreFixture.blocks(random, 12, 3000);
        List<Integer> ends = new ArrayList<>();
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            int at = RecordFormat.SEGMENT_HEADER;
            for (StoredBlock block : blocks) {
                store.put(List.of(block));
                at += RecordFormat.recordLength(block.bytes().remaining());
                ends.add(at);
            }
            store.sync();
            StoreFixture.copyOf(home, temp.resolve("killed"));
        }
        Path segment = StoreFixture.segmentsIn(temp.resolve("killed")).get(0);
        byte[] whole = Files.readAllBytes(segment);
        assertThat(whole).hasSize(ends.get(11));
        List<Integer> cuts = new ArrayList<>(List.of(0, 1, 63, 64, 65, 64 + 55, 64 + 56, 64 + 57));
        for (int end : ends.subList(2, 7)) {
            cuts.addAll(List.of(end - 1, end, end + 1, end + RecordFormat.RECORD_HEADER));
        }
        for (int cut : cuts) {
            Path copy = StoreFixture.copyOf(temp.resolve("killed"), temp.resolve("cut-" + cut));
            Path file = StoreFixture.segmentsIn(copy).get(0);
            Files.write(file, java.util.Arrays.copyOf(whole, cut));
            int complete = (int) ends.stream().filter(end -> end <= cut).count();
            try (SegmentBlockStore store = StoreFixture.open(copy)) {
                StoreFixture.assertHolds(store, blocks.subList(0, complete));
                assertThat(store.has(blocks.stream().map(StoredBlock::cid).toList())
                                .cardinality())
                        .as("cut at %d", cut)
                        .isEqualTo(complete);
                store.put(blocks);
                StoreFixture.assertHolds(store, blocks);
            }
            try (SegmentBlockStore store = StoreFixture.open(copy)) {
                StoreFixture.assertHolds(store, blocks);
            }
        }
    }

    @Test
    void damageInAnUnsealedSegmentCostsOneBlock() throws Exception {
        Path home = temp.resolve("store");
        List<StoredBlock> blocks = StoreFixture.blocks(random, 40, 9000);
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.put(blocks);
            store.sync();
            StoreFixture.copyOf(home, temp.resolve("killed"));
        }
        Path segment = StoreFixture.segmentsIn(temp.resolve("killed")).get(0);
        byte[] whole = Files.readAllBytes(segment);
        for (int round = 0; round < 12; round++) {
            Path copy = StoreFixture.copyOf(temp.resolve("killed"), temp.resolve("flip-" + round));
            byte[] bad = whole.clone();
            int at = RecordFormat.SEGMENT_HEADER + random.nextInt(whole.length - RecordFormat.SEGMENT_HEADER);
            bad[at] ^= (byte) (1 << random.nextInt(8));
            Files.write(StoreFixture.segmentsIn(copy).get(0), bad);
            for (int start = 0; start < 2; start++) {
                try (SegmentBlockStore store = StoreFixture.open(copy)) {
                    store.awaitIndex();
                    List<StoredBlock> found = blocks.stream()
                            .filter(b -> !store.has(List.of(b.cid())).isEmpty())
                            .toList();
                    assertThat(found.size()).as("flip at %d", at).isGreaterThanOrEqualTo(39);
                    StoreFixture.assertHolds(store, found);
                }
            }
        }
    }

    @Test
    void everythingSyncedBeforeACopyOfTheRunningStoreIsInTheCopy() throws Exception {
        Path home = temp.resolve("store");
        AtomicBoolean stop = new AtomicBoolean();
        List<StoredBlock> all = StoreFixture.blocks(random, 400, 40_000);
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            for (int round = 0; round < 4; round++) {
                List<StoredBlock> part = all.subList(round * 100, round * 100 + 100);
                store.put(part);
                store.sync();
                stop.set(false);
                int seed = round;
                Thread writer = new Thread(() -> {
                    Random more = new Random(seed);
                    while (!stop.get()) {
                        store.put(List.of(StoreFixture.block(more, 1 + more.nextInt(50_000))));
                    }
                });
                writer.start();
                Path copy;
                try {
                    copy = StoreFixture.copyOf(home, temp.resolve("copy-" + round));
                } finally {
                    stop.set(true);
                    writer.join();
                }
                try (SegmentBlockStore recovered = StoreFixture.open(copy)) {
                    StoreFixture.assertHolds(recovered, all.subList(0, round * 100 + 100));
                    recovered.awaitIndex();
                    StoreFixture.assertHolds(recovered, all.subList(0, round * 100 + 100));
                    List<CorruptBlock> damaged = new ArrayList<>();
                    recovered.verifyAll(0, damaged::add);
                    assertThat(damaged).isEmpty();
                }
            }
        }
    }

    @Test
    void aLostOrDamagedIndexCostsTimeOnly() throws Exception {
        Path home = temp.resolve("store");
        List<StoredBlock> blocks = StoreFixture.blocks(random, 300, 50_000);
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.put(blocks);
            store.awaitIndex();
        }
        for (int round = 0; round < 5; round++) {
            harm(home, round);
            try (SegmentBlockStore store = StoreFixture.open(home)) {
                StoreFixture.assertHolds(store, blocks);
                store.awaitIndex();
                StoreFixture.assertHolds(store, blocks);
                assertThat(store.statistics().blocks()).as("harm %d", round).isEqualTo(300);
                Set<Cid> listed = new HashSet<>();
                store.forEachCid(listed::add);
                assertThat(listed).hasSize(300);
            }
        }
    }

    private void harm(Path home, int how) throws IOException {
        Path index = home.resolve("index");
        switch (how) {
            case 0 -> {
                try (Stream<Path> files = Files.list(index)) {
                    for (Path file : (Iterable<Path>) files::iterator) {
                        Files.delete(file);
                    }
                }
                Files.delete(index);
            }
            case 1 -> Files.delete(index.resolve("shard-2-1-2048.map"));
            case 2 -> {
                try (RandomAccessFile file =
                        new RandomAccessFile(index.resolve("shard-1-1-2048.map").toFile(), "rw")) {
                    byte[] garbage = new byte[(int) file.length()];
                    random.nextBytes(garbage);
                    file.write(garbage);
                }
            }
            case 3 -> Files.write(index.resolve("clean"), new byte[] {1, 2, 3});
            default -> Files.write(index.resolve("shard-0-1-2048.map"), new byte[10]);
        }
    }

    @Test
    void aFlippedBitInASealedSegmentIsReportedByNameAndNeverReturned() throws Exception {
        Path home = temp.resolve("store");
        List<StoredBlock> blocks = StoreFixture.blocks(random, 20, 30_000);
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.put(blocks);
        }
        Path segment = StoreFixture.segmentsIn(home).get(0);
        try (RandomAccessFile file = new RandomAccessFile(segment.toFile(), "rw")) {
            file.seek(RecordFormat.SEGMENT_HEADER + RecordFormat.RECORD_HEADER);
            int b = file.read();
            file.seek(RecordFormat.SEGMENT_HEADER + RecordFormat.RECORD_HEADER);
            file.write(b ^ 4);
        }
        Cid hit = blocks.get(0).cid();
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            assertThatThrownBy(() -> store.get(List.of(hit)))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT))
                    .hasMessageContaining(hit.toString());
            List<CorruptBlock> damaged = new ArrayList<>();
            store.verifyAll(0, damaged::add);
            assertThat(damaged)
                    .singleElement()
                    .satisfies(d -> assertThat(d.cid()).isEqualTo(hit));
            StoreFixture.assertHolds(store, blocks.subList(1, 20));
        }
    }

    @Test
    void aDamagedFooterIsReplacedByTheRecords() throws Exception {
        Path home = temp.resolve("store");
        List<StoredBlock> blocks = StoreFixture.blocks(random, 400, 40_000); // two segments
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.put(blocks);
        }
        Path first = StoreFixture.segmentsIn(home).get(0);
        long length = Files.size(first);
        for (int fromEnd : new int[] {10, RecordFormat.TRAILER + 20}) {
            try (RandomAccessFile file = new RandomAccessFile(first.toFile(), "rw")) {
                file.seek(length - fromEnd);
                int b = file.read();
                file.seek(length - fromEnd);
                file.write(b ^ 1);
            }
            Files.deleteIfExists(home.resolve("index/clean"));
            try (SegmentBlockStore store = StoreFixture.open(home)) {
                store.awaitIndex();
                StoreFixture.assertHolds(store, blocks);
            }
            length = Files.size(first);
        }
    }

    @Test
    void aSegmentWithoutStartAndEndIsSetAside() throws Exception {
        Path home = temp.resolve("store");
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.put(StoreFixture.blocks(random, 3, 100));
        }
        Path segment = StoreFixture.segmentsIn(home).get(0);
        Files.write(segment, new byte[5000]);
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            List<StoredBlock> blocks = StoreFixture.blocks(random, 3, 100);
            store.put(blocks);
            StoreFixture.assertHolds(store, blocks);
        }
        assertThat(Files.exists(Path.of(segment + ".damaged"))).isTrue();
        assertThat(StoreFixture.segmentsIn(home)).doesNotContain(segment);
    }

    @Tag("long")
    @Test
    void aSecondProcessIsRefusedInOneSentence() throws Exception {
        Path home = temp.resolve("store");
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.put(StoreFixture.blocks(random, 3, 100));
            assertThatThrownBy(() -> StoreFixture.open(home))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.IN_USE));
            assertThat(inAnotherProcess(home)).startsWith("IN_USE").contains(home.toString());
        }
        assertThat(inAnotherProcess(home)).startsWith("OPEN 1");
    }

    private static String inAnotherProcess(Path home) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String argument :
                java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (argument.startsWith("--add") || argument.startsWith("-D") || argument.startsWith("--enable")) {
                command.add(argument);
            }
        }
        command.add("-cp");
        command.add(System.getProperty("java.class.path").replace(";", File.pathSeparator));
        command.add(LockHolder.class.getName());
        command.add(home.toString());
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            return out;
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void anInterruptedThreadHarmsNobody() throws Exception {
        Path home = temp.resolve("store");
        List<StoredBlock> blocks = StoreFixture.blocks(random, 30, 200_000);
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.awaitIndex();
            Thread.currentThread().interrupt();
            store.put(blocks);
            store.sync();
            StoreFixture.assertHolds(store, blocks);
            assertThat(Thread.interrupted()).isTrue();
            StoreFixture.assertHolds(store, blocks);
        }
    }

    @Test
    void payloadBytesCannotPoseAsRecords() throws Exception {
        Path home = temp.resolve("store");
        StoredBlock victim = StoreFixture.block(random, 1000);
        ByteBuffer forged = ByteBuffer.allocate(RecordFormat.recordLength(RecordFormat.KILL_LENGTH));
        ByteBuffer kill = ByteBuffer.allocate(RecordFormat.KILL_LENGTH);
        victim.cid().writeDigest(kill);
        kill.putInt(1).putInt(RecordFormat.SEGMENT_HEADER).flip();
        byte[] guessedSalt = new byte[RecordFormat.SALT];
        RecordFormat.writeHeader(
                forged,
                guessedSalt,
                new RecordFormat.Header(
                        RecordFormat.KIND_KILL,
                        RecordFormat.KILL_LENGTH,
                        RecordFormat.crc(guessedSalt, kill, 0, RecordFormat.KILL_LENGTH),
                        Cid.ofWords(0, 0, 0, 0)));
        forged.put(kill).rewind();
        StoredBlock attack = new StoredBlock(Cid.of(forged), forged);
        try (SegmentBlockStore store = StoreFixture.open(home)) {
            store.put(List.of(victim, attack));
            store.sync();
            StoreFixture.copyOf(home, temp.resolve("killed"));
        }
        Path segment = StoreFixture.segmentsIn(temp.resolve("killed")).get(0);
        byte[] bytes = Files.readAllBytes(segment);
        int attackAt = RecordFormat.SEGMENT_HEADER + RecordFormat.recordLength(1000);
        bytes[attackAt + 20] ^= 1; // its header: the scanner steps into the payload
        Files.write(segment, bytes);
        try (SegmentBlockStore store = StoreFixture.open(temp.resolve("killed"))) {
            StoreFixture.assertHolds(store, List.of(victim));
            assertThat(store.has(List.of(attack.cid())).isEmpty()).isTrue();
        }
    }
}
