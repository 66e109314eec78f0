package io.ppiofs.proofs.verify;

import io.ppiofs.proofs.fr32.Fr32;
import io.ppiofs.proofs.merkle.NodeHash;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.Sha256;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * commD of a payload that comes in pieces, as a sector has it that is filled with the same bytes: padded, the rest zeros. With this who has the
 * data knows what a sealed sector of it must be committed to, without a sector. Of one thread; memory for one path. Costs a SHA-256
 * over twice the payload, whatever the sector's size.
 */
public final class DataCommitment {
    private static final int NODE = SdrGraph.NODE_BYTES;

    private final int nodes;
    private final Sha256 sha256 = new Sha256();
    private final byte[] group = new byte[Fr32.UNPADDED];
    private final byte[] padded = new byte[Fr32.PADDED];

    /** For each level, from the nodes up: the left sibling that waits, and behind it room for the right one. */
    private final byte[][] waiting;

    /** Whether there is a left sibling in this level; a counter of nodes in binary. */
    private long count;

    private int filled;

    /** @param nodes of the sector, see {@link ReplicaGeometry} */
    public DataCommitment(int nodes) {
        this.nodes = nodes;
        this.waiting = new byte[Integer.numberOfTrailingZeros(nodes) + 1][2 * NODE];
    }

    /** @throws IllegalStateException if it is more than the sector takes */
    public DataCommitment append(ByteBuffer payload) {
        while (payload.hasRemaining()) {
            int n = Math.min(payload.remaining(), group.length - filled);
            payload.get(group, filled, n);
            filled += n;
            if (filled == group.length) {
                flush();
            }
        }
        return this;
    }

    private void flush() {
        if (count >= nodes) {
            throw new IllegalStateException("the payload is more than a sector of " + nodes + " nodes takes");
        }
        Fr32.pad(group, 0, padded, 0, 1);
        for (int at = 0; at < padded.length; at += NODE) {
            add(padded, at);
        }
        filled = 0;
    }

    /** Carries a node up, as a one is carried in binary. */
    private void add(byte[] bytes, int at) {
        byte[] hash = bytes;
        int from = at;
        int level = 0;
        for (long ones = count; (ones & 1) == 1; ones >>>= 1) {
            byte[] pair = waiting[level];
            System.arraycopy(hash, from, pair, NODE, NODE);
            NodeHash.TRUNCATED.pair(sha256, pair, 0, pair, 0);
            hash = pair;
            from = 0;
            level++;
        }
        System.arraycopy(hash, from, waiting[level], 0, NODE);
        count++;
    }

    /** The commitment, 32 bytes; nothing is appended afterwards. */
    public byte[] commD() {
        if (filled > 0) {
            Arrays.fill(group, filled, group.length, (byte) 0);
            flush();
        }
        int depth = waiting.length - 1;
        byte[] zeros = new byte[2 * NODE];
        byte[] right = new byte[NODE];
        boolean some = false;
        for (int level = 0; level < depth; level++) {
            boolean left = (count >>> level & 1) == 1;
            byte[] pair = waiting[level];
            if (left) {
                // what is right of it: what the levels below left over, or zeros
                System.arraycopy(some ? right : zeros, 0, pair, NODE, NODE);
                NodeHash.TRUNCATED.pair(sha256, pair, 0, right, 0);
                some = true;
            } else if (some) {
                System.arraycopy(right, 0, pair, 0, NODE);
                System.arraycopy(zeros, 0, pair, NODE, NODE);
                NodeHash.TRUNCATED.pair(sha256, pair, 0, right, 0);
            }
            System.arraycopy(zeros, 0, zeros, NODE, NODE);
            NodeHash.TRUNCATED.pair(sha256, zeros, 0, zeros, 0);
        }
        if (count == nodes) {
            return Arrays.copyOf(waiting[depth], NODE);
        }
        return some ? right : Arrays.copyOf(zeros, NODE);
    }
}
