package io.ppiofs.proofs.merkle;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.work.Workers;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * A full binary tree whose lowest rows are not kept: they are computed again from the leaves when one is opened. Immutable
 * and thread-safe. In memory it takes 64 bytes for each kept subtree of {@code 2^discarded} leaves.
 *
 * <p>File: {@code "PPIOTRE1"}, depth and discarded rows (a byte each), the kept rows from the lowest up to the root, and a
 * SHA-256 over all that.
 */
public final class MerkleTree {
    private static final byte[] MAGIC = "PPIOTRE1".getBytes(US_ASCII);
    private static final int HEADER = 10;
    private static final int NODE = Sha256.BYTES;
    /** Largest tree file: 2^20 subtrees. */
    private static final int MAX_KEPT_DEPTH = 20;

    private static final int RANGE_BYTES = 1 << 20;
    /** What is read at a time: it stays in the cache until it is hashed. */
    private static final int PIECE_BYTES = 1 << 16;

    private final Shape shape;
    /** All kept rows, the lowest first, the root last. */
    private final byte[] rows;

    /**
     * What the tree is over.
     *
     * @param leaves a power of two
     * @param leafBytes of each leaf
     * @param discarded rows that are not kept, from the leaves' up: 0 keeps all
     */
    public record Shape(NodeHash hash, long leaves, int leafBytes, int discarded) {
        public Shape {
            int depth = MerklePath.depth(leaves);
            if (discarded < 0 || discarded > depth || depth - discarded > MAX_KEPT_DEPTH) {
                throw new IllegalArgumentException("a tree of " + leaves + " leaves without " + discarded + " rows");
            }
            if (leafBytes < 1 || hash == NodeHash.TRUNCATED && leafBytes != NODE) {
                throw new IllegalArgumentException("leafBytes is " + leafBytes);
            }
        }

        int depth() {
            return MerklePath.depth(leaves);
        }

        int keptLeaves() {
            return (int) (leaves >>> discarded);
        }

        int subtreeLeaves() {
            return 1 << discarded;
        }

        int keptBytes() {
            return (2 * keptLeaves() - 1) * NODE;
        }
    }

    private MerkleTree(Shape shape, byte[] rows) {
        this.shape = shape;
        this.rows = rows;
    }

    /**
     * Reads all leaves once.
     *
     * @param subject what the leaves are read from, for messages
     * @throws PpiofsException IO; INTERRUPTED if the thread was
     */
    public static MerkleTree build(Shape shape, LeafSource source, Workers workers, Path subject) {
        byte[] rows = new byte[shape.keptBytes()];
        int subtreeBytes = shape.subtreeLeaves() * shape.leafBytes();
        int perRange = Math.max(1, RANGE_BYTES / subtreeBytes);
        int perPiece = Math.max(1, PIECE_BYTES / subtreeBytes);
        workers.forRanges(shape.keptLeaves(), perRange, "build Merkle tree", subject, (from, to) -> {
            Builder builder = new Builder(shape);
            byte[] leaves = new byte[perPiece * subtreeBytes];
            for (long piece = from; piece < to; piece += perPiece) {
                int subtrees = (int) Math.min(perPiece, to - piece);
                source.read(piece * shape.subtreeLeaves(), subtrees * shape.subtreeLeaves(), leaves);
                for (int i = 0; i < subtrees; i++) {
                    builder.root(leaves, i * subtreeBytes, rows, (int) (piece + i) * NODE);
                }
            }
        });
        hashUp(shape.hash(), rows, 0, shape.keptLeaves());
        return new MerkleTree(shape, rows);
    }

    /** Fills the rows above the one of {@code width} nodes at {@code start}. */
    private static void hashUp(NodeHash hash, byte[] rows, int start, int width) {
        Sha256 sha256 = new Sha256();
        int from = start;
        int nodes = width;
        while (nodes > 1) {
            int to = from + nodes * NODE;
            for (int i = 0; i < nodes / 2; i++) {
                hash.pair(sha256, rows, from + 2 * i * NODE, rows, to + i * NODE);
            }
            from = to;
            nodes /= 2;
        }
    }

    /** Hashes subtrees. Not thread-safe. */
    private static final class Builder {
        private final Shape shape;
        private final Sha256 sha256 = new Sha256();
        private final byte[] nodes;

        Builder(Shape shape) {
            this.shape = shape;
            this.nodes = new byte[shape.subtreeLeaves() * NODE];
        }

        /** The root of the subtree whose leaves' bytes start at {@code at}. */
        void root(byte[] leaves, int at, byte[] out, int to) {
            hashLeaves(leaves, at);
            for (int width = shape.subtreeLeaves(); width > 1; width /= 2) {
                for (int i = 0; i < width / 2; i++) {
                    shape.hash().pair(sha256, nodes, 2 * i * NODE, nodes, i * NODE);
                }
            }
            System.arraycopy(nodes, 0, out, to, NODE);
        }

        private void hashLeaves(byte[] leaves, int at) {
            for (int i = 0; i < shape.subtreeLeaves(); i++) {
                shape.hash().leaf(sha256, leaves, at + i * shape.leafBytes(), shape.leafBytes(), nodes, i * NODE);
            }
        }

        /** As {@link #root}, and the siblings on the way from leaf {@code index} of the subtree. */
        void path(byte[] leaves, int index, ByteBuffer path) {
            hashLeaves(leaves, 0);
            int at = index;
            for (int width = shape.subtreeLeaves(); width > 1; width /= 2) {
                path.put(nodes, (at ^ 1) * NODE, NODE);
                for (int i = 0; i < width / 2; i++) {
                    shape.hash().pair(sha256, nodes, 2 * i * NODE, nodes, i * NODE);
                }
                at /= 2;
            }
        }
    }

    public Shape shape() {
        return shape;
    }

    /** 32 bytes. */
    public byte[] root() {
        return Arrays.copyOfRange(rows, rows.length - NODE, rows.length);
    }

    /**
     * The siblings from leaf {@code index} to below the root, 32 bytes each.
     *
     * @param source the leaves the tree was built from; the lowest rows are computed from them
     */
    public byte[] path(long index, LeafSource source) throws IOException {
        if (index < 0 || index >= shape.leaves()) {
            throw new IllegalArgumentException("index is " + index + " of " + shape.leaves());
        }
        ByteBuffer path = ByteBuffer.allocate(shape.depth() * NODE);
        int subtree = shape.subtreeLeaves();
        if (shape.discarded() > 0) {
            byte[] leaves = new byte[subtree * shape.leafBytes()];
            source.read(index / subtree * subtree, subtree, leaves);
            new Builder(shape).path(leaves, (int) (index % subtree), path);
        }
        int at = (int) (index >>> shape.discarded());
        int row = 0;
        for (int width = shape.keptLeaves(); width > 1; width /= 2) {
            path.put(rows, row + (at ^ 1) * NODE, NODE);
            row += width * NODE;
            at /= 2;
        }
        return path.array();
    }

    /**
     * As {@link #path} of the tree in a saved file, of which only the siblings are read: a few hundred bytes instead of all, and no
     * check whether the file is damaged, which whoever checks the path finds out.
     *
     * @param file of {@link #save}
     * @param shape one that keeps all rows
     */
    public static byte[] readPath(Path file, Shape shape, long index) throws IOException {
        if (shape.discarded() != 0 || index < 0 || index >= shape.leaves()) {
            throw new IllegalArgumentException("index is " + index + " of " + shape);
        }
        ByteBuffer path = ByteBuffer.allocate(shape.depth() * NODE);
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            long row = HEADER;
            long at = index;
            for (long width = shape.leaves(); width > 1; width /= 2) {
                path.limit(path.position() + NODE);
                long from = row + (at ^ 1) * NODE;
                while (path.hasRemaining()) {
                    if (in.read(path, from + NODE - path.remaining()) < 0) {
                        throw new EOFException("the tree ends before " + (from + NODE));
                    }
                }
                row += width * NODE;
                at /= 2;
            }
        }
        return path.array();
    }

    /** Replaces {@code file} atomically. @throws PpiofsException NO_SPACE, IO */
    public void save(Path file) {
        ByteBuffer out = ByteBuffer.allocate(HEADER + rows.length + NODE);
        out.put(MAGIC).put((byte) shape.depth()).put((byte) shape.discarded()).put(rows);
        new Sha256().digest(out.array(), 0, out.position(), out.array(), out.position());
        DurableFile.replace(file, out.array(), "save Merkle tree");
    }

    /**
     * @param shape the one it was built with
     * @throws PpiofsException NOT_FOUND; CORRUPT if the file is damaged or has another shape; IO
     */
    public static MerkleTree load(Path file, Shape shape) {
        String operation = "load Merkle tree";
        int length = HEADER + shape.keptBytes() + NODE;
        byte[] bytes = DurableFile.read(file, length, operation);
        if (bytes == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND, operation, file.toString(), "there is no such file; seal the sector again");
        }
        if (bytes.length != length || !isIntact(bytes, shape)) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, operation, file.toString(), "it is damaged; seal the sector again");
        }
        return new MerkleTree(shape, Arrays.copyOfRange(bytes, HEADER, length - NODE));
    }

    private static boolean isIntact(byte[] bytes, Shape shape) {
        int sum = bytes.length - NODE;
        byte[] expected = new byte[NODE];
        new Sha256().digest(bytes, 0, sum, expected, 0);
        return Arrays.equals(bytes, 0, MAGIC.length, MAGIC, 0, MAGIC.length)
                && bytes[8] == shape.depth()
                && bytes[9] == shape.discarded()
                && Arrays.equals(bytes, sum, bytes.length, expected, 0, NODE);
    }
}
