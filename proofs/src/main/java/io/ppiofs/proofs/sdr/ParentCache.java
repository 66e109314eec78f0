package io.ppiofs.proofs.sdr;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.file.DurableFile;
import io.ppiofs.proofs.work.Workers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * All parents of a graph in a file, because to compute them takes several times longer than to hash the label. Shared by
 * all sectors of the same size; 56 bytes per node. Thread-safe.
 *
 * <p>File: for each node 14 little-endian 32-bit numbers; then {@code "PPIOPAR1"}, the graph's identity (32 bytes) and a
 * SHA-256 over identity and the SHA-256s of each {@link #CHUNK} nodes. It is written beside, flushed and renamed; the sum is
 * checked at each opening, and a file that fails is made again. It stays mapped as long as an instance or a view is reachable.
 */
public final class ParentCache {
    /** Nodes that are checked and made together. */
    public static final int CHUNK = 1 << 16;

    /** Most nodes of a graph that is kept in a file: those of 1 GiB. */
    public static final int MAX_NODES = 1 << 25;

    static final int NODE_BYTES = SdrGraph.DEGREE * Integer.BYTES;

    private static final byte[] MAGIC = "PPIOPAR1".getBytes(US_ASCII);
    private static final int TRAILER = 8 + 2 * Sha256.BYTES;
    private static final String OPERATION = "open parent cache";
    /** What a process that died while it made a file left behind. */
    private static final Duration STALE = Duration.ofDays(1);

    private final SdrGraph graph;
    private final Path path;
    private final IntBuffer parents;

    private ParentCache(SdrGraph graph, Path path, IntBuffer parents) {
        this.graph = graph;
        this.path = path;
        this.parents = parents;
    }

    /**
     * Opens the graph's file in {@code directory}, and makes it if it is missing or damaged. Two that make it at the same
     * time both succeed.
     *
     * @throws io.ppiofs.error.PpiofsException NO_SPACE, IO, INTERRUPTED
     */
    public static ParentCache open(Path directory, SdrGraph graph, Workers workers) {
        if (graph.nodes() > MAX_NODES) {
            throw new IllegalArgumentException("the graph has " + graph.nodes() + " nodes, more than " + MAX_NODES);
        }
        Path path = directory.resolve(
                "parents-" + graph.nodes() + "-" + HexFormat.of().formatHex(graph.identity(), 0, 8));
        try {
            Files.createDirectories(directory);
            ParentCache existing = openExisting(path, graph, workers);
            if (existing != null) {
                return existing;
            }
            deleteStale(directory);
            make(path, graph, workers);
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
                return mapped(path, channel, graph);
            }
        } catch (IOException e) {
            throw DurableFile.failure(OPERATION, path, e);
        }
    }

    private static @Nullable ParentCache openExisting(Path path, SdrGraph graph, Workers workers) throws IOException {
        if (!Files.exists(path)) {
            return null;
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            boolean good = channel.size() == contentBytes(graph) + TRAILER
                    && Arrays.equals(readTrailer(channel, graph), trailer(path, channel, graph, workers));
            return good ? mapped(path, channel, graph) : null;
        }
    }

    private static ParentCache mapped(Path path, FileChannel channel, SdrGraph graph) throws IOException {
        IntBuffer parents = channel.map(FileChannel.MapMode.READ_ONLY, 0, contentBytes(graph))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer();
        return new ParentCache(graph, path, parents);
    }

    private static long contentBytes(SdrGraph graph) {
        return (long) graph.nodes() * NODE_BYTES;
    }

    private static byte[] readTrailer(FileChannel channel, SdrGraph graph) throws IOException {
        ByteBuffer trailer = ByteBuffer.allocate(TRAILER);
        readFully(channel, trailer, contentBytes(graph));
        return trailer.array();
    }

    private static byte[] trailer(Path path, FileChannel channel, SdrGraph graph, Workers workers) {
        int chunks = (graph.nodes() + CHUNK - 1) / CHUNK;
        byte[] sums = new byte[chunks * Sha256.BYTES];
        workers.forRanges(graph.nodes(), CHUNK, OPERATION, path, (from, to) -> {
            ByteBuffer bytes = ByteBuffer.allocate((int) (to - from) * NODE_BYTES);
            readFully(channel, bytes, from * NODE_BYTES);
            new Sha256().digest(bytes.array(), 0, bytes.capacity(), sums, (int) (from / CHUNK) * Sha256.BYTES);
        });
        byte[] identity = graph.identity();
        byte[] sum = new Sha256().update(identity).update(sums).digest();
        return ByteBuffer.allocate(TRAILER).put(MAGIC).put(identity).put(sum).array();
    }

    private static void make(Path path, SdrGraph graph, Workers workers) throws IOException {
        Path beside = Files.createTempFile(DurableFile.directoryOf(path), "parents-", ".new");
        try (FileChannel out = FileChannel.open(beside, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            workers.forRanges(graph.nodes(), CHUNK, "make parent cache", path, (from, to) -> {
                SdrGraph.Sampler sampler = graph.sampler();
                ByteBuffer bytes =
                        ByteBuffer.allocate((int) (to - from) * NODE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
                int[] parents = new int[SdrGraph.DEGREE];
                for (long node = from; node < to; node++) {
                    sampler.parents((int) node, parents, 0);
                    for (int parent : parents) {
                        bytes.putInt(parent);
                    }
                }
                writeFully(out, bytes.flip(), from * NODE_BYTES);
            });
            writeFully(out, ByteBuffer.wrap(trailer(beside, out, graph, workers)), contentBytes(graph));
            out.force(true);
            DurableFile.rename(beside, path);
            DurableFile.syncDirectory(DurableFile.directoryOf(path));
        } finally {
            Files.deleteIfExists(beside);
        }
    }

    private static void deleteStale(Path directory) throws IOException {
        FileTime bound = FileTime.from(Instant.now().minus(STALE));
        try (DirectoryStream<Path> unfinished = Files.newDirectoryStream(directory, "parents-*.new")) {
            for (Path file : unfinished) {
                if (Files.getLastModifiedTime(file).compareTo(bound) < 0) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    private static void readFully(FileChannel channel, ByteBuffer into, long at) throws IOException {
        while (into.hasRemaining()) {
            if (channel.read(into, at + into.position()) < 0) {
                throw new IOException("the file became shorter while it was read");
            }
        }
        into.flip();
    }

    private static void writeFully(FileChannel channel, ByteBuffer from, long at) throws IOException {
        while (from.hasRemaining()) {
            channel.write(from, at + from.position());
        }
    }

    public SdrGraph graph() {
        return graph;
    }

    public Path path() {
        return path;
    }

    /** The file's numbers, mapped: 14 for each node. A view for one thread. */
    IntBuffer parents() {
        return parents.duplicate();
    }
}
