package io.ppiofs.proofs.sdr;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * What is hashed for a label: {@code replica id (32) || layer (BE32, from 1) || node (BE64) || 20 zeros || 37 parent
 * labels}, the parents repeated in order until there are 37; node 0 has none. The digest's two highest bits (little-endian
 * order) are cleared, so that a label is below 2^254 and an element of the field. Not thread-safe.
 */
public final class LabelPreimage {
    /** Parent labels that are hashed. */
    public static final int HASHED_PARENTS = 37;

    static final int NODE = SdrGraph.NODE_BYTES;
    static final int HEADER = 64;
    /** Bytes that are hashed for every node but 0. */
    public static final int BYTES = HEADER + HASHED_PARENTS * NODE;

    private static final int LAYER_AT = 32;
    private static final int NODE_AT = 36;
    private static final VarHandle BE_INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle BE_LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private final byte[] bytes = new byte[HEADER + SdrGraph.DEGREE * NODE];
    private final Sha256 sha256 = new Sha256();

    /** @param replicaId 32 bytes, copied */
    public LabelPreimage(byte[] replicaId) {
        if (replicaId.length != NODE) {
            throw new IllegalArgumentException("replicaId has " + replicaId.length + " bytes, not 32");
        }
        System.arraycopy(replicaId, 0, bytes, 0, NODE);
    }

    /** The buffer; labels of distinct parents go to {@link #HEADER} and following, 32 bytes each. */
    byte[] bytes() {
        return bytes;
    }

    /** Sets the label of the {@code index}th distinct parent. */
    public void parent(int index, byte[] label, int at) {
        System.arraycopy(label, at, bytes, HEADER + index * NODE, NODE);
    }

    /** Parents that a node of this layer has: the first layer has no layer before it. */
    public static int degree(int layer) {
        return layer == 1 ? SdrGraph.BASE_DEGREE : SdrGraph.DEGREE;
    }

    /**
     * The label, once its parents are set.
     *
     * @param layer from 1
     * @param out gets 32 bytes at {@code at}
     */
    public void label(int layer, long node, byte[] out, int at) {
        BE_INTS.set(bytes, LAYER_AT, layer);
        BE_LONGS.set(bytes, NODE_AT, node);
        if (node == 0) {
            sha256.update(bytes, 0, HEADER);
        } else {
            updateParents(layer);
        }
        sha256.digest(out, at);
        out[at + NODE - 1] &= 0x3f;
    }

    /** Whole blocks of 64 bytes in each call, so that the digest copies nothing but the last half block. */
    private void updateParents(int layer) {
        int distinct = degree(layer) * NODE;
        int repeated = distinct;
        if (layer == 1) {
            // twice six labels: fewer calls
            System.arraycopy(bytes, HEADER, bytes, HEADER + distinct, distinct);
            repeated = 2 * distinct;
        }
        sha256.update(bytes, 0, HEADER + repeated);
        int left = HASHED_PARENTS * NODE - repeated;
        while (left > 0) {
            int length = Math.min(left, repeated);
            sha256.update(bytes, HEADER, length);
            left -= length;
        }
    }
}
