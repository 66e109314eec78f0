package io.ppiofs.proofs.sdr;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The stacked depth-robust graph of Filecoin's SDR: in each layer the edges of a depth-robust graph by bucket sampling
 * (base degree 6), between layers those of an expander (degree 8). Source: Filecoin specification, "Stacked DRG Proof of
 * Replication"; bit-compatible with its reference implementation for both generations ({@link ApiVersion}).
 *
 * <p>Immutable; {@link #sampler()} gives each thread its own sampler, which costs about 3 µs per node.
 */
public final class SdrGraph {
    /** Parents in the same layer. */
    public static final int BASE_DEGREE = 6;
    /** Parents in the layer before. */
    public static final int EXPANSION_DEGREE = 8;

    public static final int DEGREE = BASE_DEGREE + EXPANSION_DEGREE;
    /** Bytes of a node, its label, its share of the data. */
    public static final int NODE_BYTES = 32;
    /** 32 GiB. */
    public static final int MAX_NODES = 1 << 30;

    /** Bytes of a PoRep identifier, which chooses the graph. */
    public static final int POREP_ID_BYTES = 32;

    private static final int DRG_SEED_BYTES = 28;
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final int nodes;
    private final byte[] porepId;
    private final ApiVersion version;
    private final byte[] drgSeed;
    private final long[] feistelKeys = new long[4];

    /**
     * @param nodes 2 … {@link #MAX_NODES}
     * @param porepId 32 bytes, copied
     */
    public SdrGraph(int nodes, byte[] porepId, ApiVersion version) {
        if (nodes < 2 || nodes > MAX_NODES) {
            throw new IllegalArgumentException("nodes is " + nodes + ", not 2 to " + MAX_NODES);
        }
        if (porepId.length != POREP_ID_BYTES) {
            throw new IllegalArgumentException("porepId has " + porepId.length + " bytes, not 32");
        }
        this.nodes = nodes;
        this.porepId = porepId.clone();
        this.version = version;
        this.drgSeed = Arrays.copyOf(domain("Filecoin_DRSample", porepId), DRG_SEED_BYTES);
        byte[] keys = domain("Filecoin_Feistel", porepId);
        for (int i = 0; i < feistelKeys.length; i++) {
            feistelKeys[i] = (long) LONGS.get(keys, 8 * i);
        }
    }

    private static byte[] domain(String tag, byte[] porepId) {
        return new Sha256().update(tag.getBytes(US_ASCII)).update(porepId).digest();
    }

    public int nodes() {
        return nodes;
    }

    /** Bytes of a layer and of the sector. */
    public long bytes() {
        return (long) nodes * NODE_BYTES;
    }

    public byte[] porepId() {
        return porepId.clone();
    }

    public ApiVersion version() {
        return version;
    }

    /**
     * 32 bytes that differ if any parent of any node may differ: what a file of parents is named by. Versions 1.1 and 1.2
     * have the same graph.
     */
    public byte[] identity() {
        return new Sha256()
                .update("ppiofs sdr graph v1".getBytes(US_ASCII))
                .update(porepId)
                .updateInt(nodes)
                .update((byte) (version.predecessorFirst() ? 1 : 0))
                .digest();
    }

    /** For one thread. */
    public Sampler sampler() {
        return new Sampler();
    }

    /** Computes parents. Not thread-safe. */
    public final class Sampler {
        private final ChaCha8 random = new ChaCha8();
        private final byte[] seed = Arrays.copyOf(drgSeed, 32);
        private final FeistelPermutation edges = new FeistelPermutation((long) nodes * EXPANSION_DEGREE, feistelKeys);

        private Sampler() {}

        /** Writes the {@link #DEGREE} parents of {@code node} to {@code out} from {@code at}: six of its layer, then eight. */
        public void parents(int node, int[] out, int at) {
            base(node, out, at);
            expander(node, out, at + BASE_DEGREE);
        }

        private void base(int node, int[] out, int at) {
            if (node < 2) {
                Arrays.fill(out, at, at + BASE_DEGREE, 0);
                return;
            }
            boolean first = version.predecessorFirst();
            int sampled = first ? at + 1 : at;
            out[first ? at : at + BASE_DEGREE - 1] = node - 1;
            INTS.set(seed, DRG_SEED_BYTES, node);
            random.seed(seed);
            for (int i = 0; i < BASE_DEGREE - 1; i++) {
                out[sampled + i] = sample(node);
            }
        }

        /** Bucket sampling in the graph whose nodes stand for one incoming edge each. */
        private int sample(int node) {
            int perNode = BASE_DEGREE - 1;
            long edge = (long) node * perNode;
            int buckets = Long.SIZE - Long.numberOfLeadingZeros(edge - 1); // ⌈log2 edge⌉, edge ≥ 10
            long bucket = Long.remainderUnsigned(random.nextLong(), buckets) + 1;
            long largest = Math.min(edge, 1L << bucket);
            long smallest = Math.max(2, largest >> 1);
            long distance = smallest + Long.remainderUnsigned(random.nextLong(), largest - smallest + 1);
            int parent = (int) ((edge - distance) / perNode);
            return parent == node ? node - 1 : parent;
        }

        private void expander(int node, int[] out, int at) {
            for (int i = 0; i < EXPANSION_DEGREE; i++) {
                long edge = edges.permute((long) node * EXPANSION_DEGREE + i);
                long kept = version.edgesAreCutTo32Bits() ? edge & 0xffff_ffffL : edge;
                out[at + i] = (int) (kept / EXPANSION_DEGREE);
            }
        }
    }
}
