package io.ppiofs.proofs.sdr;

import io.ppiofs.proofs.work.MappedFile;
import io.ppiofs.proofs.work.Workers;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Computes the labels of one replica, layer by layer. A layer is sequential by design; several sectors may be labelled at
 * the same time by several instances. Not thread-safe.
 *
 * <p>Cost per node: 20 compressions of SHA-256, which are the point, and 14 reads at random places. A processor looks some
 * hundred instructions ahead, less than a label takes, so it cannot overlap these reads with hashing by itself: the memory of the
 * parents of the next {@link #BATCH} nodes is touched in one go, all misses at once, before the nodes of this batch are hashed.
 */
public final class Labeller {
    private static final int DEGREE = SdrGraph.DEGREE;
    private static final int BASE = SdrGraph.BASE_DEGREE;
    private static final int LABEL_LONGS = SdrGraph.NODE_BYTES / Long.BYTES;
    /** Their lines are 56 KiB: what the caches next to the core hold. A power of two that divides the chunk. */
    private static final int BATCH = 64;

    private static final int CHUNK = 1 << 12;
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final ParentCache parentCache;
    private final IntBuffer allParents;
    private final LabelPreimage preimage;
    /** The chunk's parents, and those of the first batch after it. */
    private final int[] parents = new int[(CHUNK + BATCH) * DEGREE];

    private final byte[] label = new byte[SdrGraph.NODE_BYTES];
    /** What the touching reads leave, so that they are not optimized away. */
    private long touched;

    /** @param replicaId 32 bytes */
    public Labeller(ParentCache parentCache, byte[] replicaId) {
        this.parentCache = parentCache;
        this.allParents = parentCache.parents();
        this.preimage = new LabelPreimage(replicaId);
    }

    /**
     * Writes all labels of a layer.
     *
     * @param layer from 1
     * @param current the file to fill, of the graph's size
     * @param previous the layer before; null for the first
     * @param progress told the nodes that are done, every few milliseconds
     * @throws io.ppiofs.error.PpiofsException IO; INTERRUPTED if the thread was
     */
    public void label(int layer, MappedFile current, @Nullable MappedFile previous, IntConsumer progress) {
        if ((layer == 1) != (previous == null)) {
            throw new IllegalArgumentException("layer " + layer + " with a previous layer " + previous);
        }
        int nodes = parentCache.graph().nodes();
        LongBuffer labels = longs(current);
        // the first layer reads no other: its own stands in, so that the loop has one shape
        LongBuffer before = previous == null ? labels : longs(previous);
        for (int from = 0; from < nodes; from += CHUNK) {
            int to = Math.min(nodes, from + CHUNK);
            int read = Math.min(nodes, to + BATCH) - from;
            allParents.get(from * DEGREE, parents, 0, read * DEGREE);
            if (layer == 1) {
                labelChunk(layer, BASE, from, to, labels, labels);
            } else {
                labelChunk(layer, DEGREE, from, to, labels, before);
            }
            progress.accept(to);
            if (Thread.currentThread().isInterrupted()) {
                throw Workers.interrupted("label", current.path());
            }
        }
    }

    /** In the order of the platform: values only travel between buffers and preimages. */
    private static LongBuffer longs(MappedFile file) {
        return file.buffer().duplicate().order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
    }

    private void labelChunk(int layer, int degree, int from, int to, LongBuffer labels, LongBuffer before) {
        long seen = 0;
        for (int node = from; node < to; node++) {
            int at = (node - from) * DEGREE;
            if ((node & BATCH - 1) == 0) {
                seen ^= touch(at + BATCH * DEGREE, degree, labels, before);
            }
            gather(at, degree, labels, before);
            preimage.label(layer, node, label, 0);
            store(labels, node * LABEL_LONGS);
        }
        touched ^= seen;
    }

    /** Behind the last node lie the parents of an earlier one: reading them is useless and harmless. */
    private long touch(int start, int degree, LongBuffer labels, LongBuffer before) {
        int[] p = parents;
        long sum = 0;
        for (int at = start; at < start + BATCH * DEGREE; at += DEGREE) {
            for (int i = 0; i < BASE; i++) {
                sum ^= labels.get(p[at + i] * LABEL_LONGS);
            }
            for (int i = BASE; i < degree; i++) {
                sum ^= before.get(p[at + i] * LABEL_LONGS);
            }
        }
        return sum;
    }

    private void gather(int at, int degree, LongBuffer labels, LongBuffer before) {
        byte[] out = preimage.bytes();
        int[] p = parents;
        int to = LabelPreimage.HEADER;
        for (int i = 0; i < BASE; i++) {
            copy(labels, p[at + i] * LABEL_LONGS, out, to);
            to += SdrGraph.NODE_BYTES;
        }
        for (int i = BASE; i < degree; i++) {
            copy(before, p[at + i] * LABEL_LONGS, out, to);
            to += SdrGraph.NODE_BYTES;
        }
    }

    private static void copy(LongBuffer from, int position, byte[] to, int at) {
        LONGS.set(to, at, from.get(position));
        LONGS.set(to, at + 8, from.get(position + 1));
        LONGS.set(to, at + 16, from.get(position + 2));
        LONGS.set(to, at + 24, from.get(position + 3));
    }

    private void store(LongBuffer to, int position) {
        for (int i = 0; i < LABEL_LONGS; i++) {
            to.put(position + i, (long) LONGS.get(label, i * Long.BYTES));
        }
    }
}
