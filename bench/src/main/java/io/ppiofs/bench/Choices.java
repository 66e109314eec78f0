package io.ppiofs.bench;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.index.BlockIndex;
import io.ppiofs.blockstore.index.ChronicleBlockIndex;
import io.ppiofs.blockstore.sealed.SealedBlocks;
import io.ppiofs.blockstore.sealed.SealedOptions;
import io.ppiofs.blockstore.segment.SegmentBlockStore;
import io.ppiofs.blockstore.segment.SegmentOptions;
import io.ppiofs.blockstore.space.SpaceBudget;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/**
 * Measures what three defaults were chosen by: block size, zstd level, and how much the segment log gathers before it
 * writes; and what an entry of the block index takes on the disk. Candidates alternate in shuffled rounds and medians count; sealing runs on one thread and is measured in its
 * processor time, so that other work on the machine disturbs only the caches. The one argument is a directory of text,
 * for example {@code /usr/include}: its files, in the order of their names, are the source-code-like content.
 */
public final class Choices {
    private static final int[] BLOCK_SIZES = {256 << 10, 512 << 10, 1 << 20, 2 << 20, 4 << 20};
    private static final int[] LEVELS = {1, 2, 3, 5};
    private static final int[] BATCHES = {64 << 10, 256 << 10, 1 << 20, 4 << 20};
    private static final int BYTES = 48 << 20;
    private static final int ROUNDS = 5;
    private static final int RANGE_READS = 2_000;
    private static final int RANGE = 4 << 10;
    private static final int LOG_BLOCKS = 256;
    /** What {@link SegmentOptions} takes on a disk of 16 GiB and more. */
    private static final int FIRST_ENTRIES_PER_SHARD = 64 << 10;

    private final PrintStream out;
    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    private final Random random = new Random(1);

    private Choices(PrintStream out) {
        this.out = out;
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 1) {
            throw new IllegalArgumentException("one argument: a directory of text files, for example /usr/include");
        }
        Choices choices = new Choices(System.out);
        choices.header();
        choices.sealing("incompressible", Content.INCOMPRESSIBLE.bytes(BYTES, 1));
        choices.sealing("text", text(Path.of(arguments[0])));
        choices.batches();
        choices.index();
    }

    private void header() {
        out.printf(
                "# JDK %s, %d processors, load %.1f, AES-GCM by %s%n",
                Runtime.version(),
                Runtime.getRuntime().availableProcessors(),
                ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(),
                BareCrypto.providerOfBlocks());
    }

    /** The files below {@code directory}, one behind the other. */
    static byte[] text(Path directory) throws IOException {
        ByteBuffer all = ByteBuffer.allocate(BYTES);
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                byte[] content = Files.readAllBytes(file);
                all.put(content, 0, Math.min(content.length, all.remaining()));
                if (!all.hasRemaining()) {
                    return all.array();
                }
            }
        }
        throw new IllegalArgumentException(directory + " holds less than " + BYTES + " bytes");
    }

    private record Candidate(int blockSize, int level) {}

    private enum Cost {
        SEAL,
        OPEN,
        RANGE
    }

    /** Nanoseconds of each round, and the stored length, which is the same in each. */
    private static final class Measured {
        private final Map<Cost, List<Long>> rounds = new EnumMap<>(Cost.class);
        private long stored;

        void add(Cost cost, long nanos) {
            rounds.computeIfAbsent(cost, c -> new ArrayList<>()).add(nanos);
        }

        double median(Cost cost) {
            long[] sorted = rounds.getOrDefault(cost, List.of()).stream()
                    .mapToLong(n -> n)
                    .sorted()
                    .toArray();
            return sorted[sorted.length / 2];
        }
    }

    private void sealing(String name, byte[] content) {
        List<Candidate> candidates = new ArrayList<>();
        for (int blockSize : BLOCK_SIZES) {
            for (int level : LEVELS) {
                candidates.add(new Candidate(blockSize, level));
            }
        }
        Map<Candidate, Measured> results = new HashMap<>();
        for (int round = 0; round <= ROUNDS; round++) {
            Collections.shuffle(candidates, random);
            for (Candidate candidate : candidates) {
                Measured into = round == 0 ? new Measured() : results.computeIfAbsent(candidate, c -> new Measured());
                measure(candidate, content, into); // the first round warms up
            }
        }
        out.printf("%n%s, %d MiB: MB/s of one thread's processor time%n", name, content.length >> 20);
        out.printf("%10s %6s %8s %8s %10s %12s%n", "BLOCK", "LEVEL", "SEAL", "OPEN", "4K READ µs", "STORED %");
        candidates.sort((a, b) ->
                a.level != b.level ? Integer.compare(a.level, b.level) : Integer.compare(a.blockSize, b.blockSize));
        candidates.forEach(c -> print(c, content.length, results.getOrDefault(c, new Measured())));
    }

    private void print(Candidate candidate, int length, Measured measured) {
        out.printf(
                Locale.ROOT,
                "%7d KiB %6d %8.0f %8.0f %10.1f %12.2f%n",
                candidate.blockSize >> 10,
                candidate.level,
                length / measured.median(Cost.SEAL) * 1e3,
                length / measured.median(Cost.OPEN) * 1e3,
                measured.median(Cost.RANGE) / RANGE_READS / 1e3,
                100.0 * measured.stored / length);
    }

    private void measure(Candidate candidate, byte[] content, Measured into) {
        MemoryBlockStore store = new MemoryBlockStore();
        SealedBlocks blocks = new SealedBlocks(
                store,
                new FixedKeys(),
                SealedOptions.defaults()
                        .withBlockSize(candidate.blockSize)
                        .withZstdLevel(candidate.level)
                        .withCacheBytes(0));
        List<BlockRef> refs = new ArrayList<>();
        long start = threads.getCurrentThreadCpuTime();
        for (int at = 0; at < content.length; at += candidate.blockSize) {
            int length = Math.min(candidate.blockSize, content.length - at);
            refs.add(blocks.write(BlockType.DATA, ByteBuffer.wrap(content, at, length)));
        }
        into.add(Cost.SEAL, threads.getCurrentThreadCpuTime() - start);
        into.stored = refs.stream().map(BlockRef::cid).mapToLong(store::length).sum();
        byte[] whole = new byte[candidate.blockSize];
        start = threads.getCurrentThreadCpuTime();
        refs.forEach(ref -> blocks.read(BlockType.DATA, ref, 0, ByteBuffer.wrap(whole, 0, ref.length())));
        into.add(Cost.OPEN, threads.getCurrentThreadCpuTime() - start);
        ByteBuffer range = ByteBuffer.allocate(RANGE);
        SplittableRandom places = new SplittableRandom(7);
        start = threads.getCurrentThreadCpuTime();
        for (int i = 0; i < RANGE_READS; i++) {
            BlockRef ref = refs.get(places.nextInt(refs.size() - 1)); // the last may be short
            blocks.read(BlockType.DATA, ref, places.nextInt(ref.length() - RANGE), range.clear());
        }
        into.add(Cost.RANGE, threads.getCurrentThreadCpuTime() - start);
    }

    /** Wall time: this is about the disk. */
    private void batches() throws IOException {
        List<StoredBlock> blocks = new ArrayList<>();
        for (int i = 0; i < LOG_BLOCKS; i++) {
            ByteBuffer bytes = ByteBuffer.wrap(Content.INCOMPRESSIBLE.bytes(1 << 20, i));
            blocks.add(new StoredBlock(Cid.of(bytes.duplicate()), bytes));
        }
        out.printf("%nsegment log: %d blocks of 1 MiB, one flush at the end; MB/s, slowest and fastest%n", LOG_BLOCKS);
        double[][] rates = new double[BATCHES.length][ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < BATCHES.length; i++) {
                rates[i][round] = append(BATCHES[i], blocks);
            }
        }
        for (int i = 0; i < BATCHES.length; i++) {
            Arrays.sort(rates[i]);
            out.printf(
                    Locale.ROOT,
                    "%7d KiB %8.0f (%.0f … %.0f)%n",
                    BATCHES[i] >> 10,
                    rates[i][ROUNDS / 2],
                    rates[i][0],
                    rates[i][ROUNDS - 1]);
        }
    }

    /** From the first capacity on, as a store has it: shards grow by themselves. */
    private void index() throws IOException {
        out.printf("%nblock index: bytes on the disk%n");
        ExecutorService background = Executors.newSingleThreadExecutor();
        try (ScratchDirectory scratch = ScratchDirectory.create();
                BlockIndex index =
                        ChronicleBlockIndex.open(scratch.path(), new BitSet(), FIRST_ENTRIES_PER_SHARD, background)) {
            int entries = 0;
            for (int goal : new int[] {0, 100_000, 500_000, 1_000_000, 2_000_000}) {
                for (; entries < goal; entries++) {
                    index.put(IndexBenchmark.cid(entries), IndexBenchmark.location(entries));
                }
                long bytes = allocated(scratch.path());
                out.printf("%,11d entries %,14d bytes %6.0f each%n", goal, bytes, (double) bytes / goal);
            }
        } finally {
            background.shutdown();
        }
    }

    /** Shards are sparse files: what counts is what the disk has given them. */
    private static long allocated(Path directory) throws IOException {
        Process du = new ProcessBuilder("du", "-s", "--block-size=1", directory.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader said = du.inputReader()) {
            String line = said.readLine();
            if (line == null) {
                throw new IOException("du said nothing about " + directory);
            }
            return Long.parseLong(line.split("\t")[0]);
        }
    }

    private static double append(int batchBytes, List<StoredBlock> blocks) throws IOException {
        try (ScratchDirectory scratch = ScratchDirectory.create();
                SpaceBudget budget = SpaceBudget.open(scratch.path(), Long.MAX_VALUE);
                SegmentBlockStore store = SegmentBlockStore.open(
                        scratch.path(), SegmentOptions.defaults().withBatchBytes(batchBytes), budget)) {
            store.awaitIndex();
            long start = System.nanoTime();
            for (StoredBlock block : blocks) {
                store.put(List.of(block));
            }
            store.sync();
            return blocks.size() * 1048.576e6 / (System.nanoTime() - start);
        }
    }
}
