package io.ppiofs.proofs.verify;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.Sha256;

/** What makes a replica one of its kind: its labels, and so every byte of it, depend on these 32 bytes. */
public final class ReplicaId {
    private static final byte[] DOMAIN = "ppiofs replica id v1".getBytes(US_ASCII);
    private static final int MAX_PEER_BYTES = 128;

    private ReplicaId() {}

    /**
     * {@code SHA-256("ppiofs replica id v1" || BE32(length of peer) || peer || BE64(sector) || BE32(copy) || ticket || commD ||
     * porepId)}, the two highest bits (little-endian order) cleared.
     *
     * @param peer the binary peer id of who stores the replica, 1 to 128 bytes
     * @param sector the number of the sector at that peer
     * @param copy which of several copies of the same data this is
     * @param ticket 32 bytes of public randomness, so that sealing could not begin before it was known
     * @param commD 32 bytes
     * @param porepId 32 bytes
     */
    public static byte[] of(byte[] peer, long sector, int copy, byte[] ticket, byte[] commD, byte[] porepId) {
        if (peer.length < 1 || peer.length > MAX_PEER_BYTES) {
            throw new IllegalArgumentException("peer has " + peer.length + " bytes, not 1 to " + MAX_PEER_BYTES);
        }
        return truncated(new Sha256()
                .update(DOMAIN)
                .updateInt(peer.length)
                .update(peer)
                .updateLong(sector)
                .updateInt(copy)
                .update(require(ticket))
                .update(require(commD))
                .update(require(porepId))
                .digest());
    }

    /** Filecoin's: {@code SHA-256(prover || BE64(sector) || ticket || commD || porepId)}, truncated; each array 32 bytes. */
    public static byte[] filecoin(byte[] prover, long sector, byte[] ticket, byte[] commD, byte[] porepId) {
        return truncated(new Sha256()
                .update(require(prover))
                .updateLong(sector)
                .update(require(ticket))
                .update(require(commD))
                .update(require(porepId))
                .digest());
    }

    private static byte[] require(byte[] part) {
        if (part.length != SdrGraph.NODE_BYTES) {
            throw new IllegalArgumentException("a part has " + part.length + " bytes, not 32");
        }
        return part;
    }

    private static byte[] truncated(byte[] digest) {
        digest[digest.length - 1] &= 0x3f;
        return digest;
    }
}
