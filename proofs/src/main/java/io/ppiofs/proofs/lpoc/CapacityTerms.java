package io.ppiofs.proofs.lpoc;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.proofs.merkle.NodeHash;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.verify.ReplicaId;
import io.ppiofs.proofs.verify.ReplicaStatement;
import java.time.Duration;
import java.util.Arrays;

/**
 * What all units of a peer have in common; with it and a unit's number everything about the unit follows but its commitment.
 *
 * @param peer the binary peer id, 1 to 128 bytes; not copied
 * @param porepId 32 bytes that choose the graph; not copied; see {@link #porepId(byte[])}
 * @param nodes of a unit, see {@link ReplicaGeometry}
 * @param parameters a named set
 */
public record CapacityTerms(byte[] peer, byte[] porepId, int nodes, SealParameters parameters) {
    /** Most bytes of a peer id. */
    public static final int MAX_PEER_BYTES = 128;

    private static final byte[] GRAPH = "ppiofs idle graph v1".getBytes(US_ASCII);
    /** Of no use here: who labels early has to keep the labels, and that is what is proven. */
    private static final byte[] TICKET = new byte[Sha256.BYTES];

    public CapacityTerms {
        if (peer.length < 1 || peer.length > MAX_PEER_BYTES || porepId.length != Sha256.BYTES) {
            throw new IllegalArgumentException("a peer of " + peer.length + " bytes, a graph of " + porepId.length);
        }
        ReplicaGeometry checked = new ReplicaGeometry(nodes, parameters.layers());
        nodes = checked.nodes();
    }

    /**
     * The graph of idle units in a network whose sectors have the graph {@code of}: another one, so that no sector of data, be it all
     * zeros, has the labels of a unit and counts twice.
     */
    public static byte[] porepId(byte[] of) {
        return new Sha256().update(GRAPH).update(of).digest();
    }

    public ReplicaGeometry geometry() {
        return new ReplicaGeometry(nodes, parameters.layers());
    }

    public long unitBytes() {
        return geometry().sectorBytes();
    }

    /** What a unit is sealed with. */
    public byte[] ticket() {
        return TICKET.clone();
    }

    /** What a unit is held to. @param commR 32 bytes */
    public ReplicaStatement unit(long number, byte[] commR) {
        byte[] commD = zeros();
        byte[] replicaId = ReplicaId.of(peer, number, 0, TICKET, commD, porepId);
        return new ReplicaStatement(geometry(), porepId, replicaId, commD, commR);
    }

    /** The commitment to data that is all zeros. */
    private byte[] zeros() {
        byte[] pair = new byte[2 * Sha256.BYTES];
        Sha256 sha256 = new Sha256();
        for (int level = 0; level < geometry().nodeDepth(); level++) {
            NodeHash.TRUNCATED.pair(sha256, pair, 0, pair, 0);
            System.arraycopy(pair, 0, pair, Sha256.BYTES, Sha256.BYTES);
        }
        return Arrays.copyOf(pair, Sha256.BYTES);
    }

    /** See {@link ReplicaGeometry#leastRegeneration}. */
    public Duration leastRegeneration() {
        return geometry().leastRegeneration();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof CapacityTerms other
                && nodes == other.nodes
                && parameters.equals(other.parameters)
                && Arrays.equals(peer, other.peer)
                && Arrays.equals(porepId, other.porepId);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(peer) * 31 + nodes;
    }
}
