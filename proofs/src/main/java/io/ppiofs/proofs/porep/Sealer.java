package io.ppiofs.proofs.porep;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.proofs.fr32.Fr32;
import io.ppiofs.proofs.fr32.ScalarField;
import io.ppiofs.proofs.merkle.LeafSource;
import io.ppiofs.proofs.merkle.MerkleTree;
import io.ppiofs.proofs.sdr.Labeller;
import io.ppiofs.proofs.sdr.ParentCache;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.verify.ReplicaStatement;
import io.ppiofs.proofs.work.MappedFile;
import io.ppiofs.proofs.work.Workers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Seals and unseals sectors of one size: labels, encodes by field addition, commits. Thread-safe: several sectors may be sealed at
 * the same time, each by its own thread; trees and encoding share the workers.
 *
 * <p>A sealing that is stopped, also by a kill, goes on where it was when it is started again with the same files and
 * identity: each layer and tree is a file that is flushed before it gets its name. Disk: one sector's size per layer, and the
 * replica. Heap: about 10 MiB.
 */
public final class Sealer {
    private static final int RANGE_NODES = 1 << 15;
    private static final int NODE = SdrGraph.NODE_BYTES;
    /** Hashing a node into a tree and reading it, against the 20 compressions of a label, roughly. */
    private static final int TREE_COSTS_A_LABEL_OVER = 4;

    private final ParentCache parents;
    private final SealParameters parameters;
    private final ReplicaGeometry geometry;
    private final Workers workers;
    private final LongSupplier nanoTime;

    /** @param nanoTime for estimates only */
    public Sealer(ParentCache parents, SealParameters parameters, Workers workers, LongSupplier nanoTime) {
        this.parents = parents;
        this.parameters = parameters;
        this.geometry = new ReplicaGeometry(parents.graph().nodes(), parameters.layers());
        this.workers = workers;
        this.nanoTime = nanoTime;
    }

    public ReplicaGeometry geometry() {
        return geometry;
    }

    public SealParameters parameters() {
        return parameters;
    }

    /**
     * Makes replica, trees and layers from {@link ReplicaFiles#unsealed()}, which must have exactly {@code
     * Fr32.unpaddedBytes(sector)} bytes and is only read.
     *
     * @throws PpiofsException INTERRUPTED if the thread was; NO_SPACE, IO, CORRUPT
     */
    public SealedReplica seal(ReplicaFiles files, ReplicaIdentity identity, SealListener listener) {
        requirePayload(files.unsealed());
        long nodes = geometry.nodes();
        long treeUnits = nodes / TREE_COSTS_A_LABEL_OVER;
        SealProgress progress = new SealProgress(nodes * geometry.layers() + 4 * treeUnits, nanoTime, listener);
        try (ReplicaReader data = new ReplicaReader(files.unsealed())) {
            MerkleTree dataTree = tree(files.dataTree(), geometry.dataTree(), data.paddedNodes(), files.unsealed());
            progress.advance(SealStep.DATA_TREE, treeUnits);
            byte[] commD = dataTree.root();
            byte[] replicaId = identity.replicaId(commD);
            List<MappedFile> layers = labels(files, replicaId, progress);
            MerkleTree columns =
                    tree(files.columnTree(), geometry.columnTree(), ReplicaReader.columns(layers), files.layer(1));
            progress.advance(SealStep.COLUMN_TREE, treeUnits);
            encode(files, data.paddedNodes(), layers.get(layers.size() - 1));
            progress.advance(SealStep.ENCODING, treeUnits);
            MerkleTree replica = replicaTree(files);
            progress.advance(SealStep.REPLICA_TREE, treeUnits);
            return sealed(replicaId, commD, columns.root(), replica.root());
        }
    }

    private SealedReplica sealed(byte[] replicaId, byte[] commD, byte[] commC, byte[] commRLast) {
        byte[] commR = ReplicaStatement.commR(commC, commRLast);
        ReplicaStatement statement =
                new ReplicaStatement(geometry, parents.graph().porepId(), replicaId, commD, commR);
        return new SealedReplica(statement, parameters, commC, commRLast);
    }

    private void requirePayload(Path file) {
        long expected = Fr32.unpaddedBytes(geometry.sectorBytes());
        try {
            long size = Files.size(file);
            if (size != expected) {
                throw new PpiofsException(
                        ErrorKind.CORRUPT,
                        "seal",
                        file.toString(),
                        "it has " + size + " bytes, not " + expected + "; fill the sector again");
            }
        } catch (IOException e) {
            throw DurableFile.failure("seal", file, e);
        }
    }

    /** Loads the tree, or builds and saves it. */
    private MerkleTree tree(Path file, MerkleTree.Shape shape, LeafSource leaves, Path subject) {
        if (Files.exists(file)) {
            return MerkleTree.load(file, shape);
        }
        MerkleTree tree = MerkleTree.build(shape, leaves, workers, subject);
        tree.save(file);
        return tree;
    }

    private List<MappedFile> labels(ReplicaFiles files, byte[] replicaId, SealProgress progress) {
        Labeller labeller = new Labeller(parents, replicaId);
        List<MappedFile> layers = new ArrayList<>();
        for (int layer = 1; layer <= geometry.layers(); layer++) {
            Path file = files.layer(layer);
            if (Files.exists(file)) {
                progress.skip(SealStep.LABELS, geometry.nodes());
            } else {
                MappedFile previous = layers.isEmpty() ? null : layers.get(layers.size() - 1);
                label(labeller, layer, file, previous, progress);
            }
            layers.add(MappedFile.open(file, geometry.sectorBytes(), "seal"));
        }
        return layers;
    }

    private void label(Labeller labeller, int layer, Path file, @Nullable MappedFile previous, SealProgress progress) {
        MappedFile current = MappedFile.create(ReplicaFiles.unfinished(file), geometry.sectorBytes(), "seal");
        int[] reported = {0};
        labeller.label(layer, current, previous, done -> {
            progress.advance(SealStep.LABELS, done - reported[0]);
            reported[0] = done;
        });
        current.force();
        finish(file);
    }

    private static void finish(Path file) {
        try {
            DurableFile.rename(ReplicaFiles.unfinished(file), file);
            DurableFile.syncDirectory(DurableFile.directoryOf(file));
        } catch (IOException e) {
            throw DurableFile.failure("seal", file, e);
        }
    }

    private void encode(ReplicaFiles files, LeafSource data, MappedFile keys) {
        if (Files.exists(files.replica())) {
            return;
        }
        transform(ReplicaFiles.unfinished(files.replica()), (from, count) -> {
            byte[] nodes = new byte[count * NODE];
            byte[] labels = new byte[count * NODE];
            data.read(from, count, nodes);
            keys.buffer().get((int) from * NODE, labels);
            ScalarField.add(nodes, labels, count);
            return new Piece(from * NODE, nodes);
        });
        finish(files.replica());
    }

    private MerkleTree replicaTree(ReplicaFiles files) {
        try (ReplicaReader replica = new ReplicaReader(files.replica())) {
            return tree(files.replicaTree(), geometry.replicaTree(), replica.replicaLeaves(geometry), files.replica());
        }
    }

    /**
     * Writes {@link ReplicaFiles#unsealed()} from the replica, atomically. Labels are computed again where no layer is
     * left, so it takes as long as sealing; the layers it makes go.
     *
     * @param replicaId of the replica
     * @throws PpiofsException CORRUPT if the data is not what was sealed; otherwise as {@link #seal}
     */
    public void unseal(ReplicaFiles files, byte[] replicaId, byte[] commD, SealListener listener) {
        SealProgress progress = new SealProgress((long) geometry.nodes() * geometry.layers(), nanoTime, listener);
        List<MappedFile> layers = labels(files, replicaId, progress);
        MappedFile keys = layers.get(layers.size() - 1);
        Path unfinished = ReplicaFiles.unfinished(files.unsealed());
        try (ReplicaReader replica = new ReplicaReader(files.replica())) {
            transform(unfinished, (from, count) -> {
                byte[] nodes = new byte[count * NODE];
                byte[] labels = new byte[count * NODE];
                replica.readFully(ByteBuffer.wrap(nodes), from * NODE);
                keys.buffer().get((int) from * NODE, labels);
                ScalarField.subtract(nodes, labels, count);
                int groups = nodes.length / Fr32.PADDED;
                byte[] payload = new byte[groups * Fr32.UNPADDED];
                Fr32.unpad(nodes, 0, payload, 0, groups);
                return new Piece(from * NODE / Fr32.PADDED * Fr32.UNPADDED, payload);
            });
        }
        requireData(unfinished, commD);
        finish(files.unsealed());
        deleteLayers(files);
    }

    private void requireData(Path file, byte[] commD) {
        try (ReplicaReader data = new ReplicaReader(file)) {
            byte[] root = MerkleTree.build(geometry.dataTree(), data.paddedNodes(), workers, file)
                    .root();
            if (!Arrays.equals(root, commD)) {
                throw new PpiofsException(
                        ErrorKind.CORRUPT,
                        "unseal",
                        file.toString(),
                        "the replica does not decode to what was sealed; fetch the data from other peers");
            }
        }
    }

    /** Deletes what only a proof of replication and unsealing need. */
    public void deleteLayers(ReplicaFiles files) {
        try {
            for (int layer = 1; layer <= geometry.layers(); layer++) {
                Files.deleteIfExists(files.layer(layer));
                Files.deleteIfExists(ReplicaFiles.unfinished(files.layer(layer)));
            }
        } catch (IOException e) {
            throw DurableFile.failure("delete layers", files.directory(), e);
        }
    }

    /** Bytes for a place in a file. */
    private record Piece(long at, byte[] bytes) {}

    @FunctionalInterface
    private interface Transformation {
        Piece of(long firstNode, int count) throws IOException;
    }

    private void transform(Path file, Transformation transformation) {
        try (FileChannel out = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            workers.forRanges(geometry.nodes(), RANGE_NODES, "seal", file, (from, to) -> {
                Piece piece = transformation.of(from, (int) (to - from));
                ByteBuffer bytes = ByteBuffer.wrap(piece.bytes());
                while (bytes.hasRemaining()) {
                    out.write(bytes, piece.at() + bytes.position());
                }
            });
            out.force(true);
        } catch (IOException e) {
            throw DurableFile.failure("seal", file, e);
        }
    }
}
