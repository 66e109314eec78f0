package io.ppiofs.proofs.porep;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.proofs.fr32.Fr32;
import io.ppiofs.proofs.merkle.LeafSource;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.work.MappedFile;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** Leaves of a sector's trees out of its files. Thread-safe: reads are positional. */
public final class ReplicaReader implements Closeable {
    private static final int NODE = SdrGraph.NODE_BYTES;
    private static final int NODES_PER_GROUP = Fr32.PADDED / NODE;

    private final Path path;
    private final FileChannel channel;

    /** @throws PpiofsException IO */
    public ReplicaReader(Path path) {
        this.path = path;
        try {
            this.channel = FileChannel.open(path, StandardOpenOption.READ);
        } catch (IOException e) {
            throw DurableFile.failure("open sector file", path, e);
        }
    }

    public Path path() {
        return path;
    }

    /** Nodes of the padded data, if the file is a payload: from a multiple of four, a multiple of four at a time. */
    public LeafSource paddedNodes() {
        return (first, count, out) -> {
            if (first % NODES_PER_GROUP != 0 || count % NODES_PER_GROUP != 0) {
                throw new IllegalArgumentException("nodes " + first + " and " + count + " on are no whole groups");
            }
            int groups = count / NODES_PER_GROUP;
            byte[] payload = new byte[groups * Fr32.UNPADDED];
            readFully(ByteBuffer.wrap(payload), first / NODES_PER_GROUP * Fr32.UNPADDED);
            Fr32.pad(payload, 0, out, 0, groups);
        };
    }

    /** Leaves of the replica's tree, if the file is a replica. */
    public LeafSource replicaLeaves(ReplicaGeometry geometry) {
        int leafBytes = geometry.replicaLeafBytes();
        return (first, count, out) -> readFully(ByteBuffer.wrap(out, 0, count * leafBytes), first * leafBytes);
    }

    /** Each column is the labels of a node in all layers, first to last. */
    public static LeafSource columns(List<MappedFile> layers) {
        return (first, count, out) -> {
            int columnBytes = layers.size() * NODE;
            byte[] labels = new byte[count * NODE];
            for (int layer = 0; layer < layers.size(); layer++) {
                layers.get(layer).buffer().get((int) first * NODE, labels);
                for (int i = 0; i < count; i++) {
                    System.arraycopy(labels, i * NODE, out, i * columnBytes + layer * NODE, NODE);
                }
            }
        };
    }

    /** Fills {@code into}. @throws EOFException if the file is too short */
    public void readFully(ByteBuffer into, long at) throws IOException {
        int start = into.position();
        while (into.hasRemaining()) {
            if (channel.read(into, at + into.position() - start) < 0) {
                throw new EOFException("the file ends before " + (at + into.limit() - start));
            }
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw DurableFile.failure("close sector file", path, e);
        }
    }
}
